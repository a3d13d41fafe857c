/* Server-sent events, over real sockets. */
#include <atomic>
#include <map>

#include <gtest/gtest.h>

#include "api_client.h"
#include "net/serve/live_feed.h"

namespace {

using namespace std::chrono_literals;
using namespace test;

/* A client of a stream. */
class Listener
{
  public:
	Listener(const ApiServer &server, const std::string &target, const std::string &last_id = "")
		: fd_(server.connect())
	{
		std::string request = "GET " + target + " HTTP/1.1\r\nHost: h\r\n" +
							  (last_id.empty() ? "" : "Last-Event-ID: " + last_id + "\r\n") +
							  "\r\n";
		EXPECT_EQ(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL),
				  ssize_t(request.size()));
	}
	~Listener() { close(fd_); }
	Listener(const Listener &) = delete;

	std::string head() { return until("\r\n\r\n"); }
	/* The next event: its name and its data; "" and the comment if it is one. */
	std::pair<std::string, std::string> hear()
	{
		const std::string text = until("\n\n");
		if (text.starts_with(":"))
			return {"", text};
		id = field(text, "id: ");
		return {field(text, "event: "), field(text, "data: ")};
	}

	/* The next event. Comments before it are skipped: the server sends one after a silence. */
	std::pair<std::string, std::string> hear_event()
	{
		auto heard = hear();
		while (heard.second.starts_with(":"))
			heard = hear();
		return heard;
	}

	std::string id;

  private:
	static std::string field(const std::string &text, const std::string &name)
	{
		size_t begin = text.find(name);
		return begin == std::string::npos
				   ? ""
				   : text.substr(begin + name.size(), text.find('\n', begin) - begin - name.size());
	}
	std::string until(const std::string &end)
	{
		for (;;) {
			size_t found = input_.find(end);
			if (found != std::string::npos) {
				std::string out = input_.substr(0, found + end.size());
				input_.erase(0, out.size());
				return out;
			}
			char piece[4096];
			ssize_t got = recv(fd_, piece, sizeof piece, 0);
			if (got <= 0)
				return "";
			input_.append(piece, size_t(got));
		}
	}

	int fd_;
	std::string input_;
};

/* An archive that holds these events, whose eids are their places. */
class Events
{
  public:
	explicit Events(size_t count) : events_(make_events(count, 1700000000)) {}

	void operator()(ApiServer &api, const ApiServer::Call &call)
	{
		if (call.route == 9) {
			api.rows(call.number, {call.arguments[0] == "NULL" ? "{}" : call.arguments[0]});
			return api.end(call.number);
		}
		size_t place = 0;
		for (size_t at = 1; at < call.arguments[0].size();) {
			const size_t eid = std::strtoul(call.arguments[0].c_str() + at, nullptr, 10);
			place++;
			if (eid < events_.size())
				api.rows(call.number, {json(eid)}, "[" + std::to_string(place) + "]");
			at = std::min(call.arguments[0].find(',', at), call.arguments[0].size()) + 1;
		}
		api.end(call.number, "", "", cost);
	}
	int64_t cost = 0; // of each question for events
	std::string json(size_t eid) const { return nostr::to_json(events_[eid]); }

  private:
	std::vector<nostr::Event> events_;
};

using Heard = std::pair<std::string, std::string>;
const Heard kBegin = {"begin", "{\"continued\":false}"};
const Heard kContinued = {"begin", "{\"continued\":true}"};

} // namespace

TEST(ServeStream, NewEventsComeOnce)
{
	Events events(6);
	ApiServer server(std::ref(events));
	std::string place;
	{
		Listener listener(server, "/live/events");
		std::string head = listener.head();
		EXPECT_EQ(header_of(head, "Content-Type"), "text/event-stream");
		EXPECT_EQ(header_of(head, "Cache-Control"), "no-store");
		EXPECT_EQ(header_of(head, "Content-Length"), "");
		EXPECT_EQ(listener.hear(), kBegin);
		server.send(wire::NewEvents{.events = {{0}, {99}, {1}}}); // 99 may not be shown
		EXPECT_EQ(listener.hear(), Heard("event", events.json(0)));
		EXPECT_EQ(listener.hear(), Heard("event", events.json(1)));
		place = listener.id;
	}
	/* Nobody listens. */
	server.send(wire::NewEvents{.events = {{2}}});
	server.send(wire::NewEvents{.events = {{3}}});
	Listener listener(server, "/live/events", place);
	listener.head();
	EXPECT_EQ(listener.hear(), kContinued);
	EXPECT_EQ(listener.hear(), Heard("event", events.json(2)));
	EXPECT_EQ(listener.hear(), Heard("event", events.json(3)));
	server.send(wire::NewEvents{.events = {{4}}});
	EXPECT_EQ(listener.hear(), Heard("event", events.json(4)));
	Listener other(server, "/live/events?kinds=%7B%22kinds%22:[7]%7D");
	other.head();
	EXPECT_EQ(other.hear(), kBegin);
	server.send(wire::NewEvents{.missed = true, .events = {}});
	EXPECT_EQ(other.hear().first, "missed");
	EXPECT_EQ(listener.hear().first, "missed");
	/* What came before the gap is not known any more. */
	Listener late(server, "/live/events", place);
	late.head();
	EXPECT_EQ(late.hear(), kBegin);
	EXPECT_EQ(late.hear().first, "missed");
	server.send(wire::NewEvents{.events = {{5}}});
	EXPECT_EQ(late.hear(), Heard("event", events.json(5)));
	EXPECT_EQ(listener.hear(), Heard("event", events.json(5)));
}

TEST(ServeStream, WhatAClientLackedIsCharged)
{
	Events events(2);
	events.cost = 2000;
	auto settings = ApiServer::default_settings();
	settings.anonymous.cost_per_minute = 1000;
	ApiServer server(std::ref(events), settings);
	std::string place;
	{
		Listener listener(server, "/live/events");
		listener.head();
		EXPECT_EQ(listener.hear(), kBegin);
		place = listener.id;
		server.send(wire::NewEvents{.events = {{0}}});
		EXPECT_EQ(listener.hear(), Heard("event", events.json(0)));
		EXPECT_EQ(status_of(server.get("/live/relays?x")), 400); // the feed itself is not charged
	}
	Listener listener(server, "/live/events", place);
	listener.head();
	EXPECT_EQ(listener.hear(), kContinued);
	EXPECT_EQ(listener.hear(), Heard("event", events.json(0)));
	std::string answer;
	for (int i = 0; i < 1000 && status_of(answer) != 429; i++)
		answer = server.get("/live/relays?x");
	EXPECT_NE(answer.find("too_much_cost"), std::string::npos);
}

TEST(ServeStream, ABusyMomentEndsNothing)
{
	Events events(2);
	std::atomic<int> asked = 0;
	ApiServer server([&](ApiServer &api, const ApiServer::Call &call) {
		if (call.route == 7 && asked++ == 0)
			return api.end(call.number, "53000", "the server is busy");
		events(api, call);
	});
	Listener listener(server, "/live/events");
	listener.head();
	EXPECT_EQ(listener.hear(), kBegin);
	server.send(wire::NewEvents{.events = {{0}}});
	EXPECT_EQ(listener.hear(), Heard("event", events.json(0)));
	EXPECT_EQ(asked, 2);
}

TEST(ServeStream, PlacesThatAreNotKnownAreMissed)
{
	Events events(1);
	ApiServer server(std::ref(events));
	for (const char *id : {"x", "0123456789abcdef-0", "-", "-1", "99999999999999999999999999"}) {
		Listener listener(server, "/live/events", id);
		listener.head();
		EXPECT_EQ(listener.hear(), kBegin) << id;
		EXPECT_EQ(listener.hear().first, "missed") << id;
	}
	/* Of this process, but not reached yet. */
	Listener first(server, "/live/events");
	first.head();
	first.hear();
	Listener ahead(server, "/live/events", first.id + "9");
	ahead.head();
	EXPECT_EQ(ahead.hear(), kBegin);
	EXPECT_EQ(ahead.hear().first, "missed");
	EXPECT_EQ(status_of(server.get("/live/events?kinds=nonsense")), 400);
	EXPECT_EQ(status_of(server.talk("HEAD /live/events HTTP/1.1\r\nHost: h\r\n\r\n")), 200);
}

TEST(ServeStream, WhoDoesNotReadForAWhileGetsTheRestLater)
{
	constexpr size_t kEvents = 6000; // more than sockets and queue hold
	Events events(kEvents);
	ApiServer server(std::ref(events));
	Listener slow(server, "/live/events"), fast(server, "/live/events");
	for (Listener *one : {&slow, &fast}) {
		one->head();
		EXPECT_EQ(one->hear(), kBegin);
	}
	for (size_t eid = 0; eid < kEvents; eid += 1000) {
		wire::NewEvents news;
		for (size_t i = eid; i < eid + 1000; i++)
			news.events.push_back({int64_t(i)});
		server.send(news);
	}
	for (Listener *one : {&fast, &slow})
		for (size_t eid = 0; eid < kEvents; eid++)
			ASSERT_EQ(one->hear(), Heard("event", events.json(eid))) << eid;
}

TEST(ServeStream, ChangesOfAState)
{
	std::atomic<int> asked = 0;
	ApiServer server([&](ApiServer &api, const ApiServer::Call &call) {
		ASSERT_EQ(call.route, 10);
		if (asked++ >= 2)
			return; // the test may have ended
		api.rows(call.number, {"{\"status\":\"online\"}"}, "[\"a\"]");
		api.rows(call.number, {asked == 1 ? "{\"status\":1}" : "{\"status\":2}"}, "[\"b\"]");
		api.end(call.number);
	});
	Listener listener(server, "/live/relays");
	listener.head();
	EXPECT_EQ(listener.hear(), kBegin);
	while (asked == 0)
		std::this_thread::yield();
	server.clock.advance(11s);
	EXPECT_EQ(listener.hear_event(), Heard("change", "{\"status\":2}"));
	Listener second(server, "/live/relays", listener.id);
	second.head();
	EXPECT_EQ(second.hear(), kContinued);
	/* A comment shows that it lives. */
	server.clock.advance(16s);
	EXPECT_EQ(listener.hear(), Heard("", ":\n\n"));
}
