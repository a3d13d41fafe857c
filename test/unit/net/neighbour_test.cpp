/* What one relay does must cost no other relay anything, and an honest relay is not cut off for
 * what it stores. */
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "name_server.h"
#include "net/relay/flood_guard.h"
#include "scripted_relay.h"
#include "worker.h"

using namespace test;

/* Shows `first`, then answers pages as serve_events() does. */
static ScriptedRelay::Script
with_message(std::string first, std::vector<nostr::Event> events, int cap)
{
	return [first = std::move(first), serve = serve_events(std::move(events), cap)](Peer &peer) {
		peer.text(first);
		serve(peer);
	};
}

TEST(NetNeighbour, AForgedSignatureDoesNotHideTheTrueOne)
{
	auto event = make_event(1000, "wanted");
	auto forged = event;
	forged.sig[10] ^= 1;
	ScriptedRelay hostile(serve_events({forged}, 10)), honest(serve_events({event}, 10));
	Worker worker;
	worker.answer = false;
	worker.task(1, hostile.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until([&] { return worker.questions == 1; }));
	worker.task(2, honest.url(), {{0, 5000}});
	/* Both have read to the end: their reports wait for the event. */
	ASSERT_TRUE(
		worker.until([&] { return worker.traffic[1].pages >= 2 && worker.traffic[2].pages >= 2; }));
	EXPECT_TRUE(worker.claims.empty());
	worker.answer = true;
	worker.answer_questions();
	ASSERT_TRUE(worker.until_ended(1));
	ASSERT_TRUE(worker.until_ended(2));
	ASSERT_EQ(worker.events.size(), 1U);
	EXPECT_EQ(worker.events.begin()->second.sig, event.sig);
	/* What relay 1 shows again later is recognised by its id. */
	EXPECT_TRUE(worker.sightings.contains({event.id, 2}));
	EXPECT_GE((worker.refusals[{1, "bad_signature"}]), 1U);
	EXPECT_EQ((worker.refusals[{2, "bad_signature"}]), 0U);
	for (const auto &claim : worker.claims) {
		if (claim.relay_id == 2 && claim.claim.range.lower <= 1000) {
			EXPECT_EQ(claim.events_before, 1U);
		}
	}
}

TEST(NetNeighbour, WhatIsSaidOfAnotherAttemptIsVoid)
{
	ScriptedRelay relay(serve_events({}, 10));
	Worker worker;
	worker.send(wire::RelayOpen{.relay_id = 1, .attempt = 7, .url = relay.url(), .live = true});
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, wire::RelayPhase::CaughtUp); }));
	EXPECT_EQ(worker.reports.back().attempt, 7U);
	worker.send(wire::RelayStop{1, 6});
	worker.send(wire::RelayMore{1, 6, {{0, 10, 0}}});
	worker.send(wire::RelayMore{1, 7, {{20, 30, 0}}});
	ASSERT_TRUE(worker.until([&] { return !worker.claims.empty(); }));
	EXPECT_EQ(worker.claims[0].claim.range.lower, 20);
	EXPECT_EQ(worker.ended(1), nullptr);
	worker.send(wire::RelayStop{1, 7});
	ASSERT_TRUE(worker.until_ended(1));
	/* The relay is gone: more ranges do not open it again. */
	worker.send(wire::RelayMore{1, 7, {{40, 50, 0}}});
	ScriptedRelay other(serve_events({}, 10));
	worker.task(2, other.url(), {{0, 10}});
	ASSERT_TRUE(worker.until_ended(2));
	EXPECT_EQ(relay.connections(), 1);
}

TEST(NetNeighbour, OneAddressHasSoManyPlaces)
{
	ScriptedRelay relay(serve_events({}, 10));
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.max_per_address = 3;
	Worker worker(settings);
	for (int32_t id = 1; id <= 10; id++)
		worker.task(id, relay.url() + "/" + std::to_string(id), {}, true);
	auto count = [&](wire::RelayPhase phase) {
		return std::count_if(worker.reports.begin(), worker.reports.end(),
							 [&](auto &report) { return report.phase == phase; });
	};
	ASSERT_TRUE(worker.until([&] {
		return count(wire::RelayPhase::Ended) == 7 && count(wire::RelayPhase::CaughtUp) == 3;
	}));
	int32_t open = 0;
	for (const auto &report : worker.reports) {
		if (report.phase == wire::RelayPhase::Ended) {
			EXPECT_EQ(report.reason, "address_full");
			EXPECT_EQ(report.retry_after_ms, 60000U);
		} else {
			open = report.relay_id;
		}
	}
	/* A place that is left can be taken. */
	worker.send(wire::RelayStop{open, 1});
	ASSERT_TRUE(worker.until_ended(open));
	worker.task(11, relay.url(), {}, true);
	EXPECT_TRUE(worker.until([&] { return worker.reported(11, wire::RelayPhase::CaughtUp); }));
}

TEST(NetNeighbour, OneNetworkOfIpv6HasThePlacesOfOneAddress)
{
	NameServer names(NameServer::Names{{"other.example.com", {"::2"}}});
	ScriptedRelay relay(serve_events({}, 10), {.ipv6 = true});
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.max_per_address = 1;
	Worker worker(settings, names.address().c_str());
	worker.task(1, relay.url(), {}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, wire::RelayPhase::CaughtUp); }));
	worker.task(2, "ws://other.example.com", {}, true);
	ASSERT_TRUE(worker.until_ended(2));
	EXPECT_EQ(worker.ended(2)->reason, "address_full") << worker.ended(2)->detail;
}

TEST(NetNeighbour, OneMessageThatIsTooLargeIsSkipped)
{
	auto events = make_events(30, 1000);
	events[10] = make_event(1010, std::string(3 << 20, 'x'));
	ScriptedRelay relay(serve_events(events, 7));
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "");
	EXPECT_EQ(worker.events.size(), 29U);
	EXPECT_GE((worker.refusals[{1, "message_too_large"}]), 1U);
	ASSERT_FALSE(worker.claims.empty());
	EXPECT_EQ(worker.claims.back().claim.range.lower, 0);
}

/* More than 64 MiB of events that are too large end the connection. Smaller pages have fewer of
 * them, so the next connection claims what it reads before its end. */
TEST(NetNeighbour, ManyMessagesThatAreTooLargeAreReadInSmallerPages)
{
	const auto events = make_events(40, 1000);
	const std::string large(7 << 20, 'x');
	/* Of a page of twenty events or more, one message in four is too large. */
	ScriptedRelay relay(answer_each([&](Peer &peer, auto &id, auto &message) {
		serve_one(peer, events, 500, message, false);
		const int limit = atoi(message.c_str() + message.find("limit") + 7);
		for (int i = 0; limit >= 20 && i < limit / 4; i++)
			peer.text(large);
		peer.text(eose_message(id));
	}));
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.page_limit = 40;
	Worker worker(settings);
	worker.task(1, relay.url(), {{0, 1039}});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "frame_too_large");
	EXPECT_TRUE(worker.claims.empty());
	EXPECT_EQ(worker.ended(1)->page_limit, 20U);
	worker.task(2, relay.url(), {{0, 1039}}, false, 20);
	ASSERT_TRUE(worker.until_ended(2));
	EXPECT_EQ(worker.ended(2)->reason, "frame_too_large");
	EXPECT_EQ(worker.ended(2)->page_limit, 10U);
	worker.task(3, relay.url(), {{0, 1039}}, false, 10);
	ASSERT_TRUE(worker.until_ended(3));
	EXPECT_EQ(worker.ended(3)->reason, "");
	EXPECT_EQ(worker.events.size(), events.size());
	EXPECT_FALSE(worker.claims.empty());
}

TEST(NetNeighbour, EventsThatAreNotTakenAreNoFaults)
{
	std::string strange = nostr::to_json(make_event(1500, "strange"));
	strange.replace(strange.find("\"kind\":1,"), 9, "\"kind\":70000,");
	auto events = make_events(5, 1000);
	ScriptedRelay relay(answer_each([&, shown = false](Peer &peer, auto &id, auto &) mutable {
		for (int i = 0; i < 1500 && !shown; i++)
			peer.text("[\"EVENT\",\"" + id + "\"," + strange + "]");
		shown = true;
		for (auto event = events.rbegin(); event != events.rend(); ++event)
			peer.text(event_message(id, *event));
		peer.text(eose_message(id));
	}));
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.page_limit = 2000;
	Worker worker(settings);
	ASSERT_TRUE(worker.read(relay.url(), {1000, 1004}));
	EXPECT_EQ(worker.ended(1)->reason, "");
	EXPECT_EQ(worker.events.size(), 5U);
	EXPECT_EQ((worker.refusals[{1, "bad_kind"}]), 1500U);
}

TEST(NetNeighbour, RelaysThatKnowNoLimitAreReadToTheEnd)
{
	auto events = make_events(1000, 1000);
	std::sort(events.begin(), events.end(),
			  [](auto &a, auto &b) { return a.created_at > b.created_at; });
	ScriptedRelay relay(answer_each([&](Peer &peer, auto &id, auto &message) {
		size_t found = message.find("\"until\":");
		int64_t until = found == message.npos ? INT64_MAX : atoll(message.c_str() + found + 8);
		for (const auto &event : events)
			if (event.created_at <= until)
				peer.text(event_message(id, event));
		peer.text(eose_message(id));
	}));
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.page_limit = 50;
	Worker worker(settings);
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "");
	EXPECT_EQ(worker.events.size(), events.size());
	ASSERT_FALSE(worker.claims.empty());
	EXPECT_EQ(worker.claims.back().claim.range.lower, 0);
}

TEST(NetNeighbour, ARelayThatStallsIsAskedForLess)
{
	std::atomic<int> pages{0};
	ScriptedRelay relay([&](Peer &peer) {
		EXPECT_NE(peer.receive().find("\"limit\":500"), std::string::npos);
		pages++;
		peer.linger();
	});
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.response_timeout_ms = 300;
	Worker worker(settings);
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "stalled");
	EXPECT_EQ(worker.ended(1)->page_limit, 250U);
	/* The worker says what it was told before. */
	ScriptedRelay again([&](Peer &peer) {
		EXPECT_NE(peer.receive().find("\"limit\":250"), std::string::npos);
		peer.linger();
	});
	worker.task(2, again.url(), {{0, 9}}, false, 250);
	ASSERT_TRUE(worker.until_ended(2));
	EXPECT_EQ(worker.ended(2)->page_limit, 125U);
	EXPECT_EQ(pages, 1);
}

TEST(NetNeighbour, ALearnedLimitGrowsBack)
{
	ScriptedRelay relay(serve_events(make_events(100, 1000), 500));
	Worker worker;
	worker.task(1, relay.url(), {{0, 5000}}, false, 20);
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.events.size(), 100U);
	EXPECT_GT(worker.ended(1)->page_limit, 20U);
	EXPECT_LT(worker.ended(1)->page_limit, 40U);
}

TEST(NetNeighbour, RelaysThatAreAskedTooFastAreAskedSlower)
{
	for (bool notice : {false, true}) {
		auto events = make_events(30, 1000);
		std::atomic<int> complaints{0};
		ScriptedRelay relay([&](Peer &peer) {
			for (int i = 0; i < 2; i++) {
				std::string id;
				while (id.empty())
					id = req_id(peer.receive());
				complaints++;
				if (notice)
					peer.text(R"(["NOTICE","Error: too many requests"])");
				else
					peer.text("[\"CLOSED\",\"" + id + "\",\"rate-limited: slow down\"]");
			}
			serve_events(events, 100)(peer);
		});
		Worker worker;
		worker.task(1, relay.url(), {{0, 5000}});
		ASSERT_TRUE(worker.until_ended(1));
		EXPECT_EQ(worker.ended(1)->reason, "");
		EXPECT_GE(worker.ended(1)->pace_ms, 500U);
		EXPECT_EQ(worker.events.size(), events.size());
		EXPECT_EQ(complaints, 2);
	}
}

TEST(NetNeighbour, RelaysThatComplainWithoutEndAreLeft)
{
	ScriptedRelay relay([&](Peer &peer) {
		for (;;) {
			std::string id = req_id(peer.receive());
			if (!id.empty())
				peer.text("[\"CLOSED\",\"" + id + "\",\"rate-limited: slow down\"]");
		}
	});
	Worker worker;
	worker.task(1, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until([&] {
		worker.clock.advance(std::chrono::seconds(1));
		return worker.ended(1) != nullptr;
	}));
	EXPECT_EQ(worker.ended(1)->reason, "rate_limited");
	EXPECT_EQ(worker.ended(1)->detail, "rate-limited: slow down");
	EXPECT_TRUE(worker.claims.empty());
}

TEST(NetNeighbour, RetryAfterIsReported)
{
	ScriptedRelay::Options options;
	options.http_answer = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7200\r\n"
						  "Content-Length: 0\r\n\r\n";
	ScriptedRelay relay([](Peer &) {}, options);
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "rate_limited");
	EXPECT_EQ(worker.ended(1)->retry_after_ms, 7200U * 1000);
}

TEST(NetNeighbour, FaultsAreRememberedFromOneConnectionToTheNext)
{
	auto bad = make_event(1000, "true");
	bad.content = "false";
	std::atomic<int> count{999};
	ScriptedRelay relay([&](Peer &peer) {
		std::string id = req_id(peer.receive());
		for (int i = 0; i < count; i++)
			peer.text(event_message(id, bad));
		peer.frame(8, "");
		peer.linger();
	});
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "connection_lost");
	worker.reports.clear();
	count = 1;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "too_many_invalid");
	/* After an hour it may try again. */
	worker.reports.clear();
	worker.clock.advance(net::FloodGuard::kCountedFor);
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "connection_lost");
}

TEST(NetNeighbour, AnswersToCloseAreNoFlood)
{
	net::FloodGuard guard;
	net::Clock::Time now{std::chrono::hours(2)};
	for (int page = 0; page < 5 * net::FloodGuard::kMaxIgnored; page++) {
		ASSERT_TRUE(guard.ignore(now) && guard.ignore(now)) << page;
		guard.excuse(1);
	}
}

TEST(NetNeighbour, OfWhatWasSightedOnlyASampleIsSaidAgain)
{
	auto events = make_events(50, 1000);
	ScriptedRelay relay(serve_events(events, 10));
	Worker worker;
	worker.task(1, relay.url(), {{0, 5000}}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, wire::RelayPhase::CaughtUp); }));
	ASSERT_EQ(worker.sightings.size(), 50U);
	size_t sent = worker.sightings_sent, reports = worker.reports.size();
	auto read_again = [&] {
		reports = worker.reports.size();
		worker.send(wire::RelayMore{1, 1, {{0, 5000, 0}}});
		return worker.until([&] { return worker.reports.size() > reports; });
	};
	ASSERT_TRUE(read_again());
	/* Five pages at least, with their checks and probes: one event of each, and now and then
	 * another. */
	EXPECT_GE(worker.sightings_sent, sent + 5);
	EXPECT_LE(worker.sightings_sent, sent + 40);
	/* What the worker lost is said again. */
	worker.archived.erase(events[7].id);
	worker.events.erase(events[7].id);
	worker.send(wire::Forget{std::span(&events[7].id, 1)});
	ASSERT_TRUE(read_again());
	EXPECT_EQ(worker.events.count(events[7].id), 1U);
}

TEST(NetNeighbour, ASubscriptionWithoutAnswerIsNotTakenForOpen)
{
	ScriptedRelay relay(with_message(R"(["NOTICE","no such filter"])", {}, 10));
	ScriptedRelay silent([&](Peer &peer) {
		peer.receive();
		peer.text(R"(["NOTICE","no such filter"])");
		peer.linger();
	});
	Worker worker;
	worker.task(1, silent.url(), {}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, wire::RelayPhase::CaughtUp); }));
	worker.clock.advance(std::chrono::seconds(21));
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "");
	worker.task(2, relay.url(), {}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(2, wire::RelayPhase::CaughtUp); }));
	EXPECT_EQ(worker.ended(2), nullptr);
}

TEST(NetNeighbour, LiveEventsWithoutMemoryAreDroppedAndReported)
{
	auto events = make_events(300, 1000, std::string(20000, 'x'));
	ScriptedRelay relay([&](Peer &peer) {
		peer.receive();
		peer.text(eose_message("live"));
		for (const auto &event : events)
			peer.text(event_message("live", event));
		peer.linger();
	});
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.buffer_kb = 1024;
	Worker worker(settings);
	worker.acknowledge = false;
	worker.task(1, relay.url(), {}, true);
	ASSERT_TRUE(worker.until([&] { return worker.stats["messages"] == 301; }));
	EXPECT_LT(worker.stats["bytes_in_flight"], 1100 * 1024);
	worker.acknowledge = true;
	for (uint64_t batch : worker.unacknowledged)
		worker.send(wire::Ack{batch});
	ASSERT_TRUE(worker.until(
		[&] { return !worker.reports.empty() && worker.reports.back().reason == "no_memory"; }));
	EXPECT_EQ(worker.reports.back().phase, wire::RelayPhase::CaughtUp);
	EXPECT_EQ((worker.refusals[{1, "no_memory"}]) + worker.events.size(), events.size());
	/* Claims of the day of the dropped events may be wrong. */
	ASSERT_FALSE(worker.retractions.empty());
	EXPECT_EQ(worker.retractions.back(),
			  (nostr::Retract{{0, 86399}, nostr::Doubt::Contradicted, 1}));
}
