/* Doubts that do not come from a pager: what the net process knows of connections, of earlier
 * readings and of itself. */
#include <gtest/gtest.h>

#include "name_server.h"
#include "scripted_relay.h"
#include "worker.h"

using namespace test;
using namespace std::chrono_literals;
using nostr::Doubt;
using nostr::Evidence;

TEST(NetDoubts, AReadingThatShowsLessThanBeforeWithdrawsWhatItRead)
{
	ScriptedRelay relay(serve_events(make_events(20, 1000), 100));
	for (const uint32_t expected : {20U, 30U}) {
		Worker worker;
		worker.send(wire::RelayOpen{.relay_id = 1,
									.attempt = 1,
									.url = relay.url(),
									.ranges = {{.lower = 0, .upper = 5000, .expected = expected}}});
		ASSERT_TRUE(worker.until_ended(1));
		EXPECT_EQ(worker.retractions.empty(), expected == 20);
		for (const nostr::Retract &one : worker.retractions) {
			EXPECT_EQ(one.doubt, Doubt::Smaller);
			EXPECT_EQ(one.range, (nostr::TimeRange{0, 5000}));
			EXPECT_EQ(one.found, 10);
		}
	}
}

/* This process stood still while the relay sent: the relay may have dropped what was not read. */
TEST(NetDoubts, AnAnswerDuringAStopIsNotBelieved)
{
	const auto events = make_events(20, 1000);
	Worker worker;
	ScriptedRelay relay(answer_each([&](Peer &peer, auto &, auto &message) {
		worker.clock.advance(10s);
		serve_one(peer, events, 100, message);
	}));
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.events.size(), events.size());
	ASSERT_FALSE(worker.claims.empty());
	for (const auto &claim : worker.claims) {
		EXPECT_EQ(claim.claim.evidence, Evidence::Partial);
		EXPECT_TRUE(claim.claim.doubts.has(Doubt::Backpressure));
	}
}

/* Somebody on the way may change what comes without encryption, but not on this machine. */
TEST(NetDoubts, WhatCameWithoutEncryptionSaysSo)
{
	NameServer names(NameServer::Names{{"relay.example.com", {"127.0.0.1"}}});
	ScriptedRelay relay(serve_events(make_events(20, 1000), 100));
	const std::string port = std::to_string(relay.port());
	for (const bool exposed : {true, false}) {
		Worker worker(Worker::default_settings(), names.address().c_str());
		ASSERT_TRUE(worker.read((exposed ? "ws://relay.example.com:" : "ws://127.0.0.1:") + port,
								{0, 5000}));
		ASSERT_FALSE(worker.claims.empty());
		for (const auto &claim : worker.claims) {
			EXPECT_EQ(claim.claim.evidence, Evidence::Paged);
			EXPECT_EQ(claim.claim.doubts.has(Doubt::Unencrypted), exposed);
		}
	}
}
