/* What model relays hold in the tests of the pager, and what a whole reading of one showed. */
#pragma once

#include <random>

#include <gtest/gtest.h>

#include "model_relay.h"

namespace model {

constexpr int64_t kDay = 86400, kBase = 1700000000;

/* As Nostr is: seconds apart, several kinds and authors. */
inline std::vector<Stored>
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
inline Id
mixed_id(uint64_t number)
{
	return id_of((number + 1) * 0x9E3779B97F4A7C15);
}

inline void
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

inline uint32_t
never(uint32_t)
{
	return 1;
}

inline Pass
read_all(Relay &relay, int limit = 500, int readers = 1)
{
	Habits habits;
	return read(relay, {0, kBase + 1000 * kDay}, limit, habits, readers);
}

inline int64_t
unread(const Relay &relay, const Pass &pass)
{
	return std::count_if(relay.events().begin(), relay.events().end(), [&](const Stored &event) {
		return relay.serves(event) && !pass.delivered.contains({event.created_at, event.id});
	});
}

inline Doubts
all_doubts(const Pass &pass)
{
	Doubts doubts;
	for (const Claim &claim : pass.claims)
		doubts |= claim.doubts;
	return doubts;
}

/* The claims cover the range, and none of it twice. */
inline void
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

/* Whether two claims that call something read are about the same second. */
inline bool
reads_twice(Pass pass)
{
	std::erase_if(pass.claims, [](const Claim &claim) { return claim.evidence < Evidence::Paged; });
	std::sort(pass.claims.begin(), pass.claims.end(),
			  [](const Claim &a, const Claim &b) { return a.range.lower < b.range.lower; });
	for (size_t i = 1; i < pass.claims.size(); i++)
		if (pass.claims[i].range.lower <= pass.claims[i - 1].range.upper)
			return true;
	return false;
}

/* Whether each second of the range is claimed. */
inline bool
covers(Pass pass, TimeRange range)
{
	std::sort(pass.claims.begin(), pass.claims.end(),
			  [](const Claim &a, const Claim &b) { return a.range.lower < b.range.lower; });
	for (const Claim &claim : pass.claims)
		if (claim.range.lower <= range.lower)
			range.lower = std::max(range.lower, claim.range.upper + 1);
	return range.lower > range.upper;
}

inline bool
all_read(const Pass &pass)
{
	return std::all_of(pass.claims.begin(), pass.claims.end(), [](const Claim &claim) {
		return claim.evidence >= Evidence::Paged && !claim.doubts.cut();
	});
}

} // namespace model
