#include "script.h"

#include <stdexcept>

#include <zlib.h>

#include "ws_server.h"

namespace farm {

constexpr int kDripMs = 200;
constexpr size_t kBombBytes = 16 << 20;
constexpr size_t kPieceBytes = 16 << 10; // of what has no end

static std::string
http(const char *status, const std::string &headers, const std::string &body)
{
	return std::string("HTTP/1.1 ") + status + "\r\n" + headers +
		   "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
		   body;
}

static const std::string &
gzip_bomb()
{
	static const std::string bomb = [] {
		const std::string zeros(kBombBytes, '0');
		std::string out(kBombBytes / 500, '\0');
		z_stream stream{};
		constexpr int gzip_window = 31;
		deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, gzip_window, 9, Z_DEFAULT_STRATEGY);
		stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(zeros.data()));
		stream.avail_in = uInt(zeros.size());
		stream.next_out = reinterpret_cast<Bytef *>(out.data());
		stream.avail_out = uInt(out.size());
		if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
			throw std::runtime_error("the gzip bomb is too large");
		out.resize(stream.total_out);
		deflateEnd(&stream);
		return out;
	}();
	return bomb;
}

void
prepare_answers()
{
	gzip_bomb();
}

static std::string
document(const Relay &relay)
{
	if (relay.document)
		return *relay.document;
	const char *nips = relay.kind == Kind::LyingAboutNips ? "1,11,42,45,50,67,77" : "1,11";
	return "{\"name\":\"" + relay.address + "\",\"description\":\"" + traits(relay.kind).name +
		   "\",\"software\":\"bigbrotr-farm\",\"version\":\"1\",\"supported_nips\":[" + nips + "]}";
}

static std::string
served_document(const Relay &relay)
{
	return http("200 OK",
				"Content-Type: application/nostr+json\r\nAccess-Control-Allow-Origin: *\r\n",
				document(relay));
}

static std::string
web_page()
{
	return http("200 OK", "Content-Type: text/html\r\n", "<html>hello</html>");
}

static Answers
closing(std::string bytes, int delay_ms)
{
	return {{.bytes = std::move(bytes), .delay_ms = delay_ms, .close = true}};
}

/* The answer to a request for the document. */
static Answers
answer_document(const Relay &relay)
{
	const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/nostr+json\r\n";
	switch (relay.kind) {
	case Kind::HugeDocument:
		return {{.bytes = head + "Content-Length: 104857600\r\n\r\n{\"name\":\""},
				{.bytes = std::string(kPieceBytes, 'x'), .again = true}};
	case Kind::EndlessDocument:
		return {{.bytes = head + "\r\n{\"name\":\""},
				{.bytes = "x", .delay_ms = kDripMs, .again = true}};
	case Kind::GzipBomb:
		return closing(http("200 OK",
							"Content-Type: application/nostr+json\r\nContent-Encoding: gzip\r\n",
							gzip_bomb()),
					   relay.delay_ms);
	case Kind::NoDocument:
	case Kind::Mute:
	case Kind::Echo:
		return closing(http("404 Not Found", "", ""), relay.delay_ms);
	default:
		return closing(served_document(relay), relay.delay_ms);
	}
}

Answers
answer_request(Relay &relay, const std::string &key)
{
	const int delay = relay.delay_ms;
	const bool upgrade = !key.empty();
	relay.upgrades += upgrade;
	bool up = true;
	switch (relay.kind) {
	case Kind::Http404:
		return closing(http("404 Not Found", "", "nothing here"), delay);
	case Kind::Http503:
		return closing(http("503 Service Unavailable", "", ""), delay);
	case Kind::WebPage:
		return closing(web_page(), delay);
	case Kind::Redirect:
		return closing(http("302 Found", "Location: /elsewhere\r\n", ""), delay);
	case Kind::DocumentOnly:
		return closing(served_document(relay), delay);
	case Kind::SlowLoris:
		return {{.bytes = "HTTP/1.1 101 Switching Protocols\r\nX-Slow: "},
				{.bytes = "x", .delay_ms = kDripMs, .again = true}};
	case Kind::EndlessHead:
		return {{.bytes = "HTTP/1.1 101 Switching Protocols\r\n"},
				{.bytes = "X-More: " + std::string(kPieceBytes, 'x') + "\r\n", .again = true}};
	case Kind::FlappingDown:
	case Kind::FlappingUp:
		up = (relay.upgrades % 2 == 1) == (relay.kind == Kind::FlappingUp);
		break;
	default:
		break;
	}
	if (!upgrade)
		return answer_document(relay);
	if (!up)
		return closing(http("503 Service Unavailable", "", ""), delay);
	return {{.bytes = ws::accept_response(key), .delay_ms = delay, .measured = Measured::Open}};
}

/* What follows the first quotation mark after `from`, up to the next one. */
static std::string_view
quoted(std::string_view text, size_t from)
{
	const size_t begin = text.find('"', from);
	const size_t end = begin == text.npos ? text.npos : text.find('"', begin + 1);
	return end == text.npos ? std::string_view() : text.substr(begin + 1, end - begin - 1);
}

static Answer
said(const Relay &relay, const std::string &text)
{
	return {
		.bytes = ws::frame(ws::Text, text), .delay_ms = relay.delay_ms, .measured = Measured::Read};
}

Answers
answer_message(const Relay &relay, std::string_view text)
{
	const std::string challenge = "[\"AUTH\",\"challenge\"]";
	if (relay.kind == Kind::Mute)
		return {};
	if (relay.kind == Kind::Echo)
		return {said(relay, std::string(text))};
	if (text.starts_with("[\"CLOSE\""))
		return {};
	if (!text.starts_with("[\"REQ\""))
		return {said(relay, "[\"NOTICE\",\"unknown message\"]")};
	const std::string id(quoted(text, sizeof "[\"REQ\""));
	auto one = [&](const std::string &answer) { return Answers{said(relay, answer)}; };
	switch (relay.kind) {
	case Kind::AuthRequired: {
		Answers both = one(challenge);
		both.push_back({.bytes = ws::frame(ws::Text, "[\"CLOSED\",\"" + id +
														 "\",\"auth-required: who are you?\"]"),
						.measured = Measured::Read});
		return both;
	}
	case Kind::Closes:
		return one("[\"CLOSED\",\"" + id + "\",\"error: not today\"]");
	case Kind::NoticeOnly:
		return one("[\"NOTICE\",\"not today\"]");
	case Kind::AuthOnly:
		return one(challenge);
	case Kind::Flood: {
		std::string notices;
		while (notices.size() < kPieceBytes)
			notices += ws::frame(ws::Text, "[\"NOTICE\",\"again\"]");
		return {{.bytes = notices, .again = true}};
	}
	default:
		return one("[\"EOSE\",\"" + id + "\"]");
	}
}

Answers
answer_bytes(const Relay &relay)
{
	if (relay.kind == Kind::TlsNotSpoken)
		return closing(http("400 Bad Request", "", ""), 0);
	if (relay.kind == Kind::NotHttp)
		return closing("SSH-2.0-OpenSSH_9.2\r\n", 0);
	return {};
}

bool
reads_requests(const Relay &relay)
{
	switch (relay.kind) {
	case Kind::Silent:
	case Kind::TlsSilent:
	case Kind::TlsNotSpoken:
	case Kind::NotHttp:
		return false;
	default:
		return true;
	}
}

} // namespace farm
