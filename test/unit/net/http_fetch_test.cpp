/* One document by HTTP: redirects, screening, sizes, times, encodings. */
#include <zlib.h>

#include "dialing.h"
#include "name_server.h"
#include "net/transport/http_fetch.h"
#include "web_server.h"

using namespace test;

namespace {

std::string
gzip(const std::string &text)
{
	z_stream stream{};
	deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
	std::string out(deflateBound(&stream, text.size()) + 64, '\0');
	stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(text.data()));
	stream.avail_in = uInt(text.size());
	stream.next_out = reinterpret_cast<Bytef *>(out.data());
	stream.avail_out = uInt(out.size());
	deflate(&stream, Z_FINISH);
	out.resize(out.size() - stream.avail_out);
	deflateEnd(&stream);
	return out;
}

/* One fetch in an event loop of its own. */
class Fetching final : public net::HttpFetch::Handler
{
  public:
	explicit Fetching(const std::string &name_servers = "", net::Config config = test_config())
		: dialing(name_servers, std::move(config)), ticker(dialing.reactor, [this] { tick(); })
	{
		ticker.arm(std::chrono::microseconds(1));
	}

	Fetching &fetch(const std::string &url, net::HttpRequest request = {})
	{
		request.url = nostr::parse_web_url(url);
		EXPECT_TRUE(request.url.ok()) << request.url.reason;
		request.accept = "application/nostr+json";
		if (request.timeout.count() == 0)
			request.timeout = std::chrono::seconds(20);
		reason = detail = "";
		current = std::make_unique<net::HttpFetch>(dialing.transport, dialing.config, *this);
		current->start(std::move(request));
		dialing.run_until([this] { return !current; });
		return *this;
	}

	Dialing dialing;
	std::string reason, detail;
	net::HttpAnswer answer;
	std::chrono::microseconds took{0};

  private:
	void tick()
	{
		ticker.arm(std::chrono::milliseconds(5));
		if (current)
			current->tick();
	}
	void on_fetched(const char *why, std::string text, net::HttpAnswer &got) override
	{
		reason = why ? why : "";
		detail = std::move(text);
		answer = std::move(got);
		took = current->took();
		current.reset();
	}

	std::unique_ptr<net::HttpFetch> current;
	net::Timer ticker;
};

std::string
redirect(const std::string &location)
{
	return "HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n";
}

} // namespace

TEST(NetHttpFetch, GoodAnswers)
{
	std::string request;
	WebServer server([&](const std::string &asked, const WebServer::Send &send) {
		request = asked;
		send(http_answer("{\"name\":\"x\"}", "Content-Type: application/nostr+json\r\n"
											 "Access-Control-Allow-Origin: *\r\nETag: \"1\"\r\n"
											 "Last-Modified: Fri, 31 Dec 1999 23:59:59 GMT\r\n"));
	});
	net::Config config = test_config();
	config.user_agent = "bigbrotr-test";
	Fetching fetching("", config);
	fetching.fetch(server.url("/a?b=c#d"), {.etag = "\"0\"", .modified_since = "yesterday"});
	EXPECT_EQ(fetching.reason, "");
	EXPECT_EQ(fetching.answer.status, 200);
	EXPECT_EQ(fetching.answer.body, "{\"name\":\"x\"}");
	EXPECT_EQ(fetching.answer.final_url, server.url("/a?b=c"));
	EXPECT_EQ(fetching.answer.headers.content_type, "application/nostr+json");
	EXPECT_EQ(fetching.answer.headers.allow_origin, "*");
	EXPECT_EQ(fetching.answer.headers.etag, "\"1\"");
	EXPECT_EQ(fetching.answer.headers.last_modified, "Fri, 31 Dec 1999 23:59:59 GMT");
	EXPECT_GT(fetching.took, std::chrono::microseconds(0));
	EXPECT_TRUE(request.starts_with("GET /a?b=c HTTP/1.1\r\n")) << request;
	for (const char *line : {"\r\nAccept: application/nostr+json\r\n", "\r\nHost: 127.0.0.1:",
							 "\r\nUser-Agent: bigbrotr-test\r\n", "\r\nIf-None-Match: \"0\"\r\n",
							 "\r\nIf-Modified-Since: yesterday\r\n"})
		EXPECT_NE(request.find(line), request.npos) << line << " lacks in " << request;
	EXPECT_EQ(request.find("Upgrade"), request.npos);
}

TEST(NetHttpFetch, Framings)
{
	Fetching fetching;
	WebServer chunked(std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
								  "3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n"));
	EXPECT_EQ(fetching.fetch(chunked.url()).answer.body, "abcdefgh");
	EXPECT_EQ(fetching.reason, "");
	WebServer until_end(std::string("HTTP/1.1 200 OK\r\n\r\nall of it"));
	EXPECT_EQ(fetching.fetch(until_end.url()).answer.body, "all of it");
	EXPECT_EQ(fetching.reason, "");
	WebServer empty(std::string("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"));
	EXPECT_EQ(fetching.fetch(empty.url()).answer.status, 204);
	EXPECT_EQ(fetching.reason, "");
	WebServer unchanged(std::string("HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n"));
	EXPECT_EQ(fetching.fetch(unchanged.url()).answer.status, 304);
	WebServer missing(std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"));
	EXPECT_EQ(fetching.fetch(missing.url()).answer.status, 404);
	EXPECT_EQ(fetching.reason, "");
	EXPECT_EQ(fetching.answer.body, "none");
	WebServer cut_off(std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly so much"));
	EXPECT_EQ(fetching.fetch(cut_off.url()).reason, "connection_lost");
	WebServer foreign(std::string("SSH-2.0-OpenSSH_9.2\r\n"));
	EXPECT_EQ(fetching.fetch(foreign.url()).reason, "handshake_failed");
}

TEST(NetHttpFetch, Gzip)
{
	Fetching fetching;
	const std::string text = "{\"description\":\"" + std::string(5000, 'x') + "\"}";
	WebServer good(http_answer(gzip(text), "Content-Encoding: gzip\r\n"));
	EXPECT_EQ(fetching.fetch(good.url()).answer.body, text);
	EXPECT_EQ(fetching.reason, "");
	WebServer bomb(http_answer(gzip(std::string(100 << 20, ' ')), "Content-Encoding: gzip\r\n"));
	EXPECT_EQ(fetching.fetch(bomb.url()).reason, "too_large");
	EXPECT_EQ(fetching.answer.body.size(), 64u << 10);
	WebServer half(http_answer(gzip(text).substr(0, 30), "Content-Encoding: gzip\r\n"));
	EXPECT_EQ(fetching.fetch(half.url()).reason, "bad_encoding");
	WebServer rubbish(http_answer("not gzip at all", "Content-Encoding: gzip\r\n"));
	EXPECT_EQ(fetching.fetch(rubbish.url()).reason, "bad_encoding");
	WebServer brotli(http_answer("x", "Content-Encoding: br\r\n"));
	EXPECT_EQ(fetching.fetch(brotli.url()).reason, "bad_encoding");
}

TEST(NetHttpFetch, SizesAndTimes)
{
	Fetching fetching;
	WebServer announced(std::string("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n") +
						std::string(1 << 20, 'x'));
	EXPECT_EQ(fetching.fetch(announced.url()).reason, "too_large");
	WebServer endless([](const std::string &, const WebServer::Send &send) {
		send("HTTP/1.1 200 OK\r\n\r\n");
		for (;;)
			send(std::string(4096, 'x'));
	});
	EXPECT_EQ(fetching.fetch(endless.url()).reason, "too_large");
	WebServer headers("HTTP/1.1 200 OK\r\nX: " + std::string(100000, 'x') + "\r\n\r\n");
	EXPECT_EQ(fetching.fetch(headers.url()).reason, "handshake_failed");

	const net::HttpRequest quick{.timeout = std::chrono::seconds(2)};
	auto drop_by_drop = [](const std::string &head) {
		return [head](const std::string &, const WebServer::Send &send) {
			send(head);
			for (;;) {
				send("x");
				std::this_thread::sleep_for(std::chrono::milliseconds(20));
			}
		};
	};
	WebServer slow_body(drop_by_drop("HTTP/1.1 200 OK\r\n\r\n"));
	EXPECT_EQ(fetching.fetch(slow_body.url(), quick).reason, "document_timeout");
	EXPECT_EQ(fetching.detail, "the answer did not end in time");
	WebServer slow_head(drop_by_drop("HTTP/1.1 200 OK\r\nX: "));
	EXPECT_EQ(fetching.fetch(slow_head.url(), quick).reason, "document_timeout");
	EXPECT_EQ(fetching.detail, "no answer in time");
}

TEST(NetHttpFetch, Redirects)
{
	WebServer server([](const std::string &request, const WebServer::Send &send) {
		if (request.starts_with("GET /start "))
			send(redirect("next/one?x=1#top"));
		else if (request.starts_with("GET /next/one?x=1 "))
			send(redirect("/end"));
		else if (request.starts_with("GET /end "))
			send(http_answer("found"));
		else if (request.starts_with("GET /nowhere "))
			send("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n");
		else
			send(redirect("/loop"));
	});
	Fetching fetching;
	EXPECT_EQ(fetching.fetch(server.url("/start")).answer.body, "found");
	EXPECT_EQ(fetching.reason, "");
	EXPECT_EQ(fetching.answer.final_url, server.url("/end"));
	EXPECT_EQ(fetching.answer.redirects, 2);
	EXPECT_EQ(fetching.fetch(server.url("/loop")).reason, "too_many_redirects");
	EXPECT_EQ(fetching.fetch(server.url("/nowhere")).reason, "bad_redirect");
	for (const char *location :
		 {"file:///etc/passwd", "gopher://example.com/", "http://", "http:x"}) {
		WebServer bad(redirect(location));
		EXPECT_EQ(fetching.fetch(bad.url()).reason, "bad_redirect") << location;
	}
	WebServer mail(redirect("http://example.com:25/"));
	EXPECT_EQ(fetching.fetch(mail.url()).reason, "blocked_port");
}

/* The first hop is where it may be; the second is not. */
TEST(NetHttpFetch, Posts)
{
	std::string request;
	WebServer server([&](const std::string &asked, const WebServer::Send &send) {
		request = asked;
		send(asked.starts_with("POST /moved ") ? redirect("/end") : http_answer("thanks"));
	});
	Fetching fetching;
	std::string content(100'000, 'x'); // more than a socket takes at once
	fetching.fetch(server.url("/in?a=b"), {.headers = "webhook-id: 1\r\n", .content = content});
	EXPECT_EQ(fetching.reason, "") << fetching.detail;
	EXPECT_EQ(fetching.answer.status, 200);
	EXPECT_EQ(fetching.answer.body, "");
	EXPECT_TRUE(request.starts_with("POST /in?a=b HTTP/1.1\r\n")) << request.substr(0, 1000);
	EXPECT_TRUE(request.ends_with("\r\n\r\n" + content));
	for (const char *line : {"\r\nwebhook-id: 1\r\n", "\r\nContent-Type: application/json\r\n"})
		EXPECT_NE(request.find(line), request.npos) << line;
	fetching.fetch(server.url("/moved"), {.content = "{}"});
	EXPECT_EQ(fetching.reason, "");
	EXPECT_EQ(fetching.answer.status, 302);
	EXPECT_TRUE(request.ends_with("\r\n\r\n{}")) << "it went on";
}

TEST(NetHttpFetch, RedirectsToPrivateAddresses)
{
	NameServer names(NameServer::Names{{"inside.example.com", {"127.0.0.1"}},
									   {"rebound.example.com", {"10.0.0.1"}}});
	for (const char *host :
		 {"127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "inside.example.com",
		  "rebound.example.com", "[2002:7f00:1::]", "[64:ff9b::7f00:1]"}) {
		net::Config config = test_config();
		Fetching fetching(names.address(), config);
		WebServer target(http_answer("secret"));
		WebServer server([&](const std::string &, const WebServer::Send &send) {
			fetching.dialing.config.allow_local = false; // from the second hop on
			send(redirect(std::string("http://") + host + ":" + std::to_string(target.port())));
		});
		fetching.fetch(server.url());
		EXPECT_EQ(fetching.reason, "local_address") << host << ": " << fetching.detail;
		EXPECT_EQ(target.connections(), 0) << host;
	}
	/* An IPv4-mapped address has another spelling, and no other is accepted. */
	Fetching fetching;
	WebServer mapped(redirect("http://[::ffff:127.0.0.1]/"));
	EXPECT_EQ(fetching.fetch(mapped.url()).reason, "bad_redirect");
}
