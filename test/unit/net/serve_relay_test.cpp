/* The archive as a relay, over real sockets. */
#include <gtest/gtest.h>

#include <jansson.h>

#include "api_client.h"
#include "net/serve/reconciliation.h"

using namespace test;

TEST(ServeRelay, IsARelay)
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

TEST(ServeRelay, SubscriptionsAreBounded)
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

TEST(ServeRelay, ValuesOfFiltersAreBounded)
{
	ApiServer server([](ApiServer &api, const ApiServer::Call &call) { api.end(call.number); });
	Socket socket(server);
	/* A limit of 0 asks for new events alone, and costs nothing. */
	auto ask = [&](const char *verb, const char *id, int values) {
		std::string text =
			"[\"" + std::string(verb) + "\",\"" + id + "\",{\"limit\":0,\"#t\":[\"\"";
		for (int i = 1; i < values; i++)
			text += ",\"" + std::to_string(i) + "\"";
		socket.say(text + "]}]");
		return socket.hear();
	};
	for (const char *id : {"a", "b", "a"})
		EXPECT_EQ(ask("REQ", id, 5000), "[\"EOSE\",\"" + std::string(id) + "\"]");
	EXPECT_TRUE(ask("REQ", "c", 1).starts_with(R"(["CLOSED","c","invalid: too many values)"));
	socket.say(R"(["CLOSE","a"])");
	EXPECT_EQ(ask("REQ", "c", 1), R"(["EOSE","c"])");
	EXPECT_EQ(ask("REQ", "c", 5000), R"(["EOSE","c"])");
}

TEST(ServeRelay, WhatIsMalformedIsAnsweredByItsId)
{
	ApiServer server([](ApiServer &api, const ApiServer::Call &call) {
		if (call.route == 6)
			api.rows(call.number, {"{\"count\":5}"});
		api.end(call.number);
	});
	Socket socket(server);
	for (const char *verb : {"REQ", "COUNT"}) {
		socket.say("[\"" + std::string(verb) + "\",\"s\",7]");
		EXPECT_TRUE(socket.hear().starts_with(R"(["CLOSED","s","invalid: it is not )"));
		socket.say("[\"" + std::string(verb) + "\"]");
		EXPECT_TRUE(socket.hear().starts_with(R"(["NOTICE","invalid: it is not )"));
	}
	socket.say(R"(["NEG-OPEN","n",{},"xy"])");
	EXPECT_TRUE(socket.hear().starts_with(R"(["NEG-ERR","n","invalid: it is not )"));
	/* A COUNT ends no REQ. */
	socket.say(R"(["REQ","s",{"kinds":[1]}])");
	EXPECT_EQ(socket.hear(), R"(["EOSE","s",["finish"]])");
	socket.say(R"(["COUNT","s",{"kinds":[1]}])");
	EXPECT_EQ(socket.hear(), R"(["COUNT","s",{"count":5}])");
	server.send(wire::NewEvents{.missed = true, .events = {}});
	EXPECT_TRUE(socket.hear().starts_with(R"(["CLOSED","s","error: )"));
}

TEST(ServeRelay, SubscriptionsGoOnWithNewEvents)
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
	server.send(wire::NewEvents{.events = {{0}, {1}}});
	EXPECT_EQ(socket.hear(), event("s", 0));
	EXPECT_EQ(socket.hear(), event("s", 1));
	/* One that asks meanwhile gets each once, the new ones behind the stored ones. */
	socket.say(R"(["REQ","t",{"kinds":[1,9]},{"kinds":[9]}])");
	server.get("/livez");
	while (stored == 0)
		std::this_thread::yield();
	server.send(wire::NewEvents{.events = {{2}, {3}}});
	EXPECT_EQ(socket.hear(), event("s", 2));
	EXPECT_EQ(socket.hear(), event("s", 3));
	server.rows(stored, {nostr::to_json(events[2])});
	server.end(stored);
	EXPECT_EQ(socket.hear(), event("t", 2));
	EXPECT_EQ(socket.hear(), R"(["EOSE","t"])");
	EXPECT_EQ(socket.hear(), event("t", 3));
	server.send(wire::NewEvents{.missed = true, .events = {}});
	for (const char *id : {"other", "s", "t"})
		EXPECT_EQ(socket.hear(),
				  "[\"CLOSED\",\"" + std::string(id) +
					  "\",\"error: new events came faster than they could be served\"]");
}

/* Answers a call of "records" with those of the events. */
static void
answer_records(ApiServer &api, const ApiServer::Call &call, const std::vector<nostr::Event> &events)
{
	std::vector<std::string> items;
	for (const nostr::Event &event : events)
		items.push_back(std::to_string(event.created_at) + " " +
						nostr::to_hex(event.id.data(), event.id.size()));
	api.rows(call.number, items);
	api.end(call.number);
}

TEST(ServeRelay, ReconcilesSets)
{
	const auto events = test::make_events(100, 1700000000);
	ApiServer server([&](ApiServer &api, const ApiServer::Call &call) {
		ASSERT_EQ(call.route, 8);
		EXPECT_EQ(call.arguments[0], R"({"kinds":[1]})");
		answer_records(api, call, events);
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

TEST(ServeRelay, ReconciliationsHaveTheLimitOfTheirFilter)
{
	std::atomic<int> asked = 0;
	ApiServer server([&](ApiServer &api, const ApiServer::Call &call) {
		EXPECT_EQ(call.arguments[1], asked++ == 0 ? "1000001" : "3");
		api.end(call.number);
	});
	Socket socket(server);
	socket.say(R"(["NEG-OPEN","n",{"kinds":[1]},"61"])");
	EXPECT_TRUE(socket.hear().starts_with("[\"NEG-MSG\""));
	socket.say(R"(["NEG-OPEN","n",{"kinds":[1],"limit":3},"61"])");
	EXPECT_TRUE(socket.hear().starts_with("[\"NEG-MSG\""));
	EXPECT_EQ(asked, 2);
}

TEST(ServeRelay, LongAnswersToManyShortMessagesComeOneAfterTheOther)
{
	const auto events = test::make_events(2000, 1700000000);
	ApiServer server(
		[&](ApiServer &api, const ApiServer::Call &call) { answer_records(api, call, events); });
	Socket socket(server);
	socket.say(R"(["NEG-OPEN","n",{"kinds":[1]},"6100000200"])");
	ASSERT_TRUE(socket.hear().starts_with(R"(["NEG-MSG","n",")"));
	for (int i = 0; i < 100; i++)
		socket.say(R"(["NEG-MSG","n","6100000200"])");
	for (int i = 0; i < 100; i++)
		ASSERT_TRUE(socket.hear().starts_with(R"(["NEG-MSG","n",")")) << i;
}

TEST(ServeRelay, EachMessageOfAReconciliationIsARequest)
{
	auto settings = ApiServer::default_settings();
	settings.anonymous.requests_per_minute = 10;
	ApiServer server([](ApiServer &api, const ApiServer::Call &call) { api.end(call.number); },
					 settings);
	Socket socket(server);
	socket.say(R"(["NEG-OPEN","n",{"kinds":[1]},"61"])");
	int answers = 0;
	while (socket.hear().starts_with(R"(["NEG-MSG","n")")) {
		ASSERT_LE(++answers, 10);
		socket.say(R"(["NEG-MSG","n","61"])");
	}
	EXPECT_GE(answers, 5);
}
