/*
 * The pager against relays of all sorts: each habit by itself, then many at random. The letters are
 * those of the scenarios in docs/development/paging.md.
 */
#include <random>

#include <gtest/gtest.h>

#include "model_history.h"

using namespace model;

struct Scenario
{
	const char *name;
	Switches is;
	bool complete = true; // everything that is served comes
};

class PagerScenario : public testing::TestWithParam<Scenario>
{
};

TEST_P(PagerScenario, ClaimsAreTrue)
{
	for (uint32_t seed = 0; seed < 8; seed++) {
		std::mt19937 random(seed);
		Relay relay(history(3000, seed), GetParam().is, [&](uint32_t n) { return random() % n; });
		const Pass pass = read_all(relay, seed % 2 ? 500 : 200, 1 + int(seed % 3));
		EXPECT_TRUE(pass.ended) << seed;
		EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << seed;
		if (GetParam().complete) {
			EXPECT_EQ(unread(relay, pass), 0) << seed;
		}
	}
}

INSTANTIATE_TEST_SUITE_P(
	, PagerScenario,
	testing::Values(
		Scenario{"F6_more", {.cap = 200, .more = true}},
		Scenario{"F8_ascending", {.cap = 200, .ascending = true}},
		Scenario{"F8_oldest", {.cap = 200, .oldest = true}},
		Scenario{"F8_insertion", {.cap = 200, .by_insertion = true}},
		Scenario{"F8_popular", {.cap = 200, .by_popularity = true}},
		Scenario{"F8_stores", {.cap = 200, .stores = 3}},
		Scenario{"F8_merged", {.cap = 200, .stores = 3, .stores_merged = true}},
		Scenario{"F9_pinned", {.cap = 200, .pinned = true}},
		Scenario{"F10_kind_cap", {.cap = 200, .kind_cap = 60}},
		Scenario{"F10_look_back", {.cap = 200, .look_back = 3000}, false},
		Scenario{"F10_author_cap", {.cap = 200, .author_cap = 20}},
		Scenario{"F11_until", {.cap = 200, .until_exclusive = true}},
		Scenario{"F12_since", {.cap = 200, .until_exclusive = true, .since_exclusive = true}},
		Scenario{"F13_bytes", {.cap = 200, .byte_cap = 250}},
		Scenario{"F13_repeats", {.cap = 200, .repeats = true}},
		Scenario{"F19_foreign", {.cap = 200, .foreign = 1}},
		Scenario{"F19_many_foreign", {.cap = 200, .foreign = 12}},
		Scenario{"F19_many_foreign_unordered", {.cap = 200, .by_insertion = true, .foreign = 12}},
		Scenario{"no_limit", {.cap = 100000, .ignores_limit = true}},
		Scenario{"no_kinds", {.cap = 200, .refuses_kinds = true}},
		Scenario{"kinds_empty", {.cap = 200, .kinds_empty = true}},
		Scenario{"kinds_empty_unordered", {.cap = 200, .by_insertion = true, .kinds_empty = true}}),
	[](const auto &info) { return info.param.name; });

/* F13: windows hold few events, but large ones, and the relay ends its answers by bytes: in the
 * middle of what it holds, and where nothing is older. */
TEST(Pager, AWindowThatIsCutByBytesIsNotBelieved)
{
	for (const size_t first : {0, 147}) {
		auto events = history(300);
		const int64_t second = events[first + 5].created_at;
		for (const int64_t around : {0, 1, 50, 5000}) {
			for (const bool crowded : {true, false}) {
				for (size_t i = 0; i < 6; i++) {
					events[first + i].created_at = crowded ? second : second + int64_t(i) - 5;
					events[first + i].size = 60;
				}
				Relay relay(events, {.cap = 200, .byte_cap = 200}, never);
				Habits habits;
				const Pass pass = read(relay, {second - around, second + around}, 100, habits, 1,
									   5000, Pager::Way::Windows);
				EXPECT_TRUE(pass.ended);
				EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << first << around << crowded;
			}
		}
	}
}

/* A relay that is asked too fast answers with nothing for a while. Whichever question is the first
 * to be answered again, the silence proves nothing. */
TEST(Pager, ASilenceIsNotBelieved)
{
	const auto events = history(300);
	for (const bool hints : {false, true})
		for (const auto way : {Pager::Way::Pages, Pager::Way::Windows})
			for (int from = 0; from < 24; from++)
				for (int until = from + 1; until < from + 32; until++) {
					Relay relay(
						events,
						{.cap = 50, .more = hints, .silent_from = from, .silent_until = until},
						never);
					Habits habits;
					const TimeRange range{events[20].created_at, events.back().created_at + kDay};
					const Pass pass = read(relay, range, 100, habits, 1, 5000, way);
					EXPECT_TRUE(pass.ended);
					EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << from << " " << until;
				}
}

/* A relay that limits each kind, or merges stores with limits of their own, may cut a second and
 * show older events of other kinds nevertheless. */
TEST(Pager, ASecondThatIsCutByKindIsNotBelieved)
{
	for (const Switches &is : {Switches{.cap = 50, .stores = 2, .stores_merged = true},
							   Switches{.cap = 200, .kind_cap = 50}}) {
		for (const int above : {0, 1, 100}) { // events of other kinds above
			auto events = history(600);
			const int64_t second = events[300].created_at;
			for (size_t i = 0; i < 600; i++) {
				events[i].kind = 2; // of the other store
				if (i >= 150 && i < 450) {
					events[i].created_at = second;
					events[i].kind = 1;
				} else if (i >= 450)
					events[i].created_at += int64_t(i) + above;
			}
			for (const int64_t around : {0, 1, 5000}) {
				for (const auto way : {Pager::Way::Pages, Pager::Way::Windows}) {
					for (const int page : {0, 100}) {
						Relay relay(events, is, never);
						Habits habits;
						habits.largest_page = page;
						const Pass pass = read(relay, {second - around, second + around}, 100,
											   habits, 1, 5000, way);
						EXPECT_TRUE(pass.ended);
						EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0)
							<< is.kind_cap << " " << above << " " << around << " "
							<< int(way == Pager::Way::Pages) << " " << page;
					}
				}
			}
		}
	}
}

/* A relay that shows a number of events of each author may cut a second, too: the second reading
 * notices it. */
TEST(Pager, ASecondThatIsCutByAuthorIsNotBelieved)
{
	auto events = history(300);
	for (size_t i = 100; i < 124; i++) {
		events[i].created_at = events[100].created_at;
		events[i].author = {200};
	}
	Relay relay(events, {.cap = 100, .author_cap = 20}, never);
	Habits habits;
	const Pass pass = read(relay, {events[0].created_at, events[299].created_at}, 100, habits, 1,
						   5000, Pager::Way::Windows);
	EXPECT_TRUE(pass.ended);
	EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0);
}

/* A relay that counts hidden events of an author against a limit of that author leaves out others
 * of the author, in the middle of a window. They are asked for by name. */
TEST(Pager, EventsThatAreLeftOutByAuthorAreAskedForByName)
{
	for (const int cap : {50, 100, 250, 500, 1000}) {
		for (const int stores : {1, 2, 3}) {
			std::mt19937 random(static_cast<uint32_t>(cap));
			auto events = history(1500);
			for (Stored &event : events)
				event.created_at = kBase + (event.created_at - kBase) * 70;
			const Stored last = events[1000];
			for (size_t i = 0; i < 700; i++) {
				Stored hidden = last;
				hidden.created_at += int64_t(i);
				hidden.id = mixed_id(i);
				hidden.kind = 1;
				hidden.author = {uint8_t(random() % 40)};
				hidden.hidden = true;
				events.push_back(hidden);
			}
			Relay relay(events,
						{.cap = cap,
						 .hidden_kinds = true,
						 .stores = stores,
						 .stores_merged = true,
						 .author_cap = 20},
						never);
			Habits habits;
			const TimeRange range{events[0].created_at, events[1499].created_at};
			const Pass pass = read(relay, range, 500, habits, 1, 5000, Pager::Way::Windows);
			EXPECT_TRUE(pass.ended);
			EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << cap << " " << stores;
			EXPECT_TRUE(all_doubts(pass).has(Doubt::Hole));
		}
	}
}

/* The same in time that is empty: what the relay shows below it is of another author. */
TEST(Pager, EventsThatAreLeftOutOfEmptyTimeAreAskedForByAuthor)
{
	auto events = history(300);
	for (size_t i = 150; i < 300; i++)
		events[i].created_at += 10 * kDay;
	const int64_t below = events[149].created_at;
	Stored open = events[100];
	open.created_at = below + 5 * kDay;
	open.id = mixed_id(1000);
	for (size_t i = 0; i < 20; i++) {
		Stored hidden = open;
		hidden.created_at = below + 6 * kDay + int64_t(i);
		hidden.id = mixed_id(i);
		hidden.kind = 1;
		hidden.hidden = true;
		events.push_back(hidden);
	}
	events.push_back(open);
	Relay relay(events, {.cap = 200, .hidden_kinds = true, .author_cap = 20}, never);
	Habits habits;
	const TimeRange range{events[0].created_at, events[299].created_at};
	const Pass pass = read(relay, range, 200, habits, 1, 5000, Pager::Way::Windows);
	EXPECT_TRUE(pass.ended);
	EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0);
	EXPECT_EQ(unread(relay, pass), 0);
}

/* The newest event of a window is refused, and hidden events use up the limit below it: the window
 * has shown nothing, and is not believed. */
TEST(Pager, AWindowOfRefusedEventsIsNotBelieved)
{
	auto events = history(300);
	for (size_t i = 150; i < 300; i++)
		events[i].created_at += 10 * kDay;
	const int64_t below = events[149].created_at;
	add_hidden(events, 600, below + 2 * kDay, 1);
	Stored refused = events[0];
	refused.created_at = below + 2 * kDay + 700;
	refused.id = mixed_id(1);
	refused.refused = true;
	events.push_back(refused);
	Stored shown = events[1];
	shown.created_at = below + 2 * kDay - 100;
	shown.id = mixed_id(2);
	events.push_back(shown);
	Relay relay(events, {.cap = 500}, never);
	for (const int64_t around : {10, 40, 800, 100000}) {
		Habits habits;
		const Pass pass = read(relay, {shown.created_at - around, refused.created_at + around}, 500,
							   habits, 1, 5000, Pager::Way::Windows);
		EXPECT_TRUE(pass.ended);
		EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << around;
	}
}

/* A relay with private events in a row, which says by hints whether it has more (NIP-67), is
 * proven but for the seconds next to them. */
TEST(Pager, AnHonestRelayWithPrivateEventsIsBelieved)
{
	for (const bool hints : {false, true}) {
		auto events = history(900);
		for (size_t i = 400; i < 900; i++)
			events[i].created_at += kDay;
		add_hidden(events, 600, events[399].created_at + 3600, 1);
		Relay relay(events, {.cap = 200, .more = hints}, never);
		Habits habits;
		const TimeRange range{0, events[899].created_at};
		const Pass pass = read(relay, range, 500, habits, 1, 5000, Pager::Way::Windows);
		EXPECT_TRUE(pass.ended);
		EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0);
		EXPECT_EQ(unread(relay, pass), 0);
		int64_t unproven = 0;
		for (const Claim &claim : pass.claims)
			if (claim.doubts.cut())
				unproven += claim.range.upper - claim.range.lower + 1;
		EXPECT_LT(unproven, 700) << hints;
	}
}

/* A window is not asked for again as long as before, however its events lie. */
TEST(Pager, AWindowWithManyEventsAtItsEndIsMadeShorter)
{
	for (const int64_t seconds : {2, 3, 4, 50}) {
		for (const int64_t above : {0, 1, 2}) {
			auto events = history(400);
			const int64_t second = events[200].created_at;
			for (size_t i = 150; i < 250; i++)
				events[i].created_at = second;
			Relay relay(events, {.cap = 100}, never);
			Habits habits;
			habits.largest_page = 100;
			const TimeRange range{second - above, second - above + seconds - 1};
			const Pass pass = read(relay, range, 100, habits, 1, 5000, Pager::Way::Windows);
			EXPECT_TRUE(pass.ended) << seconds << " " << above;
			EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << seconds << " " << above;
			expect_partition(pass, range);
		}
	}
}

/* A relay that answers no question with kinds is believed where none is needed, and so is one whose
 * answers are all complete. */
TEST(Pager, WindowsOfAnHonestRelayAreBelieved)
{
	for (const bool refuses : {false, true}) {
		const auto events = history(600);
		Relay relay(events, {.cap = 200, .refuses_kinds = refuses}, never);
		Habits habits;
		const TimeRange range{events[100].created_at, events[500].created_at};
		const Pass pass = read(relay, range, 500, habits, 1, 5000, Pager::Way::Windows);
		EXPECT_TRUE(pass.ended);
		EXPECT_TRUE(all_read(pass)) << refuses;
		EXPECT_EQ(all_doubts(pass), Doubts()) << refuses;
		EXPECT_LE(pass.questions, 40) << refuses;
	}
}

/* A relay that ignores `until` shows its newest events with each page. Its events are asked for by
 * kinds and authors, and nothing is proven. */
TEST(Pager, ARelayThatIgnoresUntilIsReadByKindsAndAuthors)
{
	for (const auto way : {Pager::Way::Pages, Pager::Way::Windows}) {
		Relay relay(history(1500), {.cap = 100, .ignores_until = true}, never);
		Habits habits;
		const Pass pass = read(relay, {0, kBase + 1000 * kDay}, 500, habits, 3, 5000, way);
		EXPECT_TRUE(pass.ended);
		EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0);
		EXPECT_EQ(unread(relay, pass), 0);
		EXPECT_LT(pass.questions, 500);
		EXPECT_TRUE(covers(pass, {0, kBase + 1000 * kDay}));
	}
}

/* The oldest second of a relay may hold several events: nothing is below it, and it is whole. Of
 * ten or more of one kind this is not believed: they may be the limit of that kind. */
TEST(Pager, TheOldestSecondIsReadByWindows)
{
	for (const size_t count : {6, 10}) {
		auto events = history(300);
		for (size_t i = 0; i < count; i++) {
			events[i].created_at = events[count - 1].created_at;
			events[i].kind = 1;
		}
		Relay relay(events, {.cap = 200}, never);
		Habits habits;
		const Pass pass = read(relay, {events[0].created_at - 100, events[299].created_at}, 100,
							   habits, 1, 5000, Pager::Way::Windows);
		EXPECT_TRUE(pass.ended);
		EXPECT_EQ(unread(relay, pass), 0);
		EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0);
		EXPECT_EQ(all_doubts(pass).has(Doubt::Dense), count == 10);
	}
}

/* Relays of all sorts at random: nothing is ever proven that is not so, and every pass ends. */
TEST(Pager, NothingFalseIsEverConfirmed)
{
	int confirmed = 0, contradicted = 0;
	for (uint32_t seed = 0; seed < 1500; seed++) {
		std::mt19937 random(seed);
		auto upto = [&](uint32_t n) { return uint32_t(random() % n); };
		auto rarely = [&] { return upto(6) == 0; };
		Switches is{.cap = 10 + int(upto(90))};
		is.hidden_count = upto(2);
		is.until_exclusive = rarely();
		is.since_exclusive = rarely();
		is.ascending = rarely();
		is.oldest = rarely();
		is.by_insertion = rarely();
		is.by_popularity = rarely();
		is.stores = rarely() ? 2 : 1;
		is.stores_merged = upto(2);
		is.kind_cap = rarely() ? 5 + int(upto(20)) : 0;
		is.author_cap = rarely() ? 5 + int(upto(20)) : 0;
		is.ignores_until = rarely();
		is.byte_cap = rarely() ? 50 + int(upto(100)) : 0;
		is.look_back = rarely() ? 1 + upto(1000) : 0;
		is.pinned = rarely();
		is.ignores_limit = rarely();
		is.repeats = rarely();
		is.more = upto(3) == 0;
		is.lost_answers = rarely() ? 2 + int(upto(20)) : 0;
		is.notice_on_lost = upto(2);
		is.refuses_kinds = rarely();
		is.kinds_empty = seed % 16 == 0 && is.kind_cap == 0;
		is.foreign = rarely() ? 1 + int(upto(15)) : 0;
		auto events = history(int(upto(300)), seed);
		const bool crowded = upto(3) == 0;
		for (Stored &event : events) {
			if (crowded)
				event.created_at = kBase + (event.created_at - kBase) / (1 + upto(400));
			event.refused = upto(25) == 0;
		}
		if (upto(3) == 0 && !events.empty())
			add_hidden(events, int(upto(150)), events[upto(uint32_t(events.size()))].created_at,
					   upto(2));
		Relay relay(events, is, upto);
		const int64_t lower = upto(2) ? 0 : kBase + upto(5000);
		const TimeRange range{lower, lower + upto(20000) + (lower == 0 ? kBase : 0)};
		Pass passes[2];
		for (Pass &pass : passes) {
			Habits habits;
			const auto way = &pass == passes ? Pager::Way::Pages : Pager::Way::Windows;
			pass = read(relay, range, 5 + int(upto(200)), habits, 1 + int(upto(3)), 5000, way);
			ASSERT_TRUE(pass.ended) << "seed " << seed;
			ASSERT_TRUE(covers(pass, range)) << "seed " << seed;
			ASSERT_FALSE(reads_twice(pass)) << "seed " << seed;
			for (const Claim &claim : pass.claims) {
				ASSERT_GE(claim.range.lower, range.lower);
				ASSERT_LE(claim.range.upper, range.upper);
				ASSERT_LE(claim.range.lower, claim.range.upper);
				ASSERT_FALSE(claim.doubts.cut() && claim.evidence != Evidence::Partial);
			}
		}
		/* Confirmed is what both have read, unless the second found more there. */
		for (const Claim &claim : passes[0].claims) {
			if (claim.evidence != Evidence::Paged)
				continue;
			auto in_claim = [&](const Stored &event) {
				return event.created_at >= claim.range.lower &&
					   event.created_at <= claim.range.upper;
			};
			auto read_again = [&](int64_t second) {
				return std::any_of(
					passes[1].claims.begin(), passes[1].claims.end(), [&](const Claim &other) {
						return other.evidence == Evidence::Paged && second >= other.range.lower &&
							   second <= other.range.upper;
					});
			};
			int unseen = 0;
			bool found_more = false;
			for (const Stored &event : events) {
				const std::pair key{event.created_at, event.id};
				if (!relay.serves(event) || !in_claim(event) || passes[0].delivered.contains(key))
					continue;
				found_more |= passes[1].delivered.contains(key);
				unseen += !passes[1].delivered.contains(key) && read_again(event.created_at);
			}
			contradicted += found_more;
			confirmed += !found_more && read_again(claim.range.lower);
			ASSERT_TRUE(unseen == 0 || found_more) << "seed " << seed;
		}
	}
	EXPECT_GT(confirmed, 0);
	EXPECT_GT(contradicted, 0);
}
