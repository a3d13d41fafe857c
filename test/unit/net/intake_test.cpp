/* What is asked, verified, batched and held back: events of several relays together. */
#include <atomic>
#include <ctime>
#include <thread>

#include <gtest/gtest.h>

#include "scripted_relay.h"
#include "worker.h"

using namespace test;

TEST(NetIntake, OneEventOfTwoRelaysIsStoredOnceAndSeenTwice)
{
	auto events = make_events(40, 1000);
	ScriptedRelay first(serve_events(events, 7)), second(serve_events(events, 11));
	Worker worker;
	worker.task(1, first.url(), {{0, 5000}});
	worker.task(2, second.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(1));
	ASSERT_TRUE(worker.until_ended(2));
	EXPECT_EQ(worker.events.size(), 40U);
	EXPECT_EQ(worker.sightings.size(), 80U);
}

TEST(NetIntake, ArchivedEventsAreNeitherVerifiedNorSent)
{
	auto events = make_events(40, 1000);
	ScriptedRelay relay(serve_events(events, 500));
	Worker worker;
	for (const auto &event : events)
		worker.archived.insert(event.id);
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_TRUE(worker.events.empty());
	EXPECT_EQ(worker.sightings.size(), 40U);
	EXPECT_EQ(worker.ids_asked, 40U);
	EXPECT_EQ(worker.stats["verified"], 0U);
}

TEST(NetIntake, CommittedEventsAreRemembered)
{
	auto events = make_events(40, 1000);
	ScriptedRelay relay(serve_events(events, 500));
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	size_t asked = worker.ids_asked;
	EXPECT_EQ(asked, 40U);
	worker.task(2, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(2));
	EXPECT_EQ(worker.ids_asked, asked);
	EXPECT_EQ(worker.sightings.size(), 80U);
}

TEST(NetIntake, BadSignaturesAreRefusedAndClaimsStillCome)
{
	auto events = make_events(10, 1000);
	for (int i = 0; i < 5; i++)
		events[size_t(i)].sig[10] ^= 1;
	ScriptedRelay relay(serve_events(events, 500));
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.events.size(), 5U);
	EXPECT_GE((worker.refusals[{1, "bad_signature"}]), 5U);
	ASSERT_FALSE(worker.claims.empty());
	EXPECT_EQ(worker.claims.back().claim.range.lower, 0);
	int64_t refused = 0;
	for (const auto &claim : worker.claims) {
		const auto &[lower, upper] = claim.claim.range;
		EXPECT_EQ(claim.claim.doubts.has(nostr::Doubt::Refused), lower <= 1004 && upper >= 1000);
		refused += claim.claim.refused;
	}
	EXPECT_EQ(refused, 5);
}

TEST(NetIntake, WithoutAcknowledgementNothingIsAskedButAllIsRead)
{
	/* 40 MB: more than socket buffers and budget can hold, and more than was promised to a page. */
	auto events = make_events(2000, 1000, std::string(20000, 'x'));
	auto serve = serve_events(events, 500);
	std::atomic<bool> pinged{false}, answered{false};
	ScriptedRelay relay(serve), other([&](Peer &peer) {
		peer.receive();
		while (!pinged)
			std::this_thread::yield();
		peer.on_pong = [&] { answered = true; };
		peer.frame(9, "are you there");
		peer.receive();
	});
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.buffer_kb = 4 << 10;
	Worker worker(settings);
	worker.acknowledge = false;
	worker.task(1, relay.url(), {{0, 5000}});
	worker.task(2, other.url(), {}, true);
	ASSERT_TRUE(
		worker.until([&] { return worker.stats["bytes_in_flight"] > settings.buffer_kb * 1024; }));
	EXPECT_LT(worker.stats["bytes_in_flight"], settings.buffer_kb * 1024 * 5 / 4);
	EXPECT_LT(worker.events.size(), events.size() / 2);
	EXPECT_TRUE(worker.claims.empty());
	pinged = true;
	ASSERT_TRUE(worker.until([&] { return bool(answered); }));

	worker.acknowledge = true;
	for (uint64_t batch : worker.unacknowledged)
		worker.send(wire::Ack{batch});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "");
	EXPECT_EQ(worker.events.size(), events.size());
	EXPECT_EQ(worker.claims.back().claim.range.lower, 0);
}

TEST(NetIntake, NoMoreThanFourBatchesAreUnacknowledged)
{
	auto events = make_events(3000, 1000);
	ScriptedRelay relay(serve_events(events, 100));
	Worker worker;
	worker.acknowledge = false;
	worker.task(1, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until([&] { return worker.unacknowledged.size() == 4; }));
	/* An answer to a question is a sign that the process goes on. */
	ASSERT_TRUE(worker.until([&] { return worker.stats["verified"] == int64_t(events.size()); }));
	EXPECT_EQ(worker.unacknowledged.size(), 4U);
	worker.acknowledge = true;
	for (uint64_t batch : worker.unacknowledged)
		worker.send(wire::Ack{batch});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.events.size(), events.size());
}

TEST(NetIntake, TheTimeUntilALiveEventIsCommittedIsMeasured)
{
	auto events = make_events(40, 1000);
	auto live = make_event(std::time(nullptr), "new");
	ScriptedRelay relay(
		answer_each([&](Peer &peer, const std::string &id, const std::string &message) {
			if (id != "live")
				return serve_one(peer, events, 500, message);
			peer.text(eose_message(id));
			peer.text(event_message(id, live));
		}));
	Worker worker;
	worker.acknowledge = false;
	worker.task(1, relay.url(), {{0, 5000}}, true);
	ASSERT_TRUE(worker.until([&] { return worker.events.size() == events.size() + 1; }));
	worker.clock.advance(std::chrono::seconds(3));
	worker.acknowledge = true;
	for (uint64_t batch : worker.unacknowledged)
		worker.send(wire::Ack{batch});
	ASSERT_TRUE(worker.until([&] { return worker.stats["live_events"] > 0; }));
	EXPECT_EQ(worker.stats["live_events"], 1) << "events of pages are not counted";
	EXPECT_GE(worker.stats["live_us"], 3'000'000);
	EXPECT_EQ(worker.stats["live_within_2500ms"], 0);
	EXPECT_EQ(worker.stats["live_within_10s"], worker.stats["live_us"] <= 10'000'000);
}
