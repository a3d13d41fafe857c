/* The net process of role fetch: each list ends as one message, whatever the server does. */
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "name_server.h"
#include "net/process.h"
#include "web_server.h"
#include "wire/fetch.h"

using namespace test;
using wire::FetchOutcome;

namespace {

/* A copy of wire::Fetched that stands alone. */
struct Result
{
	FetchOutcome outcome = FetchOutcome::Failed;
	int http_status = -1;
	std::string reason, detail, etag, modified_at;
	std::vector<std::string> names;
	uint32_t other_values = 0;
	bool cut = false;
};

/* A finder for tests: runs the net process of role fetch on a thread. */
class Fetcher
{
  public:
	explicit Fetcher(const std::string &name_servers = "", bool allow_local = true)
	{
		int pair[2];
		EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		fd_ = pair[0];
		process_ = std::thread([fd = pair[1], name_servers] {
			net::serve(fd, wire::Role::Fetch, net::Clock(), nullptr, {}, name_servers.c_str());
		});
		send(wire::FetchSettings{
			.dial = {.allow_local_relays = allow_local, .user_agent = "bigbrotr-test"}});
	}
	~Fetcher()
	{
		shutdown(fd_, SHUT_RDWR);
		process_.join();
		close(fd_);
	}

	template <class Message> void send(const Message &message)
	{
		const std::string frame = wire::encode(message);
		EXPECT_EQ(::send(fd_, frame.data(), frame.size(), MSG_NOSIGNAL), ssize_t(frame.size()));
	}

	Result fetch(const std::string &url, wire::Fetch fetch = {.path = "$[*]"})
	{
		fetch.attempt = ++attempt_;
		fetch.url = url;
		fetch.max_bytes = 1 << 20;
		fetch.max_names = 100;
		send(fetch);
		return wait();
	}

	Result wait()
	{
		Result result;
		bool told = false;
		const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
		while (!told && std::chrono::steady_clock::now() < deadline) {
			pollfd poll_for{fd_, POLLIN, 0};
			constexpr size_t size = 64 << 10;
			ssize_t got = poll(&poll_for, 1, 1000) > 0 ? read(fd_, input_.reserve(size), size) : -1;
			if (got == 0)
				break;
			if (got > 0)
				input_.filled(size_t(got));
			while (auto frame = input_.next())
				told |= keep(*frame, result);
		}
		EXPECT_TRUE(told) << "no answer";
		return result;
	}

  private:
	bool keep(const wire::Frame &frame, Result &result)
	{
		std::string fault;
		auto message =
			wire::decode<std::variant<wire::Hello, wire::Log, wire::Stats, wire::Fetched>>(frame,
																						   fault);
		EXPECT_TRUE(message) << fault;
		const auto *one = message ? std::get_if<wire::Fetched>(&*message) : nullptr;
		if (!one)
			return false;
		EXPECT_EQ(one->attempt, attempt_);
		result = {.outcome = one->outcome,
				  .http_status = one->http_status,
				  .reason = std::string(one->reason),
				  .detail = std::string(one->detail),
				  .etag = std::string(one->etag),
				  .modified_at = std::string(one->modified_at),
				  .other_values = one->other_values,
				  .cut = one->cut};
		for (const wire::ListName &name : one->names)
			result.names.emplace_back(name.text);
		return true;
	}

	int fd_;
	uint32_t attempt_ = 0;
	wire::FrameBuffer input_;
	std::thread process_;
};

} // namespace

TEST(NetFetch, ReadsAndAsksAgain)
{
	std::string asked;
	WebServer server([&](const std::string &request, const WebServer::Send &send) {
		asked = request;
		if (request.find("If-None-Match: \"7\"\r\n") != request.npos)
			send("HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n");
		else
			send(http_answer(R"({"relays":["wss://a.com",1]})",
							 "ETag: \"7\"\r\nLast-Modified: Fri, 31 Dec 1999 23:59:59 GMT\r\n"));
	});
	Fetcher fetcher;
	Result result = fetcher.fetch(server.url("/list"), {.path = "$.relays[*]"});
	EXPECT_EQ(result.outcome, FetchOutcome::Read) << result.reason;
	EXPECT_EQ(result.http_status, 200);
	EXPECT_EQ(result.names, (std::vector<std::string>{"wss://a.com"}));
	EXPECT_EQ(result.other_values, 1u);
	EXPECT_EQ(result.etag, "\"7\"");
	EXPECT_EQ(result.modified_at, "Fri, 31 Dec 1999 23:59:59 GMT");
	EXPECT_NE(asked.find("User-Agent: bigbrotr-test\r\n"), asked.npos);
	result = fetcher.fetch(
		server.url("/list"),
		{.path = "$.relays[*]", .etag = result.etag, .modified_since = result.modified_at});
	EXPECT_EQ(result.outcome, FetchOutcome::Unchanged) << result.reason;
	EXPECT_EQ(result.http_status, 304);
	EXPECT_NE(asked.find("If-Modified-Since: Fri, 31 Dec 1999 23:59:59 GMT\r\n"), asked.npos);
	/* A header that would have to be cut is none. */
	WebServer long_tag(http_answer("[]", "ETag: \"" + std::string(300, 'x') + "\"\r\n"));
	EXPECT_EQ(fetcher.fetch(long_tag.url()).etag, "");
	/* Text. */
	WebServer text(http_answer("# relays\nwss://a.com\nwss://b.com\n"));
	EXPECT_EQ(fetcher.fetch(text.url(), {}).names.size(), 2u);
}

TEST(NetFetch, HostileServers)
{
	Fetcher fetcher;
	struct Case
	{
		std::string answer;
		const char *reason;
		int http_status;
	};
	const Case cases[] = {
		{http_answer("<html>wss://a.com</html>"), "web_page", 200},
		{http_answer("{\"a\":"), "not_json", 200},
		{http_answer("[\"\xe9\"]"), "bad_charset", 200},
		{http_answer(std::string(5000, '[')), "too_deep", 200},
		{"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", "http_error", 404},
		/* Nobody asked whether it is unchanged. */
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n", "http_error", 304},
		{"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n" + std::string(2 << 20, ' '),
		 "too_large", 200},
		{"HTTP/1.1 302 Found\r\nLocation: ftp://a.com/\r\nContent-Length: 0\r\n\r\n",
		 "bad_redirect", 302},
		{http_answer("x", "Content-Encoding: br\r\n"), "bad_encoding", 200},
		{"SSH-2.0-OpenSSH_9.2\r\n", "handshake_failed", 0},
	};
	for (const Case &one : cases) {
		WebServer server(one.answer);
		const Result result = fetcher.fetch(server.url());
		EXPECT_EQ(result.outcome, FetchOutcome::Failed);
		EXPECT_EQ(result.reason, one.reason) << result.detail;
		EXPECT_EQ(result.http_status, one.http_status) << one.reason;
		EXPECT_FALSE(result.detail.empty()) << one.reason;
	}
	WebServer endless([](const std::string &, const WebServer::Send &send) {
		send("HTTP/1.1 200 OK\r\n\r\n");
		for (;;)
			send(std::string(4096, '['));
	});
	EXPECT_EQ(fetcher.fetch(endless.url()).reason, "too_large");
}

/* Clients of NIP-05 must not follow redirects; those of other lists may. */
TEST(NetFetch, RedirectsOfNip05)
{
	WebServer target(http_answer(R"({"relays":{"k":["wss://a.com"]}})"));
	WebServer server("HTTP/1.1 301 Moved\r\nLocation: " + target.url("/x") +
					 "\r\nContent-Length: 0\r\n\r\n");
	Fetcher fetcher;
	const wire::Fetch fetch{.path = "$.relays.*[*]"};
	EXPECT_EQ(fetcher.fetch(server.url("/other.json"), fetch).names.size(), 1u);
	EXPECT_EQ(fetcher.fetch(server.url("/.well-known/nostr.json?name=_"), fetch).reason,
			  "too_many_redirects");
	EXPECT_EQ(target.connections(), 1);
	EXPECT_EQ(fetcher.fetch(target.url("/.well-known/nostr.json"), fetch).names.size(), 1u);
}

TEST(NetFetch, PrivateAddresses)
{
	NameServer names(NameServer::Names{{"inside.example.com", {"127.0.0.1"}}});
	WebServer target(http_answer("[\"wss://a.com\"]"));
	Fetcher fetcher(names.address(), false);
	for (const char *host : {"127.0.0.1", "[::1]", "inside.example.com", "localhost"})
		EXPECT_EQ(fetcher.fetch("http://" + std::string(host) + ":" + std::to_string(target.port()))
					  .reason,
				  "local_address")
			<< host;
	EXPECT_EQ(fetcher.fetch("http://192.0.2.1:25/").reason, "blocked_port");
	EXPECT_EQ(fetcher.fetch("gopher://example.com/").reason, "bad_scheme");
	EXPECT_EQ(target.connections(), 0);
}
