/*
 * Reads requests of HTTP/1.1 (RFC 9112) from a stream of bytes. Sans I/O. Strict where leniency
 * would let two readers see different requests in the same bytes: line ends, lengths, names of
 * headers, encodings of the transfer.
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
	Fields headers;     // names in lower case; without those of the credential
	Credential credential;
	std::string body;
	bool keep_alive = true;
	bool old = false; // HTTP/1.0

	/* The value of a header, "" if it is missing; of several with that name: with commas between
	 * them. */
	std::string header(std::string_view name) const;
	/* Does a list of words in a header, such as "keep-alive, Upgrade", contain one? */
	bool header_has(std::string_view name, std::string_view word) const;
};

class HttpReader
{
  public:
	static constexpr size_t kMaxHead = 16 << 10; // bytes of request line and headers
	static constexpr size_t kMaxHeaders = 100;
	static constexpr size_t kMaxBody = 256 << 10;

	/* Why bytes are not a request: the answer's status, and a sentence. */
	struct Fault
	{
		int status = 400;
		const char *reason = "";
	};

	void take(std::string_view bytes) { input_ += bytes; }
	/*
	 * The next request, if it is whole; then the reader goes on behind it. After a fault nothing
	 * more can be read.
	 */
	std::optional<ClientRequest> next();
	const std::optional<Fault> &fault() const { return fault_; }
	/* The client waits for "100 Continue" before it sends the body. Once for each request. */
	bool wants_continue();
	/* Has a request begun and not ended? */
	bool in_request() const { return head_ || !input_.empty(); }
	size_t buffered() const { return input_.size(); }
	/* What came behind the last request: the first bytes of another protocol. */
	std::string rest() { return std::string(std::exchange(input_, {})); }

  private:
	bool read_head();
	bool read_request_line(std::string_view line, ClientRequest &request);
	bool read_header(std::string_view line, ClientRequest &request);
	bool read_framing(ClientRequest &request);
	bool refuse(int status, const char *reason);

	WipedString input_;                 // may hold a key
	std::optional<ClientRequest> head_; // its body is not whole yet
	size_t body_ = 0;                   // its length
	bool continue_due_ = false;
	size_t searched_ = 0; // bytes of input_ without the end of the head
	std::optional<Fault> fault_;
};

} // namespace net
