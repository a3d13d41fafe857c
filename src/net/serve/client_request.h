/*
 * Reads HTTP/1.1 requests (RFC 9112) from a stream of bytes, without I/O. The reader is strict
 * where two lenient readers could see different requests in the same bytes: line ends, lengths,
 * header names, transfer encodings.
 */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/core/wiped.h"
#include "net/serve/credential.h"

namespace net {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct ClientRequest
{
	std::string method; // upper case
	std::string target; // as it was sent: "/path?query"
	Fields headers;     // names in lower case, without credentials
	Credential credential;
	std::string body;
	bool keep_alive = true;
	bool old = false; // HTTP/1.0

	/* The value of a header; "" if it is missing. Values of several headers with this name are
	 * joined by commas. */
	std::string header(std::string_view name) const;
	/* Whether a list of words in a header, such as "keep-alive, Upgrade", contains the word. */
	bool header_has(std::string_view name, std::string_view word) const;
};

class HttpReader
{
  public:
	static constexpr size_t kMaxHead = 16 << 10; // bytes of request line and headers
	static constexpr size_t kMaxHeaders = 100;
	static constexpr size_t kMaxBody = 256 << 10;

	/* Why the bytes are not a request: status and sentence of the answer. */
	struct Fault
	{
		int status = 400;
		const char *reason = "";
	};

	void take(std::string_view bytes) { input_ += bytes; }
	/*
	 * Returns the next complete request and removes it from the input. After a fault it returns
	 * nothing.
	 */
	std::optional<ClientRequest> next();
	const std::optional<Fault> &fault() const { return fault_; }
	/* Whether the client waits for "100 Continue" before it sends the body; true once per
	 * request. */
	bool wants_continue();
	/* Whether a request has begun and is not complete. */
	bool in_request() const { return head_ || !input_.empty(); }
	/* The bytes after the last request: the start of another protocol. */
	std::string rest() { return std::string(std::exchange(input_, {})); }

  private:
	bool read_head();
	bool read_request_line(std::string_view line, ClientRequest &request);
	bool read_header(std::string_view line, ClientRequest &request);
	bool read_framing(ClientRequest &request);
	bool refuse(int status, const char *reason);

	WipedString input_;                 // may hold a key
	std::optional<ClientRequest> head_; // a request whose body is incomplete
	size_t body_ = 0;                   // length of its body
	bool continue_due_ = false;
	size_t searched_ = 0; // bytes of input_ already searched for the end of the head
	std::optional<Fault> fault_;
};

} // namespace net
