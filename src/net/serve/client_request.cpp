#include "net/serve/client_request.h"

#include <algorithm>

#include "net/serve/text.h"
#include "nostr/ascii.h"

namespace net {
namespace {

/* A character of a token (RFC 9110, 5.6.2). */
bool
is_token(char c)
{
	return nostr::is_letter(c) || nostr::is_digit(c) ||
		   std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool
is_token(std::string_view text)
{
	return !text.empty() && std::ranges::all_of(text, [](char c) { return is_token(c); });
}

std::string
lower(std::string_view text)
{
	std::string out(text);
	nostr::ascii_lower(out);
	return out;
}

} // namespace

std::string
ClientRequest::header(std::string_view name) const
{
	std::string value;
	bool found = false;
	for (const auto &[key, text] : headers)
		if (key == name) {
			value += (found ? ", " : "") + text;
			found = true;
		}
	return value;
}

bool
ClientRequest::header_has(std::string_view name, std::string_view word) const
{
	std::string value = lower(header(name));
	for (size_t begin = 0; begin <= value.size();) {
		size_t end = std::min(value.find(',', begin), value.size());
		if (trimmed(std::string_view(value).substr(begin, end - begin)) == word)
			return true;
		begin = end + 1;
	}
	return false;
}

bool
HttpReader::refuse(int status, const char *reason)
{
	fault_ = Fault{status, reason};
	drop_front(input_, input_.size());
	return false;
}

std::optional<ClientRequest>
HttpReader::next()
{
	if (fault_ || (!head_ && !read_head()) || input_.size() < body_)
		return std::nullopt;
	ClientRequest request = *std::exchange(head_, std::nullopt);
	request.body = input_.substr(0, body_);
	drop_front(input_, body_);
	body_ = 0;
	continue_due_ = false;
	return request;
}

bool
HttpReader::wants_continue()
{
	return std::exchange(continue_due_, false);
}

/* False if the head is incomplete or malformed. */
bool
HttpReader::read_head()
{
	/* An empty line before a request is skipped (RFC 9112, 2.2). */
	size_t blank = 0;
	while (std::string_view(input_).substr(blank, 2) == "\r\n")
		blank += 2;
	drop_front(input_, blank);
	size_t end = input_.find("\r\n\r\n", searched_ < 3 ? 0 : searched_ - 3);
	if (end == std::string::npos) {
		searched_ = input_.size();
		if (searched_ > kMaxHead)
			refuse(431, "The request line and the headers are longer than 16384 bytes.");
		return false;
	}
	searched_ = 0;
	if (end > kMaxHead)
		return refuse(431, "The request line and the headers are longer than 16384 bytes.");
	ClientRequest request;
	std::string_view rest = std::string_view(input_).substr(0, end);
	for (bool first = true; !rest.empty(); first = false) {
		size_t line_end = std::min(rest.find("\r\n"), rest.size());
		std::string_view line = rest.substr(0, line_end);
		rest.remove_prefix(std::min(line_end + 2, rest.size()));
		if (first ? !read_request_line(line, request) : !read_header(line, request))
			return false;
	}
	if (!read_framing(request))
		return false;
	drop_front(input_, end + 4);
	head_ = std::move(request);
	return true;
}

bool
HttpReader::read_request_line(std::string_view line, ClientRequest &request)
{
	size_t first = line.find(' '), last = line.rfind(' ');
	if (first == std::string_view::npos || first == last)
		return refuse(400, "The request line is not \"METHOD TARGET HTTP/1.1\".");
	std::string_view method = line.substr(0, first), version = line.substr(last + 1);
	std::string_view target = line.substr(first + 1, last - first - 1);
	if (!is_token(method) || method.size() > 20)
		return refuse(400, "The method is not a token.");
	if (!version.starts_with("HTTP/"))
		return refuse(400, "The request line does not end with a version of HTTP.");
	if (version != "HTTP/1.1" && version != "HTTP/1.0")
		return refuse(505, "This server speaks HTTP/1.1 and HTTP/1.0.");
	/* The absolute form, which is meant for proxies, repeats the host. */
	for (std::string_view scheme : {"http://", "https://"})
		if (target.starts_with(scheme)) {
			size_t path = target.find_first_of("/?", scheme.size());
			target = path == std::string_view::npos ? "/" : target.substr(path);
		}
	if (!std::ranges::all_of(target, [](char c) { return nostr::is_printable(c) && c != ' '; }) ||
		(!target.starts_with('/') && target != "*"))
		return refuse(400, "The target is not a path.");
	if (target.find('#') != std::string_view::npos)
		return refuse(400, "The target has a fragment.");
	request.method = method;
	request.target = target;
	request.old = version == "HTTP/1.0";
	request.keep_alive = !request.old;
	return true;
}

bool
HttpReader::read_header(std::string_view line, ClientRequest &request)
{
	size_t colon = line.find(':');
	if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
		return refuse(400, "A header is not \"name: value\", each in one line.");
	std::string_view value = trimmed(line.substr(colon + 1));
	/* Bytes above ASCII are allowed and not interpreted; control characters other than the tab are
	 * forbidden. */
	if (!std::ranges::all_of(value, [](char c) {
			return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
		}))
		return refuse(400, "The value of a header holds a control character.");
	if (request.headers.size() == kMaxHeaders)
		return refuse(431, "There are more than 100 headers.");
	std::string name = lower(line.substr(0, colon));
	if (!read_credential(name, value, request.credential))
		request.headers.emplace_back(std::move(name), value);
	return true;
}

/* Determines the length of the body, and if the connection stays open. */
bool
HttpReader::read_framing(ClientRequest &request)
{
	auto count = [&](std::string_view name) {
		return std::ranges::count(request.headers, name, &Fields::value_type::first);
	};
	if (count("transfer-encoding") > 0)
		return refuse(501, "The body needs a Content-Length; Transfer-Encoding is not supported.");
	if (count("host") > 1 || (count("host") == 0 && !request.old))
		return refuse(400, "A request has exactly one Host header.");
	body_ = 0;
	if (count("content-length") > 1)
		return refuse(400, "There is more than one Content-Length.");
	std::string length = request.header("content-length");
	if (count("content-length") == 1) {
		if (length.empty() || !std::ranges::all_of(length, nostr::is_digit))
			return refuse(400, "Content-Length is not a number.");
		if (length.size() > 9 || (body_ = std::stoul(length)) > kMaxBody)
			return refuse(413, "The body is longer than 262144 bytes.");
	} else if (request.method == "POST" || request.method == "PUT") {
		return refuse(411, "A body needs a Content-Length.");
	}
	if (count("expect") > 0) {
		if (lower(request.header("expect")) != "100-continue")
			return refuse(417, "The only expectation that is known is 100-continue.");
		continue_due_ = body_ > 0;
	}
	if (request.header_has("connection", "close"))
		request.keep_alive = false;
	else if (request.header_has("connection", "keep-alive"))
		request.keep_alive = true;
	return true;
}

} // namespace net
