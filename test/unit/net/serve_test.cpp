/* The server of the API over real sockets. */
#include <gtest/gtest.h>

#include <jansson.h>

#include "api_server.h"
#include "net/serve/reconciliation.h"
#include "net/serve/web_socket_frames.h"

namespace {

using test::ApiServer;

/* Answers each call with its arguments, as one row. */
void
echo(ApiServer &server, const ApiServer::Call &call)
{
	std::string item = "[";
	for (const std::string &argument : call.arguments)
		item += (item.size() > 1 ? "," : "") + ("\"" + argument + "\"");
	server.rows(call.number, {item + "]"});
	server.end(call.number);
}

std::string
body_of(const std::string &answer)
{
	size_t end = answer.find("\r\n\r\n");
	return end == std::string::npos ? "" : answer.substr(end + 4);
}

int
status_of(const std::string &answer)
{
	return answer.size() > 12 ? std::atoi(answer.c_str() + 9) : 0;
}

std::string
header_of(const std::string &answer, const std::string &name)
{
	size_t begin = answer.find("\r\n" + name + ": ");
	if (begin == std::string::npos)
		return "";
	begin += name.size() + 4;
	return answer.substr(begin, answer.find('\r', begin) - begin);
}

/* A client of the relay. */
class Socket
{
  public:
	explicit Socket(const ApiServer &server) : fd_(server.connect())
	{
		send_bytes(
			"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
		std::string head;
		for (char c; !head.ends_with("\r\n\r\n") && recv(fd_, &c, 1, 0) == 1;)
			head += c;
		EXPECT_EQ(status_of(head), 101) << head;
		EXPECT_EQ(header_of(head, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	}
	~Socket() { close(fd_); }

	void say(const std::string &text, uint8_t first = 0x81)
	{
		std::string frame(1, static_cast<char>(first));
		if (text.size() < 126) {
			frame += static_cast<char>(0x80 | text.size());
		} else {
			frame += static_cast<char>(0x80 | 126);
			frame += static_cast<char>(text.size() >> 8);
			frame += static_cast<char>(text.size());
		}
		frame += std::string(4, '\0') + text; // a mask of zeros changes nothing
		send_bytes(frame);
	}
	void send_bytes(const std::string &bytes)
	{
		EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
	}
	/* The payload of the next frame; "" at the end. */
	std::string hear()
	{
		std::string head = read(2);
		if (head.size() < 2)
			return "";
		opcode = static_cast<uint8_t>(head[0]) & 0x0f;
		size_t size = static_cast<uint8_t>(head[1]);
		if (size >= 126) {
			std::string length = read(size == 126 ? 2 : 8);
			size = 0;
			for (char c : length)
				size = size << 8 | static_cast<uint8_t>(c);
		}
		return read(size);
	}

	int opcode = 0;

  private:
	std::string read(size_t size)
	{
		std::string out;
		while (out.size() < size) {
			char piece[4096];
			ssize_t got = recv(fd_, piece, std::min(sizeof piece, size - out.size()), 0);
			if (got <= 0)
				break;
			out.append(piece, size_t(got));
		}
		return out;
	}
	int fd_;
};

} // namespace

TEST(Serve, OneRowIsTheBody)
{
	ApiServer server(echo);
	std::string answer = server.get("/one/a%20b?flag=true");
	EXPECT_EQ(status_of(answer), 200);
	EXPECT_EQ(body_of(answer), "[\"a b\",\"true\"]");
	EXPECT_EQ(header_of(answer, "Cache-Control"), "public, max-age=60");
	EXPECT_EQ(header_of(answer, "Access-Control-Allow-Origin"), "*");
	EXPECT_EQ(body_of(server.get("/one/a")), "[\"a\",\"NULL\"]");
	EXPECT_EQ(status_of(server.get("/one/a", "If-None-Match: *\r\n")), 304);
	std::string head = server.talk("HEAD /one/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	EXPECT_EQ(header_of(head, "Content-Length"), "12");
	EXPECT_EQ(body_of(head), "");
}

TEST(Serve, ProblemsSayWhatIsWrong)
{
	ApiServer server([](ApiServer &api, const ApiServer::Call &call) {
		if (call.arguments[0] == "none")
			return api.end(call.number);
		api.end(call.number, call.arguments[0], "a \"message\"");
	});
	auto problem = [&](const std::string &target, int status, const std::string &code) {
		std::string answer = server.get(target);
		EXPECT_EQ(status_of(answer), status) << target;
		EXPECT_EQ(header_of(answer, "Content-Type"), "application/problem+json");
		json_t *body = json_loads(body_of(answer).c_str(), 0, nullptr);
		EXPECT_STREQ(json_string_value(json_object_get(body, "code")), code.c_str()) << target;
		EXPECT_EQ(json_integer_value(json_object_get(body, "status")), status);
		json_decref(body);
	};
	problem("/nothing", 404, "no_such_path");
	problem("/one/a?flag=maybe", 400, "bad_parameter");
	problem("/one/a?id=b", 400, "bad_parameter");
	problem("/one/a?other=b", 400, "bad_parameter");
	problem("/list?limit=0", 400, "bad_parameter");
	problem("/list?since=x", 400, "bad_parameter");
	problem("/list?cursor=x", 400, "bad_parameter");
	problem("/one/%ff", 400, "bad_target");
	problem("/one/none", 404, "not_found");
	problem("/one/22023", 400, "22023");
	problem("/one/P0002", 404, "P0002");
	problem("/one/57014", 504, "57014");
	problem("/one/55000", 503, "55000");
	problem("/one/XX000", 500, "XX000");
	EXPECT_EQ(header_of(server.get("/one/55000"), "Retry-After"), "30");
	std::string answer =
		server.talk("DELETE /list HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	EXPECT_EQ(status_of(answer), 405);
	EXPECT_EQ(header_of(answer, "Allow"), "GET, HEAD, POST, OPTIONS");
	EXPECT_EQ(status_of(server.talk("nonsense\r\n\r\n")), 400);
	EXPECT_EQ(
		status_of(server.talk("OPTIONS /one/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")),
		204);
}

TEST(Serve, ListsHavePages)
{
	ApiServer server([](ApiServer &api, const ApiServer::Call &call) {
		if (call.route == 4)
			return echo(api, call);
		if (call.arguments[2] == "[7]")
			api.rows(call.number, {"3"}, "[8]");
		else
			api.rows(call.number, {"1", "2"}, "[7]");
		api.end(call.number);
	});
	std::string answer = server.get("/list?since=5");
	json_t *body = json_loads(body_of(answer).c_str(), 0, nullptr);
	ASSERT_TRUE(body) << answer;
	std::string cursor = json_string_value(json_object_get(body, "next"));
	json_decref(body);
	EXPECT_EQ(header_of(answer, "Link"), "</list?since=5&cursor=" + cursor + ">; rel=\"next\"");
	EXPECT_EQ(body_of(server.get("/list?since=5&cursor=" + cursor)),
			  R"({"items":[3],"next":null})");
	/* The cursor of another question. */
	EXPECT_EQ(status_of(server.get("/list?since=6&cursor=" + cursor)), 400);
	EXPECT_EQ(body_of(server.get("/list", "Accept: application/x-ndjson\r\n")), "1\n2\n");
	EXPECT_EQ(body_of(server.get("/list?format=csv")), "1\r\n2\r\n");
	EXPECT_EQ(body_of(server.talk("POST /list HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
								  "Content-Length: 9\r\n\r\n{ \"a\":1 }")),
			  "[[\"{\"a\":1}\"]]");
	EXPECT_EQ(status_of(server.talk("POST /list HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
									"Content-Length: 3\r\n\r\n{a}")),
			  400);
}

TEST(Serve, RequestsOfOneConnectionAreAnsweredInTurn)
{
	ApiServer server(echo);
	std::string answers =
		server.talk("GET /one/1 HTTP/1.1\r\nHost: h\r\n\r\n"
					"GET /one/2 HTTP/1.1\r\nHost: h\r\n\r\n"
					"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"
					"GET /one/3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	size_t one = answers.find("[\"1\""), two = answers.find("[\"2\""), ok = answers.find("\r\nok"),
		   three = answers.find("[\"3\"");
	EXPECT_LT(one, two);
	EXPECT_LT(two, ok);
	EXPECT_LT(ok, three);
	EXPECT_NE(three, std::string::npos);
}

TEST(Serve, ALongAnswerWaitsForItsReader)
{
	const std::string large(60000, 'x');
	ApiServer server([&](ApiServer &api, const ApiServer::Call &call) {
		for (size_t i = 0; i < wire::kMaxPieces; i++)
			api.rows(call.number, {"\"" + large + "\""});
		std::thread([&api, number = call.number] {
			api.until_taken(wire::kMaxPieces);
			api.end(number);
		}).detach();
	});
	std::string answer = server.get("/array");
	EXPECT_EQ(header_of(answer, "Transfer-Encoding"), "chunked");
	EXPECT_TRUE(answer.ends_with("\r\n0\r\n\r\n"));
	EXPECT_GT(answer.size(), wire::kMaxPieces * large.size());
	EXPECT_EQ(server.taken(), wire::kMaxPieces);
}

TEST(Serve, AnAnswerThatFailsOnTheWayIsCutOff)
{
	ApiServer server([](ApiServer &api, const ApiServer::Call &call) {
		api.rows(call.number, {"\"" + std::string(100000, 'x') + "\""});
		api.end(call.number, "57014", "too long");
	});
	std::string answer = server.get("/array");
	EXPECT_EQ(status_of(answer), 200);
	EXPECT_FALSE(answer.ends_with("\r\n0\r\n\r\n"));
}

TEST(Serve, CallsOfClientsThatLeaveAreCancelled)
{
	ApiServer server([](ApiServer &, const ApiServer::Call &) {});
	int fd = server.connect();
	std::string request = "GET /one/1 HTTP/1.1\r\nHost: h\r\n\r\n";
	ASSERT_EQ(send(fd, request.data(), request.size(), 0), ssize_t(request.size()));
	{
		Socket socket(server);
		socket.say(R"(["REQ","s",{}])");
		socket.say(R"(["CLOSE","s"])");
		ASSERT_TRUE(server.until_cancelled(1));
		socket.say(R"(["REQ","s",{}])");
		socket.say(R"(["REQ","s",{}])"); // takes the place of the first
		ASSERT_TRUE(server.until_cancelled(2));
	}
	ASSERT_TRUE(server.until_cancelled(3));
	close(fd);
	ASSERT_TRUE(server.until_cancelled(4));
}

TEST(Serve, SlowClientsAreGivenUp)
{
	ApiServer server(echo);
	int fd = server.connect(), idle = server.connect();
	ASSERT_EQ(send(fd, "GET / HT", 8, 0), 8);
	std::string other = server.get("/livez"); // those bytes have been read when this is answered
	EXPECT_EQ(body_of(other), "ok\n");
	server.clock.advance(std::chrono::seconds(21));
	char bytes[2000];
	ssize_t size = recv(fd, bytes, sizeof bytes, 0);
	ASSERT_GT(size, 0);
	EXPECT_EQ(status_of({bytes, size_t(size)}), 408);
	server.clock.advance(std::chrono::seconds(40));
	EXPECT_EQ(recv(idle, bytes, sizeof bytes, 0), 0);
	close(fd);
	close(idle);
}

TEST(Serve, ClientsThatDoNotReadAreNotRead)
{
	ApiServer server(echo);
	int fd = server.connect();
	const std::string request = "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n";
	size_t sent = 0;
	/* Much more than the buffers of the kernel and of the server. */
	constexpr size_t enough = 64 << 20;
	while (sent < enough) {
		pollfd poll_for{fd, POLLOUT, 0};
		if (poll(&poll_for, 1, 1000) == 0)
			break;
		ssize_t size = send(fd, request.data() + sent % request.size(),
							request.size() - sent % request.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
		ASSERT_GT(size, 0);
		sent += size_t(size);
	}
	EXPECT_LT(sent, enough);
	/* Every whole request is answered once they are read. */
	size_t answers = 0;
	std::string text;
	while (answers < sent / request.size()) {
		char piece[16384];
		ssize_t size = recv(fd, piece, sizeof piece, 0);
		ASSERT_GT(size, 0);
		text.append(piece, size_t(size));
		for (size_t at; (at = text.find("\r\n\r\nok\n")) != std::string::npos; answers++)
			text.erase(0, at + 7);
	}
	EXPECT_EQ(answers, sent / request.size());
	close(fd);
}

TEST(Serve, AddressesHaveLimits)
{
	auto settings = ApiServer::default_settings();
	settings.requests_per_minute = 2;
	settings.max_connections_per_address = 2;
	ApiServer server(echo, settings);
	std::string answer = server.get("/one/1");
	EXPECT_EQ(header_of(answer, "RateLimit-Policy"), "\"requests\";q=2;w=60");
	EXPECT_EQ(header_of(answer, "RateLimit"), "\"requests\";r=1;t=30");
	EXPECT_EQ(status_of(server.get("/nothing")), 404);
	answer = server.get("/one/1");
	EXPECT_EQ(status_of(answer), 429);
	EXPECT_EQ(header_of(answer, "Retry-After"), "30");
	EXPECT_EQ(status_of(server.get("/livez")), 200); // costs nothing

	int first = server.connect(), second = server.connect(), third = server.connect();
	char byte;
	EXPECT_EQ(recv(third, &byte, 1, 0), 0);
	for (int fd : {first, second, third})
		close(fd);
}

TEST(Serve, IsARelay)
{
	ApiServer server([](ApiServer &api, const ApiServer::Call &call) {
		if (call.route == 6)
			api.rows(call.number, {"{\"count\":5}"});
		else if (call.arguments[0].find("\"kinds\":[7]") == std::string::npos)
			api.rows(call.number, {"{\"id\":\"1\"}", "{\"id\":\"2\"}"});
		api.end(call.number);
	});
	Socket socket(server);
	socket.say(R"(["REQ","s",{"limit":2}])");
	EXPECT_EQ(socket.hear(), R"(["EVENT","s",{"id":"1"}])");
	EXPECT_EQ(socket.hear(), R"(["EVENT","s",{"id":"2"}])");
	EXPECT_EQ(socket.hear(), R"(["EOSE","s",["finish"]])");
	socket.say(R"(["REQ","s",{"limit":1}])");
	EXPECT_EQ(socket.hear(), R"(["EVENT","s",{"id":"1"}])");
	EXPECT_EQ(socket.hear(), R"(["EOSE","s",["more"]])");
	socket.say(R"(["REQ","t",{"kinds":[7]},{"kinds":[7]}])");
	EXPECT_EQ(socket.hear(), R"(["EOSE","t"])");
	socket.say(R"(["REQ","a\"b",{"ids":["aa"]}])");
	EXPECT_TRUE(socket.hear().starts_with(R"(["CLOSED","a\"b","invalid: )"));
	socket.say(R"(["REQ","u",{"ids":[],"limit":0}])");
	EXPECT_EQ(socket.hear(), R"(["EOSE","u"])");
	socket.say(R"(["COUNT","c",{"kinds":[1]}])");
	EXPECT_EQ(socket.hear(), R"(["COUNT","c",{"count":5}])");
	socket.say(R"(["HELLO"])");
	EXPECT_TRUE(socket.hear().starts_with(R"(["NOTICE","invalid: )"));
	auto event = test::make_event(1700000000, "x");
	socket.say("[\"EVENT\"," + nostr::to_json(event) + "]");
	EXPECT_EQ(socket.hear(), "[\"OK\",\"" + nostr::to_hex(event.id.data(), event.id.size()) +
								 "\",false,\"blocked: this relay is read-only\"]");
	socket.say("ping", 0x89);
	EXPECT_EQ(socket.hear(), "ping");
	EXPECT_EQ(socket.opcode, 10);
	socket.say("\x03\xe8", 0x88);
	EXPECT_EQ(socket.hear(), "\x03\xe8");
	EXPECT_EQ(socket.hear(), "");

	std::string document = server.get("/", "Accept: application/nostr+json\r\n");
	json_t *body = json_loads(body_of(document).c_str(), 0, nullptr);
	ASSERT_TRUE(body) << document;
	EXPECT_STREQ(json_string_value(json_object_get(body, "name")), "test");
	json_decref(body);
}

TEST(Serve, SubscriptionsAreBounded)
{
	auto settings = ApiServer::default_settings();
	settings.max_subscriptions = 2;
	ApiServer server([](ApiServer &api, const ApiServer::Call &call) { api.end(call.number); },
					 settings);
	Socket socket(server);
	for (const char *id : {"a", "b"}) {
		socket.say(std::string("[\"REQ\",\"") + id + "\",{}]");
		EXPECT_TRUE(socket.hear().starts_with("[\"EOSE\""));
	}
	socket.say(R"(["REQ","c",{}])");
	EXPECT_EQ(socket.hear(),
			  R"(["CLOSED","c","rate-limited: too many subscriptions on this connection"])");
	socket.say(R"(["CLOSE","a"])");
	socket.say(R"(["REQ","c",{}])");
	EXPECT_EQ(socket.hear(), R"(["EOSE","c",["finish"]])");
}

TEST(Serve, SubscriptionsGoOnWithNewEvents)
{
	const auto events = test::make_events(4, 1700000000);
	std::atomic<uint64_t> stored = 0;
	ApiServer server([&](ApiServer &api, const ApiServer::Call &call) {
		if (call.route == 5) {
			if (call.arguments[0].find("[9]") != std::string::npos) {
				stored = call.number; // the test ends it
				return;
			}
			return api.end(call.number);
		}
		ASSERT_EQ(call.route, 7);
		std::vector<std::string> items;
		for (size_t i = 0; i < events.size(); i++)
			if (call.arguments[0].find(std::to_string(i)) != std::string::npos)
				items.push_back(nostr::to_json(events[i]));
		api.rows(call.number, items);
		api.end(call.number);
	});
	auto event = [&](const char *id, size_t i) {
		return "[\"EVENT\",\"" + std::string(id) + "\"," + nostr::to_json(events[i]) + "]";
	};
	Socket socket(server);
	socket.say(R"(["REQ","other",{"kinds":[77]}])");
	EXPECT_EQ(socket.hear(), R"(["EOSE","other",["finish"]])");
	socket.say(R"(["REQ","s",{"kinds":[1]}])");
	EXPECT_EQ(socket.hear(), R"(["EOSE","s",["finish"]])");
	server.send(wire::News{.events = {{0}, {1}}});
	EXPECT_EQ(socket.hear(), event("s", 0));
	EXPECT_EQ(socket.hear(), event("s", 1));
	/* One that asks meanwhile gets each once, the new ones behind the stored ones. */
	socket.say(R"(["REQ","t",{"kinds":[1,9]},{"kinds":[9]}])");
	server.get("/livez");
	while (stored == 0)
		std::this_thread::yield();
	server.send(wire::News{.events = {{2}, {3}}});
	EXPECT_EQ(socket.hear(), event("s", 2));
	EXPECT_EQ(socket.hear(), event("s", 3));
	server.rows(stored, {nostr::to_json(events[2])});
	server.end(stored);
	EXPECT_EQ(socket.hear(), event("t", 2));
	EXPECT_EQ(socket.hear(), R"(["EOSE","t"])");
	EXPECT_EQ(socket.hear(), event("t", 3));
	server.send(wire::News{.missed = true, .events = {}});
	for (const char *id : {"other", "s", "t"})
		EXPECT_EQ(socket.hear(),
				  "[\"CLOSED\",\"" + std::string(id) +
					  "\",\"error: new events came faster than they could be served\"]");
}

TEST(Serve, ReconcilesSets)
{
	const auto events = test::make_events(100, 1700000000);
	ApiServer server([&](ApiServer &api, const ApiServer::Call &call) {
		ASSERT_EQ(call.route, 8);
		EXPECT_EQ(call.arguments[0], R"({"kinds":[1]})");
		std::vector<std::string> items;
		for (const nostr::Event &event : events)
			items.push_back(std::to_string(event.created_at) + " " +
							nostr::to_hex(event.id.data(), event.id.size()));
		api.rows(call.number, items);
		api.end(call.number);
	});
	nostr::negentropy::RecordSet own;
	for (size_t i = 10; i < events.size(); i++)
		own.add(events[i].created_at, events[i].id);
	own.seal();
	nostr::negentropy::Client client(own, 0, 1000);
	Socket socket(server);
	std::string first = client.first();
	socket.say(R"(["NEG-OPEN","n",{"kinds":[1]},")" + nostr::to_hex(first) + "\"]");
	for (int turn = 0; turn < 10; turn++) {
		std::string answer = socket.hear();
		ASSERT_TRUE(answer.starts_with(R"(["NEG-MSG","n",")")) << answer;
		std::string hex = answer.substr(16, answer.size() - 18), reply;
		std::string bytes(hex.size() / 2, '\0');
		ASSERT_TRUE(nostr::from_hex(hex, reinterpret_cast<uint8_t *>(bytes.data()), bytes.size()));
		ASSERT_EQ(client.read(bytes, reply), nostr::negentropy::Fault::None);
		if (reply.empty())
			break;
		socket.say(R"(["NEG-MSG","n",")" + nostr::to_hex(reply) + "\"]");
	}
	EXPECT_EQ(client.take_difference().need.size(), 10u);
	socket.say(R"(["NEG-CLOSE","n"])");
	socket.say(R"(["NEG-MSG","n","61"])");
	EXPECT_EQ(socket.hear(), R"(["NEG-ERR","n","closed: unknown subscription handle"])");
	socket.say(R"(["NEG-OPEN","n",{"kinds":[1]},"62"])");
	EXPECT_TRUE(socket.hear().starts_with("[\"NEG-MSG\"")); // our version
	socket.say(R"(["NEG-MSG","n","61ff"])");
	EXPECT_TRUE(socket.hear().starts_with(R"(["NEG-ERR","n","invalid: )"));
	socket.say(R"(["NEG-OPEN","n",{"kinds":[1]},"61"])");
	EXPECT_TRUE(socket.hear().starts_with("[\"NEG-MSG\""));
	server.clock.advance(net::Reconciliation::kIdle);
	EXPECT_EQ(socket.hear(), R"(["NEG-ERR","n","closed: nothing was asked"])");
}
