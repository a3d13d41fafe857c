/* The good case: whole ranges of well-behaved relays, end to end through the net process. */
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

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
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));

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
		EXPECT_EQ(claim.claim.evidence, Evidence::Paged);
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

TEST(NetPaging, PagesSeveralRangesAndThenMoreOfThem)
{
	auto events = make_events(30, 1000);
	ScriptedRelay relay(serve_events(events, 100));
	Worker worker;
	worker.task(7, relay.url(), {{1020, 1029}, {1000, 1004}}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(7, wire::RelayPhase::CaughtUp); }));
	/* The newest one came by the live subscription, too. */
	/* What lies beside the ranges may come with them. */
	EXPECT_GE(worker.events.size(), 15U);
	size_t before = worker.reports.size();
	worker.send(wire::RelayMore{7, 1, {{1005, 1019}}});
	ASSERT_TRUE(worker.until([&] { return worker.reports.size() > before; }));
	EXPECT_EQ(worker.reports.back().phase, wire::RelayPhase::CaughtUp);
	EXPECT_EQ(worker.events.size(), 30U);
	EXPECT_EQ(relay.connections(), 1);
	worker.send(wire::RelayStop{7, 1});
	ASSERT_TRUE(worker.until_ended(7));
	EXPECT_EQ(worker.ended(7)->reason, "");
}

TEST(NetPaging, StoresWhatIsNewWhileItIsSubscribed)
{
	auto fresh = make_event(5000, "fresh");
	ScriptedRelay relay([&](Peer &peer) {
		ASSERT_EQ(peer.receive(), R"(["REQ","live",{"limit":1}])");
		peer.text(eose_message("live"));
		/* The last question is the control question. */
		for (std::string id, message; message.find("\"until\"") != message.npos || id.empty();) {
			message = peer.receive();
			id = req_id(message);
			if (!id.empty())
				peer.text(eose_message(id));
		}
		peer.text(event_message("live", fresh));
		peer.linger();
	});
	Worker worker;
	worker.task(1, relay.url(), {{0, 100}}, true);
	ASSERT_TRUE(worker.until([&] { return worker.events.count(fresh.id) > 0; }));
	EXPECT_TRUE(worker.reported(1, wire::RelayPhase::CaughtUp));
}

TEST(NetPaging, GoesOnWithoutALiveSubscriptionThatIsRefused)
{
	auto events = make_events(5, 1000);
	ScriptedRelay relay([&](Peer &peer) {
		peer.text(R"(["CLOSED","live","error: filter too wide"])");
		serve_events(events, 10)(peer);
	});
	Worker worker;
	worker.task(1, relay.url(), {{0, 2000}}, true);
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "");
	EXPECT_EQ(worker.events.size(), 5U);
	EXPECT_TRUE(worker.reported(1, wire::RelayPhase::CaughtUp));
}

TEST(NetPaging, ClaimsNothingOfTheFuture)
{
	ScriptedRelay relay(serve_events({}, 10));
	Worker worker;
	int64_t before = time(nullptr);
	ASSERT_TRUE(worker.read(relay.url(), {1000, nostr::Pager::kOpenEnd}));
	ASSERT_EQ(worker.claims.size(), 1U);
	EXPECT_EQ(worker.claims[0].claim.range.lower, 1000);
	EXPECT_GE(worker.claims[0].claim.range.upper, before);
	EXPECT_LE(worker.claims[0].claim.range.upper, time(nullptr));
}

TEST(NetPaging, EventsOutsideTheQuestionAreNotStored)
{
	auto inside = make_event(1500, "in"), outside = make_event(3000, "out"),
		 elsewhere = make_event(1600, "other subscription");
	ScriptedRelay relay(answer_each([&, page = 0](Peer &peer, auto &id, auto &) mutable {
		peer.text(event_message(id, outside));
		peer.text(event_message("other", elsewhere));
		if (page++ == 0)
			peer.text(event_message(id, inside));
		peer.text(eose_message(id));
	}));
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {1000, 2000}));
	EXPECT_EQ(worker.events.size(), 1U);
	EXPECT_EQ(worker.events.count(inside.id), 1U);
	EXPECT_GE((worker.refusals[{1, "outside_window"}]), 1U);
	EXPECT_GE((worker.refusals[{1, "unexpected_subscription"}]), 1U);
}

/* Events of an answer come after its range was read to the end. */
TEST(NetPaging, LateEventsWithdrawARangeThatWasReadToItsEnd)
{
	const auto events = make_events(20, 1000);
	const auto late = make_event(1500, "late");
	std::string first;
	ScriptedRelay relay(answer_each([&](Peer &peer, auto &id, auto &message) {
		if (message.find("\"until\":5001") != message.npos && first.empty())
			first = id;
		if (message.find("\"until\":6011") != message.npos)
			peer.text(event_message(first, late));
		serve_one(peer, events, 100, message);
	}));
	Worker worker;
	worker.task(1, relay.url(), {{900, 5000}}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, wire::RelayPhase::CaughtUp); }));
	EXPECT_TRUE(worker.retractions.empty());
	worker.send(wire::RelayMore{1, 1, {{6000, 6010}}});
	ASSERT_TRUE(worker.until([&] { return !worker.retractions.empty(); }));
	EXPECT_EQ(worker.retractions[0].doubt, nostr::Doubt::Late);
	EXPECT_EQ(worker.retractions[0].range.lower, 1001);
	EXPECT_GE(worker.retractions[0].range.upper, 5000);
	EXPECT_EQ(worker.events.count(late.id), 1U);
}

/* What came under another subscription, or cannot be read, may be what is missing from an answer.
 */
TEST(NetPaging, MessagesThatBelongToNoQuestionAreADoubt)
{
	const auto events = make_events(20, 1000);
	const auto astray = make_event(1010, "astray");
	for (const std::string &stray :
		 {event_message("another", astray), std::string("[\"EVENT\",")}) {
		ScriptedRelay relay(answer_each([&](Peer &peer, auto &, auto &message) {
			peer.text(stray);
			serve_one(peer, events, 100, message);
		}));
		Worker worker;
		ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
		EXPECT_EQ(worker.events.size(), events.size());
		ASSERT_FALSE(worker.claims.empty());
		for (const auto &claim : worker.claims) {
			EXPECT_EQ(claim.claim.evidence, Evidence::Partial) << stray;
			EXPECT_TRUE(claim.claim.doubts.has(nostr::Doubt::Foreign)) << stray;
		}
	}
}

/* A relay that is read with filters is asked for nothing else, and nothing else is archived. */
TEST(NetPaging, OnlyWhatMatchesAFilterIsAskedForAndArchived)
{
	const auto wanted = make_event(1000, "wanted", 1), other = make_event(1001, "other", 2),
			   new_wanted = make_event(6000, "new", 1), new_other = make_event(6001, "new", 2);
	auto author = [](const nostr::Event &event) {
		return "\"authors\":[\"" + nostr::to_hex(event.pubkey.data(), event.pubkey.size()) + "\"]";
	};
	std::string asked_live;
	ScriptedRelay relay([&](Peer &peer) {
		asked_live = peer.receive();
		for (const auto &event : {new_other, new_wanted})
			peer.text(event_message("live", event));
		peer.text(eose_message("live"));
		/* It ignores the filter. */
		serve_events({wanted, other}, 10)(peer);
	});
	Worker worker;
	worker.send(wire::RelayOpen{.relay_id = 1,
								.attempt = 1,
								.url = relay.url(),
								.live = true,
								.ranges = {{.lower = 0, .upper = 5000, .filter_id = 3}},
								.filters = {{.filter_id = 3, .json = "{" + author(wanted) + "}"},
											{.filter_id = 4, .json = R"({"kinds":[7]})"}}});
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, wire::RelayPhase::CaughtUp); }));
	EXPECT_EQ(asked_live,
			  R"(["REQ","live",{)" + author(wanted) + R"(,"limit":1},{"kinds":[7],"limit":1}])");
	EXPECT_EQ(worker.events.size(), 2U);
	EXPECT_EQ(worker.events.count(wanted.id) + worker.events.count(new_wanted.id), 2U);
	EXPECT_GE((worker.refusals[{1, "outside_filter"}]), 2U);
	for (const auto &claim : worker.claims)
		if (claim.claim.range.lower <= 1001 && claim.claim.range.upper >= 1001)
			EXPECT_TRUE(claim.claim.doubts.has(nostr::Doubt::Foreign));
}

TEST(NetPaging, RelaysThatIgnoreTheWindowProveNothing)
{
	auto events = make_events(20, 4000);
	ScriptedRelay relay(answer_each([&](Peer &peer, auto &id, auto &) {
		for (const auto &event : events)
			peer.text(event_message(id, event));
		peer.text(eose_message(id));
	}));
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.events.size(), 20U);
	for (const auto &claim : worker.claims)
		EXPECT_TRUE(claim.claim.evidence == Evidence::Partial || claim.claim.range.lower >= 4000);
}

/* @nostr-relay refuses a question that it finds too complex by a notice, which names no question.
 */
TEST(NetPaging, AQuestionThatIsRefusedByANoticeCostsTheEndOnly)
{
	const auto events = make_events(20, 1000);
	/* One question at a time, so that the clock is set ahead for none but the refused one. */
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.politeness = wire::Politeness::Quiet;
	for (bool notice : {false, true}) {
		Worker worker(settings);
		ScriptedRelay relay([&](Peer &peer) {
			for (;;) {
				const std::string message = peer.receive();
				if (message.find("\"kinds\"") == message.npos) {
					serve_one(peer, events, 10, message);
					continue;
				}
				if (notice)
					peer.text(R"(["NOTICE","invalid: too many kinds"])");
				worker.clock.advance(std::chrono::seconds(notice ? 3 : 21));
			}
		});
		worker.task(1, relay.url(), {{0, 5000}});
		ASSERT_TRUE(worker.until_ended(1));
		EXPECT_EQ(worker.ended(1)->reason, "");
		EXPECT_EQ(worker.events.size(), 20U);
		/* All seconds are claimed; that nothing is older is not. */
		int64_t seconds = 0;
		for (const auto &claim : worker.claims) {
			seconds += claim.claim.range.upper - claim.claim.range.lower + 1;
			EXPECT_TRUE(claim.claim.evidence == Evidence::Partial || claim.claim.range.lower > 0);
		}
		EXPECT_EQ(seconds, 5001);
	}
}

/* Moves the worker's clock on, six times as fast as time. Silence of two seconds ends an answer, so
 * a relay has a third of a second for the next event. */
static std::jthread
pass_time(Worker &worker)
{
	return std::jthread([&worker](std::stop_token stop) {
		while (!stop.stop_requested()) {
			std::this_thread::sleep_for(std::chrono::milliseconds(200));
			worker.clock.advance(std::chrono::seconds(1));
		}
	});
}

TEST(NetPaging, ARelayThatNeverSaysEoseIsReadToItsEnd)
{
	const auto events = make_events(60, 61);
	/* In the first case the answers are full pages. In the second they are shorter, and the page
	 * limit says that an earlier connection has stalled. */
	for (const auto &[most, page_limit] : {std::pair{100, 10U}, {20, 50U}}) {
		ScriptedRelay relay([&, most = most](Peer &peer) {
			for (;;)
				serve_one(peer, events, most, peer.receive(), false);
		});
		Worker worker;
		const std::jthread time_passes = pass_time(worker);
		worker.task(1, relay.url(), {{0, 5000}}, false, page_limit);
		ASSERT_TRUE(worker.until_ended(1));
		EXPECT_EQ(worker.ended(1)->reason, "");
		EXPECT_EQ(worker.events.size(), events.size());
		for (const auto &claim : worker.claims)
			EXPECT_EQ(claim.claim.evidence, Evidence::Partial);
	}
}

/* A relay that says nothing, or no more, has stalled, although a page was too large for it before.
 */
TEST(NetPaging, ASilentRelayHasStalled)
{
	const auto events = make_events(60, 61);
	for (const int answers : {0, 1, 3}) {
		ScriptedRelay relay([&, answers = answers](Peer &peer) {
			for (int i = 0; i < answers; i++)
				serve_one(peer, events, 100, peer.receive());
			for (;;)
				peer.receive();
		});
		Worker worker;
		const std::jthread time_passes = pass_time(worker);
		worker.task(1, relay.url(), {{0, 5000}}, false, 20);
		ASSERT_TRUE(worker.until_ended(1));
		EXPECT_EQ(worker.ended(1)->reason, "stalled") << answers;
		EXPECT_FALSE(worker.reported(1, wire::RelayPhase::CaughtUp));
	}
}

TEST(NetPaging, ClosedPageEndsTheSessionWithItsReason)
{
	const std::pair<const char *, const char *> cases[] = {
		{"auth-required: who are you", "auth_required"}, {"ERROR: bad req", "closed_by_relay"}};
	for (auto [text, reason] : cases) {
		ScriptedRelay relay([&, text = text](Peer &peer) {
			std::string id = req_id(peer.receive());
			peer.text("[\"CLOSED\",\"" + id + "\",\"" + text + "\"]");
			peer.linger();
		});
		Worker worker;
		worker.task(1, relay.url(), {{0, 100}});
		ASSERT_TRUE(worker.until_ended(1));
		EXPECT_EQ(worker.ended(1)->reason, reason);
		EXPECT_EQ(worker.ended(1)->detail, text);
		EXPECT_TRUE(worker.claims.empty());
		EXPECT_EQ((worker.refusals[{1, reason}]), 1U);
	}
}

namespace {

/* Most questions that a relay had from us before it answered any of them. */
int
most_at_once(wire::Politeness politeness, uint32_t subscriptions = 0)
{
	const auto events = make_events(57, 1000);
	std::atomic<int> most = 0;
	ScriptedRelay relay([&](Peer &peer) {
		std::vector<std::string> open;
		/* The answer to a ping comes after the questions that were sent without an answer. */
		peer.on_pong = [&] {
			most = std::max(most.load(), int(open.size()));
			for (const std::string &question : std::exchange(open, {}))
				serve_one(peer, events, 10, question);
		};
		for (;;) {
			std::string message = peer.receive();
			if (req_id(message).empty())
				continue;
			open.push_back(std::move(message));
			peer.frame(9, "");
		}
	});
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.politeness = politeness;
	Worker worker(settings);
	worker.send(wire::RelayOpen{.relay_id = 1,
								.attempt = 1,
								.url = relay.url(),
								.subscriptions = subscriptions,
								.ranges = {{0, 5000}}});
	EXPECT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.events.size(), events.size());
	return most;
}

} // namespace

TEST(NetPaging, PolitenessLimitsTheQuestionsAtTheSameTime)
{
	EXPECT_EQ(most_at_once(wire::Politeness::Quiet), 1);
	EXPECT_GT(most_at_once(wire::Politeness::Normal), 1);
}

/* One of the subscriptions is for new events. */
TEST(NetPaging, ARelayIsAskedNoMoreAtOnceThanItAllows)
{
	EXPECT_EQ(most_at_once(wire::Politeness::Normal, 1), 1);
	EXPECT_EQ(most_at_once(wire::Politeness::Normal, 2), 1);
	EXPECT_LE(most_at_once(wire::Politeness::Normal, 3), 2);
	EXPECT_GT(most_at_once(wire::Politeness::Normal, 1000), 1);
}
