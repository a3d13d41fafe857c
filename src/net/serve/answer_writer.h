/*
 * An answer of HTTP/1.1 while it is sent: takes pieces of the body and returns bytes for the
 * connection. A small body is sent whole, with its length and an ETag; a large body is sent in
 * chunks.
 */
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/serve/client_request.h"

namespace net {

/* Returns for example "404 Not Found". */
std::string status_line(int status);

struct AnswerOptions
{
	int status = 200;
	std::string content_type; // "": no body
	Fields headers;           // more headers, with names as they are sent
	int64_t date = 0;         // Unix seconds
	bool encoded = false;     // the body has the encoding that `headers` name
};

class AnswerWriter
{
  public:
	static constexpr size_t kWhole = 64 << 10; // largest body that is sent whole, bytes

	AnswerWriter(const ClientRequest &request, AnswerOptions options);
	~AnswerWriter();

	/* Adds a piece of the body and returns the bytes to send now, often none. */
	std::string add(std::string_view piece);
	/* Returns the rest of the bytes. `trailer`: a header line whose value is known only at the
	 * end. */
	std::string finish(std::string_view trailer = "");
	/* The head of an answer that ends with the connection. The caller then sends the body
	 * itself. */
	std::string endless();
	/* Whether bytes were returned; then the status cannot change. */
	bool started() const { return started_; }
	/* Whether the connection stays open after this answer. */
	bool keeps_alive() const { return keep_alive_; }

	class Gzip;

  private:
	std::string head(const std::string &framing) const;
	std::string chunk(std::string_view bytes);

	AnswerOptions options_;
	const bool old_;       // HTTP/1.0, which has no chunks
	const bool head_only_; // the method is HEAD
	const bool gzip_wanted_;
	const std::string if_none_match_;
	bool keep_alive_;
	bool started_ = false;
	std::string body_; // not sent yet
	std::unique_ptr<Gzip> gzip_;
};

/* The text in gzip format. */
std::string gzipped(std::string_view text);

/* Returns for example "Sun, 06 Nov 1994 08:49:37 GMT". */
std::string http_date(int64_t unix_seconds);

} // namespace net
