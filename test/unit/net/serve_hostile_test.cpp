/*
 * Hostile clients, many at the same time: requests that are made of good and bad parts, cut in
 * pieces, sent in a row, WebSocket frames, streams, connections that are closed in part, or reset.
 * Ten seconds; BIGBROTR_TEST_HOSTILE_SECONDS says how long otherwise.
 */
#include <array>
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include <sys/resource.h>

#include "api_client.h"

namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr size_t kAtOnce = 60;

class Hostile
{
  public:
	explicit Hostile(uint64_t seed) : random_(seed) {}

	size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
	bool once_in(size_t n) { return below(n) == 0; }

	/* What one client says. */
	std::string talk()
	{
		std::string text;
		for (size_t i = 0, count = 1 + below(4); i < count; i++)
			text += once_in(12) ? upgrade() : request();
		for (size_t i = once_in(2) ? below(8) : 0; i > 0 && !text.empty(); i--)
			mutate(text);
		return text;
	}

  private:
	template <size_t N> std::string pick(const std::array<const char *, N> &from)
	{
		return from[below(N)];
	}
	std::string bytes(size_t most)
	{
		std::string out(below(most + 1), '\0');
		for (char &c : out)
			c = static_cast<char>(below(256));
		return out;
	}

	std::string request()
	{
		static constexpr std::array methods = {"GET",  "GET",     "GET", "HEAD",   "POST",
											   "POST", "OPTIONS", "PUT", "DELETE", "get"};
		static constexpr std::array targets = {"/one/1",
											   "/one/%31?flag=true",
											   "/list",
											   "/list?limit=2&since=5",
											   "/list?format=csv",
											   "/list?cursor=W10",
											   "/array",
											   "/live/events",
											   "/live/events?kinds=%7B%7D",
											   "/live/relays",
											   "/livez",
											   "/",
											   "*",
											   "http://h/one/1",
											   "/one/%ff",
											   "/..//%2e%2e/",
											   "//",
											   "/one/1?a=b&a=c",
											   "/list?limit=-1",
											   "/one/1#x",
											   "",
											   "/\x01"};
		static constexpr std::array versions = {"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0",
												"HTTP/2.0", "HTTP",     ""};
		static constexpr std::array headers = {"Host: h",
											   "Connection: close",
											   "Connection: keep-alive",
											   "Accept: text/csv",
											   "Accept: application/x-ndjson",
											   "Accept: application/nostr+json",
											   "Accept-Encoding: gzip",
											   "If-None-Match: *",
											   "Transfer-Encoding: chunked",
											   "Expect: 100-continue",
											   "Content-Length: 5",
											   "Content-Length: x",
											   "Content-Length: 99999999999",
											   "Last-Event-ID: 0-0",
											   "X-Forwarded-For: 1.2.3.4",
											   " folded: x",
											   "no colon",
											   "Upgrade: websocket",
											   "a: \x7f"};
		std::string target = pick(targets);
		if (once_in(30))
			target += std::string(below(40000), 'x');
		std::string text = pick(methods) + " " + target + " " + pick(versions) + "\r\n";
		if (!once_in(10))
			text += "Host: h\r\n";
		for (size_t i = once_in(50) ? 200 : below(4); i > 0; i--)
			text += pick(headers) + (once_in(40) ? "\n" : "\r\n");
		if (!once_in(3))
			return text + "\r\n";
		std::string body = once_in(2) ? R"({"kinds":[1]})" : bytes(300);
		return text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
	}

	std::string upgrade()
	{
		static constexpr std::array messages = {R"(["REQ","s",{}])",
												R"(["REQ","s",{"kinds":[1]},{"limit":0}])",
												R"(["CLOSE","s"])",
												R"(["COUNT","c",{}])",
												R"(["NEG-OPEN","n",{},"6100000200"])",
												R"(["NEG-MSG","n","6100000200"])",
												R"(["EVENT",{}])",
												"[[[[[[",
												R"(["REQ"])",
												""};
		std::string text =
			"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
		for (size_t i = below(10); i > 0; i--) {
			const std::string message = once_in(4) ? bytes(120) : pick(messages);
			text += static_cast<char>(once_in(4) ? below(256) : 0x81);
			text += static_cast<char>(0x80 | std::min<size_t>(message.size(), 125));
			text += std::string(4, '\0') + message;
		}
		return text;
	}

	void mutate(std::string &text)
	{
		const size_t at = below(text.size());
		if (once_in(3))
			text.erase(at, 1 + below(20));
		else if (once_in(2))
			text.insert(at, bytes(10));
		else
			text[at] = static_cast<char>(below(256));
	}

	std::mt19937_64 random_;
};

struct HostileClient
{
	int fd = -1;
	std::string rest; // that is not sent
	size_t turns = 0; // until it leaves
};

double
cpu_seconds()
{
	rusage usage{};
	getrusage(RUSAGE_SELF, &usage);
	auto seconds = [](const timeval &time) {
		return double(time.tv_sec) + double(time.tv_usec) / 1e6;
	};
	return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

} // namespace

TEST(ServeHostile, NothingBreaksTheServer)
{
	const char *text = std::getenv("BIGBROTR_TEST_HOSTILE_SECONDS");
	const auto end =
		std::chrono::steady_clock::now() + std::chrono::seconds(text ? std::atoi(text) : 10);
	std::random_device device;
	const uint64_t seed = text ? (uint64_t(device()) << 32 | device()) : 1;
	RecordProperty("seed", std::to_string(seed));
	Hostile hostile(seed), answers(seed + 1);
	auto settings = ApiServer::default_settings();
	settings.max_connections = settings.max_connections_per_address = 2 * kAtOnce;
	ApiServer server(
		[&](ApiServer &api, const ApiServer::Call &call) {
			if (call.arguments.size() > 0 && call.arguments[0] == "sure") {
				api.rows(call.number, {"1"});
				return api.end(call.number);
			}
			if (answers.once_in(8))
				return; // it waits for its end
			for (size_t i = answers.below(4); i > 0; i--)
				api.rows(call.number,
						 {"{\"a\":" + std::string(1 + answers.below(30000), '1') + "}"});
			api.end(call.number, answers.once_in(5) ? "22023" : "");
		},
		settings);
	std::array<HostileClient, kAtOnce> clients;
	size_t talks = 0;
	while (std::chrono::steady_clock::now() < end) {
		for (HostileClient &client : clients) {
			if (client.fd < 0) {
				client = {
					.fd = server.connect(), .rest = hostile.talk(), .turns = hostile.below(40)};
				talks++;
			}
			if (!client.rest.empty()) {
				const size_t size = std::min(client.rest.size(), 1 + hostile.below(2000));
				ssize_t sent =
					::send(client.fd, client.rest.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
				client.rest.erase(0, sent > 0                      ? size_t(sent)
									 : sent < 0 && errno != EAGAIN ? client.rest.size()
																   : 0);
			}
			if (hostile.once_in(20))
				shutdown(client.fd, SHUT_WR);
			char piece[16 << 10];
			if (!hostile.once_in(3))
				recv(client.fd, piece, sizeof piece, MSG_DONTWAIT);
			if (client.turns-- > 0)
				continue;
			/* A reset, or an orderly end. */
			linger at_once{.l_onoff = 1, .l_linger = 0};
			if (hostile.once_in(2))
				setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
			close(client.fd);
			client.fd = -1;
		}
		/* Its deadlines pass, too. */
		if (hostile.once_in(100))
			server.clock.advance(5s);
	}
	for (HostileClient &client : clients)
		if (client.fd >= 0)
			close(client.fd);
	EXPECT_GT(talks, 100U);
	/* Connections that it still held would leave no room. A busy machine needs a while to see that
	 * the clients have left. */
	const auto patience = std::chrono::steady_clock::now() + 20s;
	for (size_t i = 0; i < 2 * kAtOnce; i++)
		while (status_of(server.get("/one/sure")) != 200)
			ASSERT_LT(std::chrono::steady_clock::now(), patience) << i;
	const double before = cpu_seconds();
	std::this_thread::sleep_for(1s);
	EXPECT_LT(cpu_seconds() - before, 0.5) << "it is busy with nothing";
}
