/*
 * The pager against relays whose truth is known: what is claimed must be so, what a relay serves
 * must come, and each doubt must be named. The letters are those of the scenarios in
 * docs/development/paging.md.
 */
#include <random>

#include <gtest/gtest.h>

#include "model_relay.h"

using namespace model;

namespace {

constexpr int64_t kDay = 86400, kBase = 1700000000;

/* As Nostr is: seconds apart, several kinds and authors. */
std::vector<Stored>
history(int count, uint32_t seed = 1)
{
	std::mt19937 random(seed);
	std::vector<Stored> events;
	int64_t time = kBase;
	for (int i = 0; i < count; i++) {
		Stored event;
		event.created_at = time += 1 + random() % 120;
		event.id = id_of(random());
		event.kind = std::array{1, 1, 1, 7, 6, 0, 30023}[random() % 7];
		event.author[0] = uint8_t(random() % 40);
		event.order = random();
		event.size = 1 + int(random() % 5);
		events.push_back(event);
	}
	return events;
}

/* Ids of numbers one after the other, in no order. */
Id
mixed_id(uint64_t number)
{
	return id_of((number + 1) * 0x9E3779B97F4A7C15);
}

void
add_hidden(std::vector<Stored> &events, int count, int64_t from, int64_t step)
{
	for (int i = 0; i < count; i++) {
		Stored event;
		event.created_at = from + i * step;
		event.id = mixed_id(100000 + events.size());
		event.kind = 1059;
		event.author[0] = uint8_t(100 + i % 100);
		event.hidden = true;
		events.push_back(event);
	}
}

uint32_t
never(uint32_t)
{
	return 1;
}

Pass
read_all(Relay &relay, int limit = 500, int readers = 1)
{
	Habits habits;
	return read(relay, {0, kBase + 1000 * kDay}, limit, habits, readers);
}

int64_t
unread(const Relay &relay, const Pass &pass)
{
	return std::count_if(relay.events().begin(), relay.events().end(), [&](const Stored &event) {
		return relay.serves(event) && !pass.delivered.contains({event.created_at, event.id});
	});
}

Doubts
all_doubts(const Pass &pass)
{
	Doubts doubts;
	for (const Claim &claim : pass.claims)
		doubts |= claim.doubts;
	return doubts;
}

/* The claims cover the range, and none of it twice. */
void
expect_partition(Pass pass, TimeRange range)
{
	std::sort(pass.claims.begin(), pass.claims.end(),
			  [](const Claim &a, const Claim &b) { return a.range.upper > b.range.upper; });
	int64_t upper = range.upper;
	for (const Claim &claim : pass.claims) {
		ASSERT_EQ(claim.range.upper, upper);
		ASSERT_LE(claim.range.lower, claim.range.upper);
		upper = claim.range.lower - 1;
	}
	ASSERT_EQ(upper, range.lower - 1);
}

bool
all_read(const Pass &pass)
{
	return std::all_of(pass.claims.begin(), pass.claims.end(), [](const Claim &claim) {
		return claim.evidence >= Evidence::Paged && !claim.doubts.cut();
	});
}

} // namespace

TEST(Pager, HonestRelayIsReadOnce)
{
	for (int readers : {1, 2, 4}) {
		Relay relay(history(20000), {.cap = 500}, never);
		const Pass pass = read_all(relay, 500, readers);
		EXPECT_TRUE(pass.ended);
		EXPECT_EQ(unread(relay, pass), 0);
		EXPECT_TRUE(all_read(pass));
		ASSERT_NO_FATAL_FAILURE(expect_partition(pass, {0, kBase + 1000 * kDay}));
		EXPECT_LE(pass.raw, 20000 * 1.05);
		int64_t events = 0;
		for (const Claim &claim : pass.claims)
			events += claim.events;
		EXPECT_EQ(events, 20000);
	}
}

TEST(Pager, EmptyRelayProvesNothing)
{
	Relay relay({}, {}, never);
	const Pass pass = read_all(relay);
	EXPECT_TRUE(pass.ended);
	ASSERT_EQ(pass.claims.size(), 1u);
	EXPECT_EQ(pass.claims[0].evidence, Evidence::Partial);
	EXPECT_TRUE(pass.claims[0].doubts.has(Doubt::EndUnprobed));
}

TEST(Pager, EmptyRangeBetweenEventsIsRead)
{
	auto events = history(100);
	for (Stored &event : events)
		if (event.created_at > kBase + 2000)
			event.created_at += kDay;
	Relay relay(events, {}, never);
	Habits habits;
	const TimeRange range{kBase + 10000, kBase + 20000};
	const Pass pass = read(relay, range, 500, habits);
	ASSERT_EQ(pass.claims.size(), 1u);
	EXPECT_EQ(pass.claims[0],
			  (Claim{.range = range, .evidence = Evidence::Paged, .doubts = {}, .events = 0}));
}

/* interop.md F1a to F1d: as many hidden events as the relay sends at most. */
TEST(Pager, HiddenRunIsPassed)
{
	for (int hidden : {499, 500, 600}) {
		for (int64_t step : {0, 1}) {
			auto events = history(950);
			add_hidden(events, hidden, events[899].created_at + 1, step);
			Relay relay(events, {.cap = 500}, never);
			const Pass pass = read_all(relay);
			EXPECT_EQ(unread(relay, pass), 0) << hidden;
			EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << hidden;
			EXPECT_TRUE(pass.ended);
		}
	}
}

/* interop.md F2. */
TEST(Pager, SecondWithHiddenEventsIsDenseAndSplit)
{
	auto events = history(1000);
	const int64_t second = events[500].created_at;
	for (int i = 0; i < 400; i++) {
		Stored event{.created_at = second, .id = mixed_id(uint64_t(i))};
		event.author[0] = uint8_t(i % 50);
		events.push_back(event);
	}
	add_hidden(events, 300, second, 0);
	Relay relay(events, {.cap = 500}, never);
	const Pass pass = read_all(relay);
	EXPECT_EQ(unread(relay, pass), 0);
	EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0);
	EXPECT_TRUE(all_doubts(pass).has(Doubt::Dense));
}

TEST(Pager, OldestSecondWithHiddenEventsIsNotWhole)
{
	for (int cap : {100, 500}) {
		auto events = history(900);
		for (int i = 0; i < 400; i++) {
			Stored event{.created_at = kBase, .id = mixed_id(uint64_t(i))};
			event.author[0] = uint8_t(i % 40);
			events.push_back(event);
		}
		add_hidden(events, 300, kBase, 0);
		Relay relay(events, {.cap = cap}, never);
		EXPECT_EQ(missing(relay, read_all(relay), Evidence::Paged), 0) << cap;
		for (int limit : {5, 10, 20, 60}) {
			EXPECT_EQ(missing(relay, read_all(relay, limit), Evidence::Paged), 0) << limit;
		}
	}
}

TEST(Pager, HiddenEventsInSmallWindows)
{
	for (uint32_t seed = 0; seed < 60; seed++) {
		auto events = history(900, seed);
		const int64_t second = events[450].created_at;
		for (int i = 0; i < 400; i++) {
			Stored event{.created_at = second, .id = mixed_id(1000 * seed + uint64_t(i))};
			event.author[0] = uint8_t(i % 40);
			events.push_back(event);
		}
		add_hidden(events, 2000, second, 0);
		Relay relay(events, {.cap = 100}, never);
		Habits habits;
		habits.faults = 3;
		const Pass pass = read(relay, {second - 5000, second + 5000}, 5 + int(seed % 20), habits);
		EXPECT_TRUE(pass.ended);
		EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << seed;
	}
}

TEST(Pager, DenseSecondIsSplitByKindsAndAuthors)
{
	std::mt19937 random(3);
	auto events = history(300);
	for (int i = 0; i < 1500; i++) {
		Stored event{.created_at = kBase + 5000, .id = mixed_id(uint64_t(i))};
		event.kind = i % 2 ? 1 : 7;
		event.author[0] = uint8_t(random() % 8);
		events.push_back(event);
	}
	Relay relay(events, {.cap = 300}, never);
	const Pass pass = read_all(relay, 300);
	EXPECT_EQ(unread(relay, pass), 0);
	EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0);
	EXPECT_TRUE(all_doubts(pass).has(Doubt::Dense));
	/* A larger limit shows it whole. */
	Relay generous(events, {.cap = 5000}, never);
	Habits habits;
	EXPECT_TRUE(all_read(read(generous, {kBase, kBase + 5000}, 500, habits)));
}

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
		Scenario{"F11_until", {.cap = 200, .until_exclusive = true}},
		Scenario{"F12_since", {.cap = 200, .until_exclusive = true, .since_exclusive = true}},
		Scenario{"F13_bytes", {.cap = 200, .byte_cap = 250}},
		Scenario{"F13_repeats", {.cap = 200, .repeats = true}},
		Scenario{"F19_foreign", {.cap = 200, .foreign = true}},
		Scenario{"no_limit", {.cap = 100000, .ignores_limit = true}},
		Scenario{"no_kinds", {.cap = 200, .refuses_kinds = true}},
		Scenario{"kinds_empty", {.cap = 200, .kinds_empty = true}},
		Scenario{"kinds_empty_unordered", {.cap = 200, .by_insertion = true, .kinds_empty = true}}),
	[](const auto &info) { return info.param.name; });

/* F13: windows hold few events, but large ones, and the relay ends its answers by bytes. */
TEST(Pager, AWindowThatIsCutByBytesIsNotBelieved)
{
	auto events = history(300);
	const int64_t second = events[150].created_at;
	for (const int64_t around : {0, 1, 50, 5000}) {
		for (const bool crowded : {true, false}) {
			for (size_t i = 147; i < 153; i++) {
				events[i].created_at = crowded ? second : second + int64_t(i) - 150;
				events[i].size = 60;
			}
			Relay relay(events, {.cap = 200, .byte_cap = 200}, never);
			Habits habits;
			const Pass pass = read(relay, {second - around, second + around}, 100, habits, 1, 5000,
								   Pager::Way::Windows);
			EXPECT_TRUE(pass.ended);
			EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << around << crowded;
		}
	}
}

/* F2, F3: an empty answer that is none. */
TEST(Pager, FailingStoreProvesNoEnd)
{
	for (bool notice : {false, true}) {
		for (uint32_t fails_from = 1; fails_from < 20; fails_from++) {
			uint32_t asked = 0;
			Relay relay(history(1500), {.cap = 200, .lost_answers = 2, .notice_on_lost = notice},
						[&](uint32_t) { return ++asked >= fails_from ? 0u : 1u; });
			const Pass pass = read_all(relay);
			EXPECT_TRUE(pass.ended);
			EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << fails_from;
		}
	}
}

TEST(Pager, NoticeMakesAPageAskedAgain)
{
	uint32_t asked = 0;
	Relay relay(history(1500), {.cap = 200, .lost_answers = 2, .notice_on_lost = true},
				[&](uint32_t) { return ++asked == 3 ? 0u : 1u; });
	const Pass pass = read_all(relay);
	EXPECT_EQ(unread(relay, pass), 0);
	EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0);
}

TEST(Pager, RefusedEventsAreCounted)
{
	auto events = history(1200);
	for (size_t i = 0; i < events.size(); i += 10)
		events[i].refused = true;
	Relay relay(events, {.cap = 300}, never);
	const Pass pass = read_all(relay);
	EXPECT_EQ(unread(relay, pass), 0);
	EXPECT_TRUE(all_doubts(pass).has(Doubt::Refused));
	EXPECT_TRUE(all_read(pass));
}

TEST(Pager, RefusedEventsCannotPullTheRangeDown)
{
	/* One forged time among good events must not make the pass skip what lies between. */
	Habits habits;
	Pager pager({0, 200}, 500, {}, habits);
	const auto question = pager.next();
	Answer *answer = pager.answer(question->number);
	answer->add({150, id_of(1), 1, {}});
	answer->refuse(3);
	pager.end(question->number);
	std::optional<Pager::Question> next;
	while ((next = pager.next()) && !next->page)
		;
	ASSERT_TRUE(next);
	EXPECT_EQ(next->window.until, 150);
}

TEST(Pager, WhatIsCutIsClaimedDownToWhereItWasShown)
{
	Habits habits;
	Pager pager({0, 200}, 2, {}, habits);
	const auto question = pager.next();
	EXPECT_EQ(question->window.until, 201);
	Answer *answer = pager.answer(question->number);
	for (int64_t second : {190, 180, 100, 50})
		answer->add({second, id_of(uint64_t(second)), 1, {}});
	answer->cut();
	auto claims = pager.end(question->number);
	for (auto next = pager.next(); next; next = pager.next())
		if (next->page)
			EXPECT_EQ(next->window.until, 180);
		else
			for (const Claim &claim : pager.end(next->number))
				claims.push_back(claim);
	for (const Claim &claim : claims)
		EXPECT_GT(claim.range.lower, 180);
}

TEST(Pager, EventsOutsideTheQuestionAreForeign)
{
	Habits habits;
	Pager pager({100, 200}, 500, {}, habits);
	Answer *answer = pager.answer(pager.next()->number);
	EXPECT_TRUE(answer->add({201, id_of(1), 1, {}}));
	EXPECT_FALSE(answer->add({98, id_of(2), 1, {}}));
	EXPECT_FALSE(answer->doubts().has(Doubt::Foreign));
	EXPECT_FALSE(answer->add({202, id_of(3), 1, {}}));
	EXPECT_TRUE(answer->doubts().has(Doubt::Foreign));
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
		is.foreign = rarely();
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

TEST(Evidence, WordsAreStable)
{
	std::set<std::string> codes;
	Doubts all(Doubts::kAll);
	all.for_each([&](Doubt doubt) { codes.insert(doubt_facts(doubt).code); });
	EXPECT_EQ(codes.size(), kDoubts);
	EXPECT_TRUE(Doubts(Doubt::EndUnprobed).cut());
	EXPECT_FALSE((Doubts(Doubt::Auth) | Doubt::Unencrypted).cut());
	for (Evidence evidence :
		 {Evidence::Partial, Evidence::Paged, Evidence::Confirmed, Evidence::Reconciled})
		EXPECT_EQ(evidence_of(evidence_name(evidence)), evidence);
	EXPECT_EQ(evidence_of("exhausted"), std::nullopt);
}
