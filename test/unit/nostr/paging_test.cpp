/*
 * The pager against relays whose truth is known: what is claimed must be so, what a relay serves
 * must come, and each doubt must be named. The letters are those of the scenarios in
 * docs/development/paging.md.
 */
#include <gtest/gtest.h>

#include "model_history.h"

using namespace model;

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
	for (uint8_t author = 0; author < 8; author++) // each has an older event
		events.push_back(
			{.created_at = kBase + author, .id = mixed_id(2000U + author), .author = {author}});
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

/* A page of the second shows only the authors with the lowest ids. The relay has shown the others
 * before. */
TEST(Pager, DenseSecondIsSplitByAuthorsOfOtherSeconds)
{
	auto events = history(300);
	for (int author = 0; author < 20; author++)
		for (int i = 0; i < 41; i++) {
			const bool dense = i < 40;
			Stored event{.created_at = dense ? kBase + 5000 : kBase + 6000 + author,
						 .id = id_of(uint64_t(author) | uint64_t(i + 1) << 16)};
			event.author[0] = uint8_t(author + 100);
			events.push_back(event);
		}
	Relay relay(events, {.cap = 100}, never);
	const Pass pass = read_all(relay, 100);
	EXPECT_EQ(unread(relay, pass), 0);
	EXPECT_TRUE(all_doubts(pass).has(Doubt::Dense));
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

/* The page after a page shows nothing of the second in which the first one ended. */
TEST(Pager, APageWithoutItsFirstSecondClaimsNothingAndIsChecked)
{
	Habits habits;
	Pager pager({0, 1000}, 2, {}, habits);
	int pages = 0, questions = 0;
	std::vector<Claim> claims;
	const auto end = [&](uint32_t number) {
		const auto told = pager.end(number);
		claims.insert(claims.end(), told.begin(), told.end());
	};
	for (auto next = pager.next(); next && questions < 100; next = pager.next(), questions++) {
		Answer *answer = pager.answer(next->number);
		if (!next->page && pages < 2)
			answer->add({900, id_of(1), 1, {}});
		else if (!next->page)
			answer->refuse(std::nullopt);
		else if (pages++ == 0) {
			answer->add({900, id_of(1), 1, {}});
			answer->add({800, id_of(2), 1, {}});
		} else if (pages <= 3) {
			answer->add({799, id_of(3), 1, {}});
			answer->add({799, id_of(4), 1, {}});
		}
		end(next->number);
	}
	for (const Claim &claim : claims) {
		EXPECT_LE(claim.range.lower, claim.range.upper);
		EXPECT_FALSE(claim.range.lower <= 800 && claim.range.upper >= 800 &&
					 claim.evidence != Evidence::Partial);
	}
}

TEST(Pager, EventsAtTheEndOfTimeClaimNothingElse)
{
	for (int count : {1, 10, 20, 100}) {
		std::vector<Stored> events;
		for (int i = 0; i < count; i++)
			events.push_back({INT64_MAX, id_of(uint64_t(i))});
		for (int i = 0; i < 5; i++)
			events.push_back({kBase + i, id_of(uint64_t(1000 + i))});
		Relay relay(events, {.cap = 20}, never);
		Habits habits;
		const Pass pass = read(relay, {kBase - 10, Pager::kOpenEnd}, 20, habits);
		for (const Claim &claim : pass.claims) {
			EXPECT_GE(claim.range.lower, kBase - 10) << count;
			EXPECT_LE(claim.range.lower, claim.range.upper) << count;
		}
	}
}

/* A relay that takes `until` as exclusive answers a question about a second with older events. */
TEST(Pager, ADenseSecondIsWholeOnlyIfItIsShown)
{
	for (int dense : {12, 30, 60}) {
		auto events = history(200);
		const int64_t second = events[100].created_at;
		events[99].created_at = second - 1;
		for (int i = 0; i < dense; i++)
			events.push_back({second, mixed_id(uint64_t(i))});
		Relay relay(events, {.cap = 100, .until_exclusive = true}, never);
		Habits habits;
		const Pass pass = read(relay, {0, second}, 10, habits);
		EXPECT_EQ(missing(relay, pass, Evidence::Paged), 0) << dense;
		EXPECT_NE(habits.until, Habits::Until::Inclusive) << dense;
	}
}

TEST(Pager, ADenseSecondCountsWhatIsRefused)
{
	auto events = history(200);
	const int64_t second = events[100].created_at;
	for (int i = 0; i < 30; i++)
		events.push_back({.created_at = second,
						  .id = mixed_id(uint64_t(i)),
						  .author = {uint8_t(i)},
						  .refused = i == 25});
	Relay relay(events, {.cap = 100}, never);
	const Pass pass = read_all(relay, 10);
	int64_t refused = 0;
	for (const Claim &claim : pass.claims)
		if (claim.range.lower <= second && claim.range.upper >= second) {
			refused += claim.refused;
			EXPECT_TRUE(claim.doubts.has(Doubt::Refused) || claim.doubts.has(Doubt::Dense));
		}
	EXPECT_EQ(refused, 1);
}
