/* The clock of this machine beside those of relays, and what is claimed while they disagree. */
#include <ctime>

#include <gtest/gtest.h>

#include "net/relay/clock_watch.h"
#include "scripted_relay.h"
#include "worker.h"

using namespace test;
using namespace std::chrono_literals;

static constexpr int64_t kDay = 86400;

TEST(NetClockWatch, TheMedianCounts)
{
	TestClock clock;
	net::ClockWatch watch;
	const int64_t now = clock.unix_seconds();
	watch.note("a", clock, now);
	watch.note("b", clock, now - 2 * kDay);
	watch.note("c", clock, now - 2 * kDay);
	EXPECT_NEAR(double(watch.ahead()), 2 * kDay, 2);
	watch.note("d", clock, now);
	watch.note("e", clock, now + 30);
	EXPECT_EQ(watch.ahead(), 0);
}

TEST(NetClockWatch, OfAFewRelaysOneThatAgreesIsEnough)
{
	TestClock clock;
	const int64_t now = clock.unix_seconds();
	for (const bool wrong_first : {true, false}) {
		net::ClockWatch watch;
		EXPECT_EQ(watch.ahead(), 0);
		watch.note("a", clock, wrong_first ? now + kDay : now);
		EXPECT_NEAR(double(watch.ahead()), wrong_first ? -kDay : 0, 2);
		watch.note("b", clock, wrong_first ? now : now + kDay);
		EXPECT_EQ(watch.ahead(), 0);
	}
}

TEST(NetClockWatch, AClockThatIsSetIsNoticedAtOnce)
{
	TestClock clock;
	net::ClockWatch known, unknown;
	known.note("a", clock, clock.unix_seconds() - kDay);
	unknown.follow(clock);
	clock.advance(10h);
	known.follow(clock);
	unknown.follow(clock);
	EXPECT_NEAR(double(known.ahead()), kDay, 2);
	EXPECT_EQ(unknown.ahead(), 0);
	clock.set_by(-24h);
	known.follow(clock);
	unknown.follow(clock);
	EXPECT_EQ(known.ahead(), 0);
	EXPECT_NEAR(double(unknown.ahead()), -kDay, 2);
}

static std::string
date_header(time_t at)
{
	char text[64];
	tm parts{};
	gmtime_r(&at, &parts);
	strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
	return text;
}

/* The clock is a day ahead from the beginning, or is set while the relay is read. */
TEST(NetClockWatch, NothingIsClaimedOfTimeThatHasNotCome)
{
	const auto events = make_events(20, 1000);
	for (const bool at_first : {true, false}) {
		Worker worker;
		if (at_first)
			worker.clock.set_by(24h);
		ScriptedRelay::Options options;
		options.headers = date_header(time(nullptr));
		ScriptedRelay relay(
			[&](Peer &peer) {
				const std::string message = peer.receive();
				if (!at_first)
					worker.clock.set_by(24h);
				serve_one(peer, events, 100, message);
				serve_events(events, 100)(peer);
			},
			options);
		ASSERT_TRUE(worker.read(relay.url(), {0, nostr::Pager::kOpenEnd}));
		EXPECT_EQ(worker.events.size(), events.size());
		ASSERT_FALSE(worker.claims.empty());
		for (const auto &claim : worker.claims) {
			EXPECT_LE(claim.claim.range.upper, time(nullptr));
			EXPECT_TRUE(claim.claim.doubts.has(nostr::Doubt::Clock));
		}
	}
}
