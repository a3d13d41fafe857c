/* The server of the API over real sockets. */
#include <atomic>

#include <gtest/gtest.h>

#include <jansson.h>

#include "api_client.h"

namespace {

using namespace std::chrono_literals;
using namespace test;

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

TEST(Serve, ThePageIsPartOfTheProgram)
{
	ApiServer server(echo);
	std::string page = server.get("/", "Accept: text/html\r\n");
	EXPECT_EQ(status_of(page), 200);
	EXPECT_EQ(header_of(page, "Content-Type"), "text/html; charset=utf-8");
	const std::string policy = header_of(page, "Content-Security-Policy");
	EXPECT_NE(policy.find("default-src 'none'; script-src 'self'; style-src 'self'"),
			  std::string::npos)
		<< policy;
	EXPECT_EQ(policy.find("unsafe"), std::string::npos);
	/* Nothing of it comes from elsewhere, and all that it names is there. */
	EXPECT_EQ(body_of(page).find("://"), body_of(page).find("://relay.example.com"));
	EXPECT_EQ(status_of(server.get("/web/page.js")), 200);
	std::string script = server.get("/web/page.js", "Accept-Encoding: gzip\r\n");
	EXPECT_EQ(header_of(script, "Content-Encoding"), "gzip");
	EXPECT_EQ(header_of(script, "Content-Type"), "text/javascript; charset=utf-8");
	EXPECT_EQ(header_of(script, "Content-Length"), std::to_string(body_of(script).size()));
	std::string again =
		server.get("/web/page.js",
				   "Accept-Encoding: gzip\r\nIf-None-Match: " + header_of(script, "ETag") + "\r\n");
	EXPECT_EQ(status_of(again), 304);
	EXPECT_EQ(status_of(server.get("/web/../page.js")), 404);
	EXPECT_EQ(status_of(server.get("/web/other.js")), 404);
	EXPECT_EQ(header_of(server.get("/", "Accept: application/nostr+json\r\n"), "Content-Type"),
			  "application/nostr+json");
}

TEST(Serve, AnswersWithMarkupMayRunNothing)
{
	ApiServer server(echo);
	EXPECT_EQ(header_of(server.get("/list?format=html"), "Content-Security-Policy"),
			  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'");
	EXPECT_EQ(header_of(server.get("/list"), "Content-Security-Policy"), "");
}

TEST(Serve, StreamsOfClientsBehindAProxyAreCounted)
{
	auto settings = ApiServer::default_settings();
	settings.max_connections_per_address = 2;
	settings.trusted_proxies = "127.0.0.1";
	ApiServer server(echo, settings);
	std::vector<int> streams;
	auto status = [&](const std::string &client) {
		streams.push_back(server.connect());
		const std::string request = "GET /live/relays HTTP/1.1\r\nHost: h\r\n" + client + "\r\n";
		send(streams.back(), request.data(), request.size(), MSG_NOSIGNAL);
		std::string head;
		for (char c; !head.ends_with("\r\n\r\n") && recv(streams.back(), &c, 1, 0) == 1;)
			head += c;
		return status_of(head);
	};
	const std::string one = "X-Forwarded-For: 203.0.113.1\r\n";
	EXPECT_EQ(status(one), 200);
	EXPECT_EQ(status(one), 200);
	EXPECT_EQ(status(one), 429);
	EXPECT_EQ(status("X-Forwarded-For: 203.0.113.2\r\n"), 200);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(status(""), 200); // the proxy itself
	close(streams[0]);
	int last = 429;
	for (int i = 0; i < 1000 && last == 429; i++)
		last = status(one);
	EXPECT_EQ(last, 200);
	for (size_t i = 1; i < streams.size(); i++)
		close(streams[i]);
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
	problem("/list?format=xml", 400, "bad_parameter");
	problem("/list?format=csv&format=csv", 400, "bad_parameter");
	problem("/list?since=x", 400, "bad_parameter");
	problem("/list?cursor=x", 400, "bad_parameter");
	problem("/one/%ff", 400, "bad_target");
	problem("/one/none", 404, "not_found");
	problem("/one/22023", 400, "22023");
	problem("/one/P0002", 404, "P0002");
	problem("/one/57014", 504, "57014");
	problem("/one/55000", 503, "55000");
	problem("/one/XX000", 500, "XX000");
	problem("/one/PT422", 422, "PT422");
	problem("/one/PT429", 429, "PT429");
	EXPECT_EQ(header_of(server.get("/one/PT429"), "Retry-After"), "30");
	EXPECT_EQ(header_of(server.get("/one/55000"), "Retry-After"), "30");
	std::string answer =
		server.talk("DELETE /list HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	EXPECT_EQ(status_of(answer), 405);
	EXPECT_EQ(header_of(answer, "Allow"), "GET, HEAD, POST, OPTIONS");
	EXPECT_EQ(status_of(server.talk("nonsense\r\n\r\n")), 400);
	const auto post = [&](const std::string &path, const std::string &body) {
		return status_of(server.talk(
			"POST " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: " +
			std::to_string(body.size()) + "\r\n\r\n" + body));
	};
	EXPECT_EQ(post("/told", "\xff"), 400);
	std::string numbers = "[1e15"; // each grows to 1000000000000000.0
	for (int i = 0; i < 50000; i++)
		numbers += ",1e15";
	EXPECT_EQ(post("/list", numbers + "]"), 400);
	EXPECT_EQ(body_of(server.get("/v2/nothing")),
			  R"({"error":{"code":"NOT_FOUND","message":"Nothing is served at this path.",)"
			  R"("hint":"/openapi.json lists the paths."}})");
	EXPECT_EQ(
		status_of(server.talk("OPTIONS /one/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")),
		204);
}

TEST(Serve, WhatIsNotedHasAPlace)
{
	ApiServer server([](ApiServer &api, const ApiServer::Call &call) {
		api.rows(call.number, {"{\"a\":1}"}, "ab");
		api.end(call.number);
	});
	const std::string answer =
		server.talk("POST /noted?x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
					"Content-Length: 2\r\n\r\n{}");
	EXPECT_EQ(status_of(answer), 400); // no such parameter
	const std::string noted = server.talk("POST /noted HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
										  "Content-Length: 2\r\n\r\n{}");
	EXPECT_EQ(status_of(noted), 202);
	EXPECT_EQ(header_of(noted, "Location"), "/noted/ab");
	EXPECT_EQ(body_of(noted), "{\"a\":1}");
	EXPECT_EQ(header_of(noted, "Cache-Control"), "no-cache");
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

TEST(Serve, ClientsThatCloseTheirSideGetTheirAnswers)
{
	std::atomic<uint64_t> waits = 0;
	ApiServer server([&](ApiServer &api, const ApiServer::Call &call) {
		if (call.arguments[0] == "slow")
			waits = call.number;
		else
			echo(api, call);
	});
	std::string one = "GET /one/1 HTTP/1.1\r\nHost: h\r\n\r\n";
	std::string two = "GET /one/2 HTTP/1.1\r\nHost: h\r\n\r\n";
	std::string answers = server.talk(one + two, ApiServer::Closes::ItsSide);
	EXPECT_NE(answers.find("[\"1\",\"NULL\"]"), std::string::npos);
	EXPECT_TRUE(answers.ends_with("[\"2\",\"NULL\"]"));
	EXPECT_EQ(server.talk("GET /one/1 HT", ApiServer::Closes::ItsSide), "");
	EXPECT_EQ(server.talk("", ApiServer::Closes::ItsSide), "");
	/* It is asked whether it still reads. */
	std::thread later([&] {
		while (waits == 0)
			std::this_thread::yield();
		server.clock.advance(3s);
		server.clock.advance(3s);
		echo(server, {.number = waits, .route = 1, .arguments = {"slow", "NULL"}});
	});
	answers = server.talk("GET /one/slow HTTP/1.1\r\nHost: h\r\n\r\n", ApiServer::Closes::ItsSide);
	later.join();
	EXPECT_TRUE(answers.ends_with("[\"slow\",\"NULL\"]")) << answers;
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
	settings.anonymous.requests_per_minute = 2;
	settings.max_connections_per_address = 2;
	ApiServer server(echo, settings);
	std::string answer = server.get("/one/1");
	EXPECT_EQ(header_of(answer, "RateLimit-Policy"), "\"requests\";q=2;w=60");
	EXPECT_EQ(header_of(answer, "RateLimit"), "\"requests\";r=1;t=30");
	EXPECT_EQ(status_of(server.get("/nothing")), 404);
	answer = server.get("/one/1");
	EXPECT_EQ(status_of(answer), 429);
	/* It is less by each second that has passed. */
	const int seconds = std::stoi(header_of(answer, "Retry-After"));
	EXPECT_GE(seconds, 25);
	EXPECT_LE(seconds, 30);
	EXPECT_EQ(status_of(server.get("/livez")), 200); // costs nothing

	int first = server.connect(), second = server.connect(), third = server.connect();
	char byte;
	EXPECT_EQ(recv(third, &byte, 1, 0), 0);
	for (int fd : {first, second, third})
		close(fd);
}
