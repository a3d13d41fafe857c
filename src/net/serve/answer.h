/*
 * An answer of HTTP/1.1 under way: pieces of its body in, bytes for the connection out. A small one
 * goes out whole, with its length and an ETag; a large one in chunks as it comes.
 */
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/serve/client_request.h"

namespace net {

/* "404 Not Found" */
std::string status_line(int status);

struct AnswerOptions
{
	int status = 200;
	std::string content_type; // "": there is no body
	Fields headers;           // further ones; names as they are to be written
	int64_t date = 0;         // Unix seconds
	bool encoded = false;     // the body is as the header Content-Encoding among `headers` says
};

class Answer
{
  public:
	static constexpr size_t kWhole = 64 << 10; // bytes of a body that goes out whole

	Answer(const ClientRequest &request, AnswerOptions options);
	~Answer();

	/* What is to be sent now; often nothing. */
	std::string add(std::string_view piece);
	/* The rest. `trailer` is a header that is known only at the end, with its line end. */
	std::string finish(std::string_view trailer = "");
	/* The head of an answer that ends with the connection; what follows is sent as it is. */
	std::string endless();
	/* Has anything been sent? Then its status cannot be changed. */
	bool started() const { return started_; }
	/* Does the connection stay open behind it? */
	bool keeps_alive() const { return keep_alive_; }

	class Gzip;

  private:
	std::string head(const std::string &framing) const;
	std::string chunk(std::string_view bytes);

	AnswerOptions options_;
	const bool old_;       // HTTP/1.0: knows no chunks
	const bool head_only_; // of the method HEAD
	const bool gzip_wanted_;
	const std::string if_none_match_;
	bool keep_alive_;
	bool started_ = false;
	std::string body_; // not sent yet
	std::unique_ptr<Gzip> gzip_;
};

/* The text as a file of gzip. */
std::string gzipped(std::string_view text);

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
std::string http_date(int64_t unix_seconds);

} // namespace net
