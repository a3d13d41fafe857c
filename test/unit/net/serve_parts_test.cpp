/* The parts of the server that need no socket. */
#include <gtest/gtest.h>

#include "net/serve/addresses.h"
#include "net/serve/answer_writer.h"
#include "net/serve/client_request.h"
#include "net/serve/request_target.h"
#include "net/serve/row_format.h"
#include "net/serve/web_socket_frames.h"
#include "worker.h"

using net::ClientRequest;
using net::HttpReader;

namespace {

/* The status with which the bytes are refused; 0 if they are a request, -1 if they are not whole.
 */
int
refusal(const std::string &bytes)
{
	HttpReader reader;
	reader.take(bytes);
	if (reader.next())
		return 0;
	return reader.fault() ? reader.fault()->status : -1;
}

constexpr const char *kHost = "Host: h\r\n";

std::string
get(const std::string &headers, const std::string &line = "GET / HTTP/1.1")
{
	return line + "\r\n" + kHost + headers + "\r\n";
}

/* A frame of a client. */
std::string
masked(uint8_t first, std::string payload)
{
	std::string frame(1, static_cast<char>(first));
	if (payload.size() < 126) {
		frame += static_cast<char>(0x80 | payload.size());
	} else {
		frame += static_cast<char>(0x80 | 126);
		frame += static_cast<char>(payload.size() >> 8);
		frame += static_cast<char>(payload.size());
	}
	const std::string mask = "\x01\x02\x03\x04";
	for (size_t i = 0; i < payload.size(); i++)
		payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
	return frame + mask + payload;
}

} // namespace

TEST(ServeRequest, ReadsOneAfterTheOther)
{
	HttpReader reader;
	std::string bytes = get("X-A: 1\r\nx-a:  2 \r\n", "GET /a?b=%20 HTTP/1.1") +
						"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + get("");
	std::vector<ClientRequest> requests;
	for (char c : bytes) {
		reader.take({&c, 1});
		while (auto request = reader.next())
			requests.push_back(*request);
	}
	ASSERT_EQ(requests.size(), 3u);
	EXPECT_EQ(requests[0].target, "/a?b=%20");
	EXPECT_EQ(requests[0].header("x-a"), "1, 2");
	EXPECT_TRUE(requests[0].keep_alive);
	EXPECT_EQ(requests[1].body, "abc");
	EXPECT_EQ(requests[2].method, "GET");
	EXPECT_FALSE(reader.in_request());
}

TEST(ServeRequest, WhatTwoReadersMayReadDifferentlyIsRefused)
{
	EXPECT_EQ(refusal(get("")), 0);
	EXPECT_EQ(refusal(get("Transfer-Encoding: chunked\r\n")), 501);
	EXPECT_EQ(refusal(get("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n") + "abc"), 501);
	EXPECT_EQ(refusal(get("Content-Length: 3\r\nContent-Length: 3\r\n") + "abc"), 400);
	EXPECT_EQ(refusal(get("Content-Length: -3\r\n") + "abc"), 400);
	EXPECT_EQ(refusal(get("Content-Length: +3\r\n") + "abc"), 400);
	EXPECT_EQ(refusal(get("Content-Length: 0x3\r\n") + "abc"), 400);
	EXPECT_EQ(refusal(get("Content-Length:\r\n")), 400);
	EXPECT_EQ(refusal(get("Content-Length: 3, 3\r\n") + "abc"), 400);
	EXPECT_EQ(refusal(get("Content-Length : 3\r\n") + "abc"), 400);
	EXPECT_EQ(refusal(get(" folded: 1\r\n")), 400);
	EXPECT_EQ(refusal(get("A: 1\r\n folded\r\n")), 400);
	EXPECT_EQ(refusal(get("A: 1\nB: 2\r\n")), 400);
	EXPECT_EQ(refusal(get("A: 1\rB: 2\r\n")), 400);
	EXPECT_EQ(refusal(get(std::string("A: \0\r\n", 6))), 400);
	EXPECT_EQ(refusal(get("Host: other\r\n")), 400);
	EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), 400);
	EXPECT_EQ(refusal("GET / HTTP/1.0\r\n\r\n"), 0);
	EXPECT_EQ(refusal("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
	EXPECT_EQ(refusal("GET /\r\nHost: h\r\n\r\n"), 400);
	EXPECT_EQ(refusal("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
	EXPECT_EQ(refusal("GET a HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
	EXPECT_EQ(refusal("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
	EXPECT_EQ(refusal("G@T / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
	EXPECT_EQ(refusal("PRI * HTTP/2.0\r\n\r\n"), 505);
	EXPECT_EQ(refusal("GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
	EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: h\r\n\r\n"), 411);
	EXPECT_EQ(refusal(get("Expect: something\r\n")), 417);
}

TEST(ServeRequest, IsBounded)
{
	std::string headers;
	for (int i = 0; i < 100; i++)
		headers += "A: b\r\n";
	EXPECT_EQ(refusal(get(headers)), 431);
	EXPECT_EQ(refusal(get("A: " + std::string(20000, 'x') + "\r\n")), 431);
	EXPECT_EQ(refusal(std::string(20000, 'x')), 431);
	EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 262145\r\n\r\n"), 413);
	EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n"),
			  413);
	EXPECT_EQ(refusal("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 262144\r\n\r\n"), -1);
}

TEST(ServeTarget, IsDecoded)
{
	auto target = net::parse_target("/a/b%2Fc?x=1+2&y=%C3%A4&z&x=%2B");
	ASSERT_TRUE(target);
	EXPECT_EQ(target->path, (std::vector<std::string>{"a", "b/c"}));
	ASSERT_EQ(target->query.size(), 4u);
	EXPECT_EQ(target->query[0].second, "1 2");
	EXPECT_EQ(target->query[1].second, "\xc3\xa4");
	EXPECT_EQ(target->query[2].second, "");
	EXPECT_EQ(target->query[3].second, "+");
	for (const char *bad : {"/%", "/%4", "/%zz", "/%00", "/%ff", "/?a=%c3", "/?%00=1"})
		EXPECT_FALSE(net::parse_target(bad)) << bad;
	std::string many = "/?";
	for (int i = 0; i < 51; i++)
		many += "a=1&";
	EXPECT_FALSE(net::parse_target(many));
	EXPECT_EQ(net::percent_encode("a b/\xc3\xa4~"), "a%20b%2F%C3%A4~");
}

TEST(ServeWebSocket, PutsMessagesTogether)
{
	net::WebSocketReader reader(1000);
	std::string bytes = masked(0x01, "he") + masked(0x89, "ping") + masked(0x80, "llo") +
						masked(0x81, std::string(300, 'x')) + masked(0x88, "\x03\xe8");
	std::vector<net::WebSocketReader::Message> messages;
	for (char c : bytes) {
		reader.take({&c, 1});
		while (auto message = reader.next())
			messages.push_back(*message);
	}
	ASSERT_EQ(messages.size(), 4u);
	EXPECT_EQ(messages[0].payload, "ping");
	EXPECT_EQ(messages[1].payload, "hello");
	EXPECT_EQ(messages[2].payload.size(), 300u);
	EXPECT_EQ(messages[3].opcode, net::Opcode::Close);
	EXPECT_FALSE(reader.fault());
}

TEST(ServeWebSocket, RefusesWhatTheProtocolForbids)
{
	auto fault = [](const std::string &bytes) {
		net::WebSocketReader reader(1000);
		reader.take(bytes);
		while (reader.next())
			;
		return reader.fault() ? reader.fault()->code : 0;
	};
	EXPECT_EQ(fault(masked(0x81, "x")), 0);
	EXPECT_EQ(fault(std::string("\x81\x01x", 3)), 1002); // no mask
	EXPECT_EQ(fault(masked(0xc1, "x")), 1002);           // a reserved bit
	EXPECT_EQ(fault(masked(0x83, "x")), 1002);           // opcode 3
	EXPECT_EQ(fault(masked(0x80, "x")), 1002);           // goes on with nothing
	EXPECT_EQ(fault(masked(0x01, "x") + masked(0x81, "x")), 1002);
	EXPECT_EQ(fault(masked(0x09, "x")), 1002); // a control frame with fragments
	EXPECT_EQ(fault(masked(0x89, std::string(126, 'x'))), 1002);
	EXPECT_EQ(fault(masked(0x82, "x")), 1003);
	EXPECT_EQ(fault(masked(0x81, "\xff")), 1007);
	EXPECT_EQ(fault(masked(0x81, std::string(1001, 'x'))), 1009);
	EXPECT_EQ(fault(masked(0x01, std::string(900, 'x')) + masked(0x80, std::string(101, 'x'))),
			  1009);
	EXPECT_EQ(fault(std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff....", 14)), 1009);
}

TEST(ServeWebSocket, AcceptsTheKeyOfTheStandard)
{
	EXPECT_EQ(net::web_socket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	EXPECT_EQ(net::web_socket_accept("short"), "");
}

TEST(ServeAddresses, OfTrustedProxies)
{
	net::AddressRanges proxies("127.0.0.1, 10.0.0.0/8,fd00::/8, nonsense, 1.2.3.4/33");
	auto at = [](const char *text) { return *net::parse_address(text); };
	EXPECT_TRUE(proxies.contain(at("127.0.0.1")));
	EXPECT_TRUE(proxies.contain(at("10.200.0.1")));
	EXPECT_TRUE(proxies.contain(at("fd12::1")));
	EXPECT_FALSE(proxies.contain(at("127.0.0.2")));
	EXPECT_FALSE(proxies.contain(at("1.2.3.4")));
	EXPECT_FALSE(proxies.contain(at("fe80::1")));
	ClientRequest request;
	request.headers = {{"x-forwarded-for", "6.6.6.6, 8.8.8.8 ,10.0.0.2"}};
	EXPECT_EQ(net::address_text(net::client_of(request, at("127.0.0.1"), proxies)), "8.8.8.8");
	EXPECT_EQ(net::address_text(net::client_of(request, at("9.9.9.9"), proxies)), "9.9.9.9");
	request.headers = {{"x-forwarded-for", "<script>"}};
	EXPECT_EQ(net::address_text(net::client_of(request, at("127.0.0.1"), proxies)), "127.0.0.1");
	EXPECT_EQ(net::counted_address(at("2001:db8::1")), net::counted_address(at("2001:db8::2")));
	EXPECT_NE(net::counted_address(at("9.9.9.9")), net::counted_address(at("9.9.9.8")));
}

/* The body of these rows. */
static std::string
body(wire::Shape shape, net::Format format, const std::vector<std::string> &items, const char *next)
{
	net::RowFormat rows(shape, format);
	std::string out;
	for (const std::string &item : items)
		out += rows.row(item);
	return out + rows.end(next, *next ? std::string("?a=b&cursor=") + next : "");
}

/* Texts of strangers stay texts, and long ones are cut between characters. */
TEST(ServeRows, AsAPage)
{
	using net::Format, wire::Shape;
	std::string page = body(
		Shape::List, Format::Html,
		{R"({"relay_url":"wss://a.example/?x=\"&y","name":"<script>alert(1)</script>","n":[1]})"},
		"c");
	EXPECT_NE(page.find("<th scope=\"col\">relay_url</th>"), std::string::npos) << page;
	EXPECT_NE(page.find("<a href=\"/embed?url=wss%3A%2F%2Fa.example%2F%3Fx%3D%22%26y\"><bdi>"
						"wss://a.example/?x=&quot;&amp;y</bdi></a>"),
			  std::string::npos)
		<< page;
	EXPECT_NE(page.find("<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"), std::string::npos);
	EXPECT_EQ(page.find("<script"), std::string::npos);
	EXPECT_NE(page.find("<a rel=\"next\" href=\"?a=b&amp;cursor=c\">"), std::string::npos);
	EXPECT_TRUE(page.ends_with("</html>\n"));

	std::string name = "x";
	for (int i = 0; i < 1000; i++)
		name += "\u00e4";
	page = body(Shape::List, Format::Html, {"{\"name\":\"" + name + "\"}"}, "");
	EXPECT_NE(page.find("<bdi>" + name.substr(0, 299) + "\u2026</bdi>"), std::string::npos) << page;
	EXPECT_EQ(page.find("next page"), std::string::npos);
	page = body(Shape::List, Format::Html, {"[\"\u202eab\u2066\u200f\u20ac\"]"}, "");
	EXPECT_NE(page.find("<bdi>[&quot;ab\u20ac&quot;]</bdi>"), std::string::npos) << page;
	EXPECT_NE(body(Shape::List, Format::Html, {}, "").find("There is nothing."), std::string::npos);
	EXPECT_EQ(net::format_of("text/html", std::nullopt), Format::Json);
	EXPECT_EQ(net::format_of("*/*", "html"), Format::Html);
}

TEST(ServeRows, AsJsonNdJsonAndCsv)
{
	using net::Format, wire::Shape;
	EXPECT_EQ(body(Shape::List, Format::Json, {"{\"a\":1}", "2"}, "c"),
			  R"({"items":[{"a":1},2],"next":"c"})");
	EXPECT_EQ(body(Shape::List, Format::Json, {}, ""), R"({"items":[],"next":null})");
	EXPECT_EQ(body(Shape::Array, Format::Json, {"\"a\"", "\"b\""}, ""), R"(["a","b"])");
	EXPECT_EQ(body(Shape::List, Format::NdJson, {"{\"a\":\n1}", "2"}, "c"), "{\"a\":1}\n2\n");
	EXPECT_EQ(body(Shape::List, Format::Csv,
				   {R"({"a":"x,\"y\"","b":null,"c":[1,2]})", R"({"c":true,"a":"z"})"}, ""),
			  "a,b,c\r\n\"x,\"\"y\"\"\",,\"[1,2]\"\r\nz,,true\r\n");
	/* Spreadsheets would take these for formulas. */
	EXPECT_EQ(body(Shape::List, Format::Csv, {R"({"a":"=1+1","b":"-x","c":-0.1,"d":"a=b"})"}, ""),
			  "a,b,c,d\r\n'=1+1,'-x,-0.1,a=b\r\n");
	EXPECT_EQ(net::format_of("text/html, text/csv;q=0.9", std::nullopt), Format::Csv);
	EXPECT_EQ(net::format_of("application/x-ndjson", std::nullopt), Format::NdJson);
	EXPECT_EQ(net::format_of("application/x-ndjson", "csv"), Format::Csv);
	EXPECT_EQ(net::format_of("*/*", std::nullopt), Format::Json);
	EXPECT_EQ(net::format_of("text/csv", "xml"), std::nullopt);
}

/* The bytes of an answer with that body. */
static std::string
bytes_of(net::AnswerWriter &answer, const std::vector<std::string> &pieces,
		 const char *trailer = "")
{
	std::string out;
	for (const std::string &piece : pieces)
		out += answer.add(piece);
	return out + answer.finish(trailer);
}

TEST(ServeAnswer, WholeOrInChunks)
{
	const net::AnswerOptions options{.status = 200, .content_type = "text/plain"};
	ClientRequest request;
	request.method = "GET";
	net::AnswerWriter whole(request, options);
	std::string bytes = bytes_of(whole, {"abc"});
	EXPECT_NE(bytes.find("Content-Length: 3\r\n"), std::string::npos);
	EXPECT_TRUE(bytes.ends_with("\r\n\r\nabc"));
	size_t tag = bytes.find("ETag: ") + 6;
	request.headers = {{"if-none-match", bytes.substr(tag, bytes.find('\r', tag) - tag)}};
	net::AnswerWriter again(request, options);
	bytes = bytes_of(again, {"abc"});
	EXPECT_TRUE(bytes.starts_with("HTTP/1.1 304 ")) << bytes;
	EXPECT_TRUE(bytes.ends_with("\r\n\r\n"));

	request.headers.clear();
	const std::string large(net::AnswerWriter::kWhole, 'x');
	net::AnswerWriter chunks(request, options);
	bytes = bytes_of(chunks, {large, "y"}, "Link: l\r\n");
	EXPECT_NE(bytes.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
	EXPECT_NE(bytes.find("\r\n\r\n10000\r\nxxx"), std::string::npos);
	EXPECT_TRUE(bytes.ends_with("xx\r\n1\r\ny\r\n0\r\nLink: l\r\n\r\n"));

	request.old = true;
	net::AnswerWriter old(request, options);
	bytes = bytes_of(old, {large});
	EXPECT_EQ(bytes.find("chunked"), std::string::npos);
	EXPECT_FALSE(old.keeps_alive());
	EXPECT_EQ(net::http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}
