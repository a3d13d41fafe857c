/* The good case: whole ranges of well-behaved relays, end to end through the net process. */
#include <gtest/gtest.h>

#include "scripted_relay.h"
#include "worker.h"

using namespace test;
using nostr::Evidence;
using nostr::TimeRange;

TEST(NetPaging, ArchivesAWholeRangeAndClaimsIt)
{
	auto events = make_events(57, 1000);
	ScriptedRelay relay(serve_events(events, 10));
	Worker worker;
	worker.task(1, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(1));

	EXPECT_TRUE(worker.hello);
	EXPECT_EQ(worker.ended(1)->reason, "");
	ASSERT_EQ(worker.events.size(), events.size());
	for (const auto &event : events)
		EXPECT_EQ(nostr::to_json(worker.events.at(event.id)), nostr::to_json(event));
	/* The claims cover the range, and none came before its events. */
	int64_t claimed = 0, seconds = 0;
	for (const auto &claim : worker.claims) {
		claimed += claim.claim.events;
		seconds += claim.claim.range.upper - claim.claim.range.lower + 1;
		EXPECT_NE(claim.claim.evidence, Evidence::Dense);
		size_t due = 0;
		for (const auto &event : events)
			due += event.created_at >= claim.claim.range.lower &&
				   event.created_at <= claim.claim.range.upper;
		EXPECT_GE(claim.events_before, due);
	}
	EXPECT_EQ(claimed, 57);
	EXPECT_EQ(seconds, 5001);
	EXPECT_TRUE(worker.reported(1, wire::RelayPhase::Connected));
	ASSERT_TRUE(worker.reported(1, wire::RelayPhase::CaughtUp));
	EXPECT_EQ(worker.reports[1].claims_before, worker.claims.size());
	EXPECT_GE(worker.traffic[1].pages, 6U);
	EXPECT_GT(worker.traffic[1].bytes, 57U * 200);
	EXPECT_EQ(worker.stop(), 0);
}
