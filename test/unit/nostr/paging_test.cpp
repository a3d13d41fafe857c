#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "nostr/paging.h"

using namespace nostr;

namespace {

struct Stored
{
	int64_t created_at;
	Id id;
	bool hidden = false;  // counts against the cap, is not delivered
	bool refused = false; // delivered, but no event to us
	auto operator<=>(const Stored &) const = default;
};

Id
id_of(uint64_t number)
{
	Id id{};
	id.back() = 1;
	for (int i = 0; i < 8; i++)
		id[i] = static_cast<uint8_t>(number >> 8 * i);
	return id;
}

/* As NIP-01 wants it: newest first, at most `cap` events. */
class Relay
{
  public:
	Relay(std::vector<Stored> events, size_t cap) : events_(std::move(events)), cap_(cap)
	{
		std::sort(events_.begin(), events_.end(), [](const Stored &a, const Stored &b) {
			return std::pair(b.created_at, a.id) < std::pair(a.created_at, b.id);
		});
	}

	std::vector<Stored> ask(const Window &window) const
	{
		const size_t cap = std::min<size_t>(cap_, window.limit.value_or(INT32_MAX));
		std::vector<Stored> page;
		size_t scanned = 0;
		for (const Stored &event : events_) {
			if (event.created_at < window.since.value_or(0) ||
				event.created_at > window.until.value_or(INT64_MAX))
				continue;
			if (scanned++ == cap)
				break;
			if (!event.hidden)
				page.push_back(event);
		}
		return page;
	}

  private:
	std::vector<Stored> events_;
	size_t cap_;
};

Claim
paged(int64_t lower, int64_t upper, int64_t events)
{
	return {.range = {lower, upper}, .evidence = Evidence::Paged, .events = events};
}

Claim
dense(int64_t second, int64_t events)
{
	return {.range = {second, second}, .doubts = Doubt::Dense, .events = events};
}

struct Pass
{
	std::vector<Claim> claims;
	std::set<std::pair<int64_t, Id>> delivered;
	int pages = 0;
	bool gave_up = false; // nothing but refused events of unknown time
};

template <class Ask>
Pass
run(TimeRange range, int limit, Ask ask)
{
	Pager pager(range, limit);
	Pass pass;
	while (!pager.done()) {
		for (const Stored &event : ask(pager.window()))
			if (event.refused)
				pager.on_refused(event.created_at);
			else if (pager.on_event(event.id, event.created_at))
				pass.delivered.emplace(event.created_at, event.id);
		const auto claims = pager.on_end_of_page(false);
		pass.claims.insert(pass.claims.end(), claims.begin(), claims.end());
		pass.pages++;
		pass.gave_up = pager.done() && claims.empty();
	}
	return pass;
}

/* The claims are the whole range, newest first, without gap or overlap, and count what came. */
void
expect_partition(const Pass &pass, TimeRange range)
{
	int64_t upper = range.upper;
	bool whole = false;
	for (const Claim &claim : pass.claims) {
		ASSERT_FALSE(whole);
		ASSERT_EQ(claim.range.upper, upper);
		ASSERT_LE(claim.range.lower, claim.range.upper);
		ASSERT_GE(claim.range.lower, range.lower);
		const auto events =
			std::count_if(pass.delivered.begin(), pass.delivered.end(), [&](const auto &event) {
				return event.first >= claim.range.lower && event.first <= claim.range.upper;
			});
		ASSERT_EQ(claim.events, events) << claim.range.lower << " " << claim.range.upper;
		whole = claim.range.lower == range.lower;
		upper = claim.range.lower - 1;
	}
	ASSERT_TRUE(whole || pass.gave_up);
}

} // namespace

TEST(Pager, EmptyRelay)
{
	Pager pager({0, Pager::kOpenEnd}, 500);
	EXPECT_FALSE(pager.window().since);
	EXPECT_FALSE(pager.window().until);
	EXPECT_EQ(pager.window().limit, 500);
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{paged(0, INT64_MAX, 0)}));
	EXPECT_TRUE(pager.done());
	EXPECT_TRUE(pager.on_end_of_page(false).empty());
	EXPECT_FALSE(pager.on_event(id_of(1), 5));
}

TEST(Pager, AsksTheBoundarySecondAgain)
{
	Pager pager({100, 200}, 3);
	EXPECT_EQ(pager.window().since, 100);
	EXPECT_EQ(pager.window().until, 200);
	EXPECT_FALSE(pager.on_event(id_of(9), 99));
	EXPECT_FALSE(pager.on_event(id_of(9), 201));
	EXPECT_EQ(pager.page_events(), 0);
	EXPECT_TRUE(pager.on_event(id_of(1), 190));
	EXPECT_TRUE(pager.on_event(id_of(2), 180));
	EXPECT_TRUE(pager.on_event(id_of(3), 180));
	EXPECT_TRUE(pager.on_event(id_of(3), 180));
	EXPECT_EQ(pager.page_events(), 4);
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{paged(181, 200, 1)}));
	EXPECT_EQ(pager.window().until, 180);
	EXPECT_EQ(pager.page_events(), 0);
	EXPECT_FALSE(pager.on_event(id_of(1), 190));
	pager.on_event(id_of(2), 180);
	pager.on_event(id_of(4), 180);
	pager.on_event(id_of(5), 150);
	// Three of second 180: the earlier page's, the new one, and id 3, shown earlier only.
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{paged(151, 180, 3)}));
	pager.on_event(id_of(5), 150);
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{paged(150, 150, 1)}));
	EXPECT_EQ(pager.window().until, 149);
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{paged(100, 149, 0)}));
	EXPECT_TRUE(pager.done());
}

TEST(Pager, FinishHintEndsTheRange)
{
	Pager pager({0, 200}, 500);
	pager.on_event(id_of(1), 190);
	pager.on_event(id_of(2), 180);
	EXPECT_EQ(pager.on_end_of_page(true), (std::vector<Claim>{paged(0, 200, 2)}));
	EXPECT_TRUE(pager.done());
}

TEST(Pager, FinishHintIsNotBelievedAgainstWhatWasSeen)
{
	// The first page was cut inside second 180, and the second one does not repeat that second.
	Pager exclusive({0, 200}, 500);
	exclusive.on_event(id_of(1), 190);
	exclusive.on_event(id_of(2), 180);
	exclusive.on_end_of_page(false);
	exclusive.on_event(id_of(3), 150);
	EXPECT_EQ(exclusive.on_end_of_page(true),
			  (std::vector<Claim>{dense(180, 1), paged(0, 179, 1)}));
	EXPECT_TRUE(exclusive.done());

	// A page as long as the limit may be cut, whatever the relay says.
	Pager full({0, 200}, 2);
	full.on_event(id_of(1), 190);
	full.on_event(id_of(2), 180);
	EXPECT_EQ(full.on_end_of_page(true), (std::vector<Claim>{paged(181, 200, 1)}));
	EXPECT_FALSE(full.done());
}

TEST(Pager, SecondWithMoreThanAPageIsDense)
{
	std::vector<Stored> events;
	for (int i = 0; i < 50; i++)
		events.push_back({100, id_of(i)});
	events.push_back({120, id_of(60)});
	events.push_back({80, id_of(61)});
	for (int limit : {5, 500}) { // below and above the relay's cap
		const Relay relay(events, 20);
		const auto pass = run({0, 150}, limit, [&](auto w) { return relay.ask(w); });
		const int64_t seen = std::min(limit, 20);
		EXPECT_EQ(pass.claims,
				  (std::vector<Claim>{paged(101, 150, 1), dense(100, seen), paged(81, 99, 0),
									  paged(80, 80, 1), paged(0, 79, 0)}));
	}
}

TEST(Pager, LastSecondOfTheRange)
{
	const Relay relay({{100, id_of(1)}, {100, id_of(2)}, {99, id_of(3)}}, 500);
	const auto pass = run({100, 100}, 500, [&](auto w) { return relay.ask(w); });
	EXPECT_EQ(pass.claims, (std::vector<Claim>{paged(100, 100, 2)}));
	const auto one = run({100, 100}, 2, [&](auto w) { return relay.ask(w); });
	EXPECT_EQ(one.claims, (std::vector<Claim>{dense(100, 2)}));
}

TEST(Pager, ExtremeTimes)
{
	const Relay relay({{0, id_of(1)}, {INT64_MAX, id_of(2)}}, 500);
	const TimeRange all{0, Pager::kOpenEnd};
	const auto pass = run(all, 500, [&](auto w) { return relay.ask(w); });
	EXPECT_EQ(pass.claims, (std::vector<Claim>{paged(1, INT64_MAX, 1), paged(0, 0, 1)}));
	const Relay late({{INT64_MAX, id_of(2)}}, 500);
	const auto last = run(all, 500, [&](auto w) { return late.ask(w); });
	EXPECT_EQ(last.claims,
			  (std::vector<Claim>{paged(INT64_MAX, INT64_MAX, 1), paged(0, INT64_MAX - 1, 0)}));
	EXPECT_TRUE(Pager({5, 4}, 500).done());
	EXPECT_FALSE(Pager({-5, 4}, 0).window().since);
	EXPECT_EQ(Pager({-5, 4}, 0).window().limit, 1);
}

TEST(Pager, ExclusiveUntilProvesNoBoundary)
{
	// A relay that takes `until` as exclusive never shows the rest of the second where it stopped.
	const Relay relay({{100, id_of(1)}, {90, id_of(2)}, {90, id_of(3)}, {80, id_of(4)}}, 2);
	const auto pass = run({0, 200}, 500, [&](Window w) {
		w.until = *w.until - 1;
		return relay.ask(w);
	});
	for (const Claim &claim : pass.claims)
		EXPECT_TRUE(claim.evidence == Evidence::Partial || claim.range.lower > 90 ||
					claim.range.upper < 90);
	expect_partition(pass, {0, 200});
}

TEST(Pager, EmptyPageWhereSomethingWasProvesNothing)
{
	Pager pager({0, 200}, 500);
	pager.on_event(id_of(1), 100);
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{paged(101, 200, 0)}));
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{dense(100, 1)}));
	EXPECT_EQ(pager.window().until, 99);
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{paged(0, 99, 0)}));
	EXPECT_TRUE(pager.done());
}

TEST(Pager, PageOfRefusedEventsIsNotTheEnd)
{
	Pager pager({0, 200}, 500);
	pager.on_refused(170);
	pager.on_refused(150);
	EXPECT_EQ(pager.page_events(), 2);
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{paged(151, 200, 0)}));
	EXPECT_EQ(pager.window().until, 150);
	// Second 150 held something, be it refused: an `until` taken as exclusive shows here, too.
	pager.on_event(id_of(2), 130);
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{dense(150, 0), paged(131, 149, 0)}));
	pager.on_refused(-1);
	pager.on_refused(500);
	pager.on_refused({});
	EXPECT_TRUE(pager.on_end_of_page(false).empty());
	EXPECT_TRUE(pager.done());

	Pager finished({0, 200}, 500);
	finished.on_refused({});
	EXPECT_TRUE(finished.on_end_of_page(true).empty());
	EXPECT_TRUE(finished.done());
}

TEST(Pager, RefusedEventsOutOfOrderProveNothing)
{
	// No relay shows stored events so: the times are not those that it sorted by.
	Pager pager({0, 200}, 500);
	pager.on_refused(170);
	pager.on_refused(3);
	pager.on_refused(150);
	EXPECT_TRUE(pager.on_end_of_page(false).empty());
	EXPECT_TRUE(pager.done());
}

TEST(Pager, PageThatWasCutProvesDownToItsOldestSecond)
{
	Pager pager({0, 200}, 500);
	pager.on_event(id_of(1), 190);
	pager.on_event(id_of(2), 180);
	pager.on_event(id_of(3), 180);
	EXPECT_EQ(pager.on_cut(), (std::vector<Claim>{paged(181, 200, 1)}));
	EXPECT_EQ(pager.window().until, 180);
	// Within one second nobody knows what was still to come.
	pager.on_event(id_of(2), 180);
	EXPECT_EQ(pager.on_cut(), (std::vector<Claim>{dense(180, 2)}));
	EXPECT_EQ(pager.window().until, 179);
	EXPECT_TRUE(pager.on_cut().empty());
	EXPECT_TRUE(pager.done());
}

TEST(Pager, PageOutOfOrderThatWasCutProvesNothing)
{
	Pager pager({0, 200}, 500);
	pager.on_event(id_of(1), 180);
	pager.on_event(id_of(2), 190);
	EXPECT_TRUE(pager.on_cut().empty());
	EXPECT_TRUE(pager.done());
	EXPECT_EQ(pager.memory(), 0U);
}

TEST(Pager, DroppedPagesAreAskedAgain)
{
	Pager pager({0, 200}, 500);
	pager.on_event(id_of(1), 180);
	pager.on_event(id_of(2), 190);
	pager.drop_page();
	EXPECT_EQ(pager.window().until, 200);
	pager.on_event(id_of(2), 190);
	pager.on_event(id_of(1), 180);
	EXPECT_EQ(pager.on_cut(), (std::vector<Claim>{paged(181, 200, 1)}));
}

TEST(Pager, MemoryIsFreedWithTheRange)
{
	Pager pager({0, 200}, 500);
	for (int i = 0; i < 400; i++)
		pager.on_event(id_of(i), 180);
	EXPECT_GE(pager.memory(), 400 * sizeof(Id));
	pager.on_end_of_page(true);
	EXPECT_TRUE(pager.done());
	EXPECT_EQ(pager.memory(), 0U);
}

TEST(Pager, OrderOfArrival)
{
	Pager pager({100, 200}, 500);
	pager.on_event(id_of(1), 180);
	pager.on_event(id_of(2), 180);
	pager.on_refused(190);
	pager.on_event(id_of(3), 150);
	EXPECT_TRUE(pager.in_order());
	pager.on_event(id_of(3), 150);
	EXPECT_FALSE(pager.in_order());
	pager.drop_page();
	EXPECT_TRUE(pager.in_order());
	pager.on_event(id_of(4), 99);
	EXPECT_FALSE(pager.in_order());
}

TEST(Pager, RefusedEventsCannotPullTheRangeDown)
{
	// One forged time among good events must not make the pass skip what lies between.
	Pager pager({0, 200}, 500);
	pager.on_event(id_of(1), 150);
	pager.on_refused(3);
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{paged(151, 200, 0)}));
	EXPECT_EQ(pager.window().until, 150);
}

TEST(Pager, RefusedEventsCountAgainstTheCap)
{
	Pager pager({100, 100}, 3);
	pager.on_event(id_of(1), 100);
	pager.on_refused(100);
	pager.on_refused(100);
	EXPECT_EQ(pager.on_end_of_page(false), (std::vector<Claim>{dense(100, 1)}));
}

TEST(Pager, HonestRelayClaimsAreTrue)
{
	int partial = 0;
	for (uint32_t seed = 0; seed < 4000; seed++) {
		std::mt19937 random(seed);
		auto upto = [&](int n) { return static_cast<int>(random() % n); };
		const size_t cap = 10 + upto(30);
		const int limit = upto(3) ? 1 + upto(60) : 500;
		const int span = 1 + upto(200);
		std::map<int64_t, int> seconds;
		for (int i = upto(150); i > 0; i--)
			seconds[upto(span)]++;
		for (int i = upto(4); i > 0; i--)
			seconds[upto(span)] += upto(3 * static_cast<int>(cap));
		std::vector<Stored> events;
		const size_t page = std::min<size_t>(cap, limit);
		size_t hidden_run = 0; // a whole page of hidden events cannot be told from the end
		for (const auto &[second, count] : seconds)
			for (int i = 0; i < count; i++) {
				const bool hide =
					static_cast<size_t>(count) < page && hidden_run + 1 < page / 2 && upto(4) == 0;
				hidden_run = hide ? hidden_run + 1 : 0;
				events.push_back({second, id_of(random()), hide, upto(8) == 0});
			}
		const Relay relay(events, cap);
		const int64_t lower = upto(span), upper = upto(3) ? lower + upto(span) : Pager::kOpenEnd;
		const auto pass = run({lower, upper}, limit, [&](auto w) { return relay.ask(w); });
		ASSERT_NO_FATAL_FAILURE(expect_partition(pass, {lower, upper})) << "seed " << seed;
		ASSERT_FALSE(pass.gave_up);
		for (const Claim &claim : pass.claims) {
			partial += claim.evidence == Evidence::Partial;
			if (claim.evidence == Evidence::Partial)
				continue;
			for (const Stored &event : events)
				if (!event.hidden && !event.refused && event.created_at >= claim.range.lower &&
					event.created_at <= claim.range.upper) {
					ASSERT_TRUE(pass.delivered.contains({event.created_at, event.id}))
						<< "seed " << seed << " second " << event.created_at;
				}
		}
	}
	EXPECT_GT(partial, 0);
}

TEST(Pager, UncappedRelayIsProvenWhole)
{
	for (uint32_t seed = 0; seed < 500; seed++) {
		std::mt19937 random(seed);
		std::vector<Stored> events;
		for (int i = 0; i < 60; i++)
			events.push_back({static_cast<int64_t>(random() % 50), id_of(i)});
		const Relay relay(events, 1000);
		const auto pass = run({0, 100}, 500, [&](auto w) { return relay.ask(w); });
		EXPECT_LE(pass.pages, 3);
		for (const Claim &claim : pass.claims)
			EXPECT_NE(claim.evidence, Evidence::Partial);
	}
}

TEST(Pager, DishonestRelaysAlwaysEnd)
{
	for (uint32_t seed = 0; seed < 3000; seed++) {
		std::mt19937 random(seed);
		const TimeRange range{static_cast<int64_t>(random() % 50),
							  50 + static_cast<int64_t>(random() % 50)};
		const auto pass = run(range, 1 + random() % 20, [&](const Window &) {
			std::vector<Stored> page; // any order, any second, repeats, regardless of the window
			for (int i = random() % 30; i > 0; i--)
				page.push_back({static_cast<int64_t>(random() % 120), id_of(random() % 40), false,
								random() % 4 == 0});
			return page;
		});
		ASSERT_LE(pass.pages, range.upper - range.lower + 1);
		ASSERT_NO_FATAL_FAILURE(expect_partition(pass, range)) << "seed " << seed;
	}
}
