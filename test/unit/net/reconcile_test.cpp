/* Comparing sets with relays that do it well, badly or not at all. */
#include "negentropy_relay.h"
#include "worker.h"

using namespace test;
using namespace std::chrono_literals;
using nostr::Evidence;
using nostr::TimeRange;

namespace {

/* The worker has all events of a relay compared. */
void
compare_all_of(Worker &worker, const std::string &url)
{
	worker.send(wire::RelayOpen{
		.relay_id = 1,
		.attempt = 1,
		.url = url,
		.ranges = {{.lower = 0, .upper = 3000, .purpose = wire::Purpose::Reconcile}}});
}

class NetReconcile : public testing::Test
{
  protected:
	/* `count` events from second 1000 on, of which the first `shown` are archived and were shown.
	 */
	void events(int count, int shown)
	{
		relay.events = make_events(count, 1000);
		worker.shown.assign(relay.events.begin(), relay.events.begin() + shown);
		for (const nostr::Event &event : worker.shown)
			worker.archived.insert(event.id);
	}
	/* One after the other, on one connection. */
	void compare(std::vector<TimeRange> ranges, bool part = false)
	{
		const std::string url = server.url();
		wire::RelayOpen open{.relay_id = 1, .attempt = 1, .url = url};
		for (const TimeRange &range : ranges)
			open.ranges.push_back({.lower = range.lower,
								   .upper = range.upper,
								   .purpose = wire::Purpose::Reconcile,
								   .part = part});
		worker.send(open);
	}
	void compare_all(TimeRange range, bool part = false)
	{
		compare({range}, part);
		ASSERT_TRUE(worker.until_ended(1));
		EXPECT_EQ(worker.ended(1)->reason, "") << worker.ended(1)->detail;
	}
	/* Everything that the relay serves is archived, and the claims cover the range once. */
	void expect_all(TimeRange range, Evidence evidence)
	{
		for (const nostr::Event &event : relay.events)
			EXPECT_EQ(worker.archived.count(event.id), relay.withheld.count(event.id) ? 0U : 1U);
		int64_t seconds = 0;
		for (const Worker::Claim &claim : worker.claims) {
			seconds += claim.claim.range.upper - claim.claim.range.lower + 1;
			EXPECT_EQ(claim.claim.evidence, evidence);
		}
		EXPECT_EQ(seconds, range.upper - range.lower + 1);
	}
	/* The relay cannot do it: nothing is claimed or fetched, and the connection goes on. */
	void expect_given_up(wire::Comparison outcome)
	{
		ASSERT_FALSE(worker.compared.empty());
		EXPECT_EQ(worker.compared.back().outcome, outcome);
		EXPECT_TRUE(worker.claims.empty());
		EXPECT_EQ(server.connections(), 1);
	}

	NegentropyRelay relay{{}};
	ScriptedRelay server{relay.script()};
	Worker worker;
};

TEST_F(NetReconcile, FetchesWhatIsMissing)
{
	events(300, 250);
	/* Five that it has no more. */
	auto lost = make_events(5, 1100, "lost ");
	worker.shown.insert(worker.shown.end(), lost.begin(), lost.end());
	compare_all({0, 5000});
	expect_all({0, 5000}, Evidence::Reconciled);
	ASSERT_EQ(worker.claims.size(), 1U);
	EXPECT_EQ(worker.claims[0].claim.doubts, nostr::Doubts());
	EXPECT_EQ(worker.claims[0].claim.events, 300);
	EXPECT_EQ(worker.claims[0].events_before, 300U); // no claim before its events
	ASSERT_EQ(worker.compared.size(), 1U);
	EXPECT_EQ(worker.compared[0].outcome, wire::Comparison::Finished);
	EXPECT_EQ(worker.compared[0].needed, 50U);
	EXPECT_EQ(worker.compared[0].lost, 5U);
	EXPECT_EQ(worker.events.size(), 50U);
	EXPECT_EQ(worker.needs.size(), 50U);
	EXPECT_EQ(relay.asked("REQ"), 2U);       // does it serve what it does not name?
	EXPECT_EQ(relay.asked("NEG-OPEN"), 3U);  // the whole, and each half once more
	EXPECT_GE(relay.asked("NEG-CLOSE"), 2U); // the last one may still be on its way
}

/* Once it has shown that it compares. */
TEST_F(NetReconcile, EqualSetsTakeOneMessage)
{
	events(300, 300);
	compare({{1200, 5000}, {0, 1199}});
	ASSERT_TRUE(worker.until_ended(1));
	expect_all({0, 5000}, Evidence::Reconciled);
	EXPECT_EQ(relay.asked("REQ"), 0U);
	EXPECT_EQ(relay.asked("NEG-MSG"), 0U);
	std::string open;
	for (const std::string &message : relay.asked())
		if (message.rfind("[\"NEG-OPEN\"", 0) == 0)
			open = message;
	EXPECT_LT(open.size(), 1024U);
	EXPECT_NE(open.find(R"({"until":1199})"), std::string::npos);
}

/* It says "all is equal" to everything, and serves what it should have offered. */
TEST_F(NetReconcile, ARelayThatAlwaysAgrees)
{
	events(100, 90);
	relay.instead_of_open = R"(["NEG-MSG","ID","61"])";
	compare_all({900, 3000});
	expect_given_up(wire::Comparison::Broken);
}

/* A relay that has nothing any more cannot show that it compares. */
TEST_F(NetReconcile, NothingThatProvesIt)
{
	worker.shown = make_events(2, 1000);
	compare_all({900, 3000});
	EXPECT_TRUE(worker.claims.empty());
	EXPECT_EQ(worker.compared[0].outcome, wire::Comparison::Finished);
	EXPECT_EQ(worker.compared[0].lost, 2U);
}

/* It compares the newest only and serves all. */
TEST_F(NetReconcile, ASetThatIsCut)
{
	events(200, 200);
	relay.most = 100;
	compare_all({900, 3000});
	expect_given_up(wire::Comparison::Broken);
}

/* Pages have shown the newest three of 200 events, and the set holds the newest hundred: what is
 * known after fetching is what the set holds. */
TEST_F(NetReconcile, ASetThatIsCutOfARangeSeenInPart)
{
	events(200, 0);
	worker.shown.assign(relay.events.end() - 3, relay.events.end());
	relay.most = 100;
	compare_all({900, 3000}, true);
	expect_given_up(wire::Comparison::Broken);
	EXPECT_EQ(worker.events.size(), 97U);
}

/* All that the set holds is known already. */
TEST_F(NetReconcile, ACutSetThatIsKnown)
{
	events(200, 0);
	worker.shown.assign(relay.events.end() - 100, relay.events.end());
	relay.most = 100;
	compare_all({900, 3000}, true);
	expect_given_up(wire::Comparison::Broken);
}

/* Hardly an event was shown in another way, so that nothing tests the set. */
TEST_F(NetReconcile, ASetWithoutWitnesses)
{
	events(200, 9);
	compare_all({900, 3000}, true);
	expect_all({900, 3000}, Evidence::Paged);
}

TEST_F(NetReconcile, ASetWithWitnesses)
{
	events(200, 10);
	compare_all({900, 3000}, true);
	expect_all({900, 3000}, Evidence::Reconciled);
}

TEST_F(NetReconcile, FilterOfTheRange)
{
	events(3, 3);
	const std::string url = server.url();
	wire::RelayOpen open{.relay_id = 1, .attempt = 1, .url = url};
	open.ranges.push_back(
		{.lower = 10, .upper = 20, .filter_id = 7, .purpose = wire::Purpose::Reconcile});
	open.filters.push_back({.filter_id = 7, .json = R"({"kinds":[1,2]})"});
	worker.send(open);
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_NE(relay.asked()[0].find(R"(,{"kinds":[1,2],"since":10,"until":20},)"),
			  std::string::npos);
}

/* Frame limits make it a conversation; what is told twice is fetched once. */
TEST_F(NetReconcile, ManyMessages)
{
	events(1500, 0);
	for (int i = 0; i < 1500; i += 2) {
		worker.shown.push_back(relay.events[size_t(i)]);
		worker.archived.insert(relay.events[size_t(i)].id);
	}
	relay.frame_limit = 4096;
	compare_all({0, 5000});
	expect_all({0, 5000}, Evidence::Reconciled);
	EXPECT_GT(relay.asked("NEG-MSG"), 3U);
	EXPECT_EQ(worker.events.size(), 750U);
	EXPECT_EQ(relay.asked("REQ"), 8U);
}

/* The worker knows them from other relays: they were seen at this one only if it serves them. */
TEST_F(NetReconcile, WhatOthersHaveBroughtIsSeenWhereItIsServed)
{
	events(60, 40);
	for (const nostr::Event &event : relay.events)
		worker.archived.insert(event.id);
	relay.withheld = {relay.events[50].id};
	compare_all({0, 5000});
	ASSERT_FALSE(worker.claims.empty());
	EXPECT_EQ(worker.claims[0].claim.evidence, Evidence::Paged);
	EXPECT_TRUE(worker.claims[0].claim.doubts.has(nostr::Doubt::Withheld));
	EXPECT_EQ(relay.asked("REQ"), 2U);
	EXPECT_EQ(worker.sightings.size(), 19U);
}

/* It offers two ids that it does not serve: they are asked for twice, and then doubted. */
TEST_F(NetReconcile, WithheldEventsAreADoubt)
{
	events(60, 40);
	relay.withheld = {relay.events[50].id, relay.events[51].id};
	compare_all({0, 5000});
	expect_all({0, 5000}, Evidence::Paged);
	EXPECT_TRUE(worker.claims[0].claim.doubts.has(nostr::Doubt::Withheld));
	EXPECT_EQ(worker.claims[0].claim.events, 58);
	EXPECT_EQ(relay.asked("REQ"), 2U);
}

TEST_F(NetReconcile, WhatWasWithheldIsNotAskedForAgain)
{
	events(42, 40);
	relay.withheld = worker.withheld = {relay.events[40].id, relay.events[41].id};
	compare_all({0, 5000});
	expect_all({0, 5000}, Evidence::Paged);
	EXPECT_TRUE(worker.claims[0].claim.doubts.has(nostr::Doubt::Withheld));
	EXPECT_EQ(relay.asked("REQ"), 0U);
}

/* More was shown than one comparison may hold: windows of half the time, newest first. */
TEST_F(NetReconcile, Windows)
{
	events(100, 90);
	worker.window_records = 30;
	compare_all({1000, 1127});
	expect_all({1000, 1127}, Evidence::Reconciled);
	EXPECT_EQ(worker.windows.front(), (TimeRange{1000, 1127}));
	EXPECT_EQ(worker.windows[1], (TimeRange{1064, 1127}));
	EXPECT_GT(worker.claims.size(), 3U);
}

/* One second with too much stays dense; the others are compared. */
TEST_F(NetReconcile, AFullSecondStaysDense)
{
	for (int i = 0; i < 5; i++)
		relay.events.push_back(make_event(1001, "same second " + std::to_string(i)));
	relay.events.push_back(make_event(1000, "the second before"));
	worker.shown = relay.events;
	worker.window_records = 4;
	compare_all({1000, 1001});
	EXPECT_EQ(worker.windows.size(), 3U);
	EXPECT_EQ(relay.asked("REQ"), 0U);
	ASSERT_EQ(worker.claims.size(), 2U);
	EXPECT_EQ(worker.claims[0].claim.range, (TimeRange{1001, 1001}));
	EXPECT_EQ(worker.claims[0].claim.evidence, Evidence::Partial);
	EXPECT_TRUE(worker.claims[0].claim.doubts.has(nostr::Doubt::Dense));
	EXPECT_EQ(worker.claims[1].claim.range, (TimeRange{1000, 1000}));
	EXPECT_EQ(worker.claims[1].claim.evidence, Evidence::Reconciled);
}

/* Pages may not show all of a second: more ids of it are asked for than of a longer window. */
TEST_F(NetReconcile, ASecondOfManyEvents)
{
	for (int i = 0; i < 2600; i++)
		relay.events.push_back(make_event(1001, "same second " + std::to_string(i)));
	worker.shown.assign(relay.events.begin(), relay.events.begin() + 500);
	for (const nostr::Event &event : worker.shown)
		worker.archived.insert(event.id);
	compare_all({1001, 1001});
	expect_all({1001, 1001}, Evidence::Reconciled);
	EXPECT_EQ(worker.events.size(), 2100U);
}

TEST_F(NetReconcile, TooManyForTheRelay)
{
	events(100, 50);
	relay.instead_of_open = R"(["NEG-ERR","ID","blocked: too many records",100])";
	compare({{1000, 1003}, {2000, 2000}});
	ASSERT_TRUE(worker.until([&] { return worker.windows.size() >= 2; }));
	EXPECT_EQ(worker.windows[1], (TimeRange{1002, 1003}));
}

class NetReconcileRefused : public NetReconcile, public testing::WithParamInterface<const char *>
{
};

TEST_P(NetReconcileRefused, NothingIsClaimed)
{
	events(20, 10);
	relay.instead_of_open = GetParam();
	compare({{900, 1500}, {1501, 1600}});
	ASSERT_TRUE(worker.until([&] { return relay.asked("NEG-OPEN") > 0; }));
	if (relay.instead_of_open->empty())
		worker.clock.advance(41s);
	ASSERT_TRUE(worker.until([&] { return relay.asked("NEG-OPEN") > 1; }));
	if (relay.instead_of_open->empty())
		worker.clock.advance(41s);
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "");
	expect_given_up(wire::Comparison::Refused);
	EXPECT_EQ(relay.asked("REQ"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Ways, NetReconcileRefused,
						 testing::Values(R"(["NOTICE","unknown message type NEG-OPEN"])",
										 R"(["NOTICE","ERROR: bad msg: negentropy disabled"])",
										 R"(["NEG-ERR","ID","auth-required: who are you?"])",
										 R"(["NEG-ERR","ID","x"])",
										 R"(["CLOSED","ID","error: what is that?"])", ""));

/* It ends the connection instead: the next one must not be ended, too. */
TEST_F(NetReconcile, EndsTheConnection)
{
	ScriptedRelay rude([](Peer &peer) { peer.receive(); });
	worker.shown = make_events(5, 1000);
	compare_all_of(worker, rude.url());
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_NE(worker.ended(1)->reason, "");
	ASSERT_EQ(worker.compared.size(), 1U);
	EXPECT_EQ(worker.compared[0].outcome, wire::Comparison::Refused);
}

TEST(NetReconcileBroken, Messages)
{
	const char *const messages[] = {R"(["NEG-MSG","ID","62"])", R"(["NEG-MSG","ID","6100"])",
									R"(["NEG-MSG","ID","61000003"])"};
	for (const char *message : messages) {
		NegentropyRelay broken(make_events(40, 1000));
		broken.instead_of_open = message;
		ScriptedRelay other(broken.script());
		Worker own;
		own.shown.assign(broken.events.begin(), broken.events.begin() + 35);
		compare_all_of(own, other.url());
		ASSERT_TRUE(own.until_ended(1));
		EXPECT_EQ(own.ended(1)->reason, "");
		ASSERT_EQ(own.compared.size(), 1U);
		EXPECT_EQ(own.compared[0].outcome, wire::Comparison::Broken) << message;
		EXPECT_TRUE(own.claims.empty());
	}
}

/* A relay that falls silent in the middle. */
TEST_F(NetReconcile, NoSecondAnswer)
{
	events(1000, 900);
	relay.instead_of_message = "";
	compare({{900, 3000}});
	ASSERT_TRUE(worker.until([&] { return relay.asked("NEG-MSG") > 0; }));
	worker.clock.advance(21s);
	ASSERT_TRUE(worker.until_ended(1));
	expect_given_up(wire::Comparison::Broken);
}

/* It offers more than the worker wants to remember. */
TEST_F(NetReconcile, TooMuchWithheld)
{
	events(50, 40);
	worker.too_much_withheld = true;
	compare_all({900, 3000});
	expect_given_up(wire::Comparison::Broken);
}

/* Nothing of the window is known: the relay is asked for less at a time, so that the ids that are
 * needed stay few. */
TEST_F(NetReconcile, MuchIsMissing)
{
	events(2500, 0);
	compare_all({1000, 3499});
	expect_all({1000, 3499}, Evidence::Reconciled);
	EXPECT_EQ(worker.claims.size(), 2U);
}

/* An event that was not asked for is not archived. */
TEST_F(NetReconcile, EventsThatWereNotAskedFor)
{
	events(41, 40);
	relay.unasked = {make_event(1200, "not asked for")};
	relay.events.push_back(relay.events[40]); // served twice
	compare_all({0, 3000});
	expect_all({0, 3000}, Evidence::Reconciled);
	EXPECT_EQ(worker.archived.count(relay.unasked[0].id), 0U);
	EXPECT_EQ((worker.refusals[{1, "unexpected_event"}]), 2U);
}

/* The worker may not answer what was not asked. */
TEST(NetReconcileLink, AnswersToNothing)
{
	NegentropyRelay relay(make_events(3, 1000));
	relay.instead_of_open = "";
	ScriptedRelay server(relay.script());
	Worker worker;
	compare_all_of(worker, server.url());
	ASSERT_TRUE(worker.until([&] { return relay.asked("NEG-OPEN") > 0; }));
	worker.send(wire::SeenAnswer{.relay_id = 2, .attempt = 1, .last = true}); // of nobody: void
	worker.send(wire::SeenAnswer{.relay_id = 1, .attempt = 2, .last = true}); // of another attempt
	worker.send(wire::Wanted{.relay_id = 1, .attempt = 1});
	EXPECT_EQ(worker.join(), 1);
}

} // namespace
