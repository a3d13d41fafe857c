#include "net/serve/answer_writer.h"

#include <cstdio>
#include <ctime>
#include <new>
#include <utility>

#include <zlib.h>

#include "net/serve/text.h"

namespace net {
namespace {

constexpr size_t kWorthGzip = 1 << 10; // smaller bodies are not compressed, bytes
constexpr int kGzipWindow = 15 + 16;   // zlib: the largest window, with a gzip header

const char *
reason_phrase(int status)
{
	switch (status) {
	case 100:
		return "Continue";
	case 101:
		return "Switching Protocols";
	case 102:
		return "Processing";
	case 200:
		return "OK";
	case 202:
		return "Accepted";
	case 204:
		return "No Content";
	case 304:
		return "Not Modified";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 411:
		return "Length Required";
	case 413:
		return "Content Too Large";
	case 415:
		return "Unsupported Media Type";
	case 417:
		return "Expectation Failed";
	case 422:
		return "Unprocessable Content";
	case 426:
		return "Upgrade Required";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Internal Server Error";
	}
}

} // namespace

std::string
status_line(int status)
{
	return std::to_string(status) + " " + reason_phrase(status);
}

std::string
http_date(int64_t unix_seconds)
{
	const time_t seconds = unix_seconds;
	tm parts{};
	gmtime_r(&seconds, &parts);
	char text[40];
	std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
	return text;
}

class AnswerWriter::Gzip
{
  public:
	Gzip()
	{
		if (deflateInit2(&stream_, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) !=
			Z_OK)
			throw std::bad_alloc();
	}
	~Gzip() { deflateEnd(&stream_); }
	Gzip(const Gzip &) = delete;

	std::string deflate(std::string_view in, bool last)
	{
		std::string out;
		char buffer[16 << 10];
		stream_.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(in.data()));
		stream_.avail_in = static_cast<uInt>(in.size());
		do {
			stream_.next_out = reinterpret_cast<Bytef *>(buffer);
			stream_.avail_out = sizeof buffer;
			::deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
			out.append(buffer, sizeof buffer - stream_.avail_out);
		} while (stream_.avail_out == 0);
		return out;
	}

  private:
	z_stream stream_{};
};

std::string
gzipped(std::string_view text)
{
	return AnswerWriter::Gzip().deflate(text, true);
}

AnswerWriter::AnswerWriter(const ClientRequest &request, AnswerOptions options)
	: options_(std::move(options)), old_(request.old), head_only_(request.method == "HEAD"),
	  gzip_wanted_(!options_.encoded && request.header_has("accept-encoding", "gzip")),
	  if_none_match_(options_.status == 200 ? request.header("if-none-match") : ""),
	  keep_alive_(request.keep_alive)
{
}

AnswerWriter::~AnswerWriter() = default;

std::string
AnswerWriter::head(const std::string &framing) const
{
	std::string text = "HTTP/1.1 " + status_line(options_.status) + "\r\n";
	auto add = [&](std::string_view name, std::string_view value) {
		text.append(name).append(": ").append(value).append("\r\n");
	};
	add("Date", http_date(options_.date));
	if (!options_.content_type.empty())
		add("Content-Type", options_.content_type);
	for (const auto &[name, value] : options_.headers)
		add(name, value);
	text += framing;
	if (!keep_alive_)
		add("Connection", "close");
	else if (old_)
		add("Connection", "keep-alive");
	return text + "\r\n";
}

std::string
AnswerWriter::chunk(std::string_view bytes)
{
	if (bytes.empty() || head_only_)
		return "";
	if (old_)
		return std::string(bytes);
	char size[20];
	std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
	return size + std::string(bytes) + "\r\n";
}

std::string
AnswerWriter::add(std::string_view piece)
{
	body_ += piece;
	if (body_.size() < kWhole)
		return "";
	std::string out;
	if (!started_) {
		started_ = true;
		std::string framing;
		if (gzip_wanted_) {
			gzip_ = std::make_unique<Gzip>();
			framing = "Content-Encoding: gzip\r\n";
		}
		if (old_)
			keep_alive_ = false; // the connection's end marks the end of the body
		else
			framing += "Transfer-Encoding: chunked\r\n";
		out = head(framing);
	}
	std::string body = std::exchange(body_, {});
	return out + chunk(gzip_ ? gzip_->deflate(body, false) : body);
}

std::string
AnswerWriter::endless()
{
	started_ = true;
	keep_alive_ = false;
	return head("");
}

std::string
AnswerWriter::finish(std::string_view trailer)
{
	if (started_) {
		std::string out = chunk(gzip_ ? gzip_->deflate(body_, true) : body_);
		if (!old_ && !head_only_)
			out.append("0\r\n").append(trailer).append("\r\n");
		return out;
	}
	started_ = true;
	std::string framing(trailer);
	if (options_.status == 200) {
		/* The ETag is weak, because the body may be sent compressed or uncompressed. */
		const std::string tag = "W/\"" + digest(body_) + "\"";
		framing += "ETag: " + tag + "\r\n";
		if (if_none_match_ == "*" || if_none_match_.find(tag.substr(2)) != std::string::npos) {
			options_.status = 304;
			return head(framing);
		}
	}
	if (gzip_wanted_ && body_.size() >= kWorthGzip) {
		body_ = gzipped(body_);
		framing += "Content-Encoding: gzip\r\n";
	}
	if (options_.status != 204 && options_.status != 101)
		framing += "Content-Length: " + std::to_string(body_.size()) + "\r\n";
	return head(framing) + (head_only_ ? "" : body_);
}

} // namespace net
