/* Keys by which an index finds events with a tag. No function of this file fails. */
#pragma once

#include <cstdint>
#include <string_view>

#include "packed_tags.h"

namespace nostr {

/*
 * The key of a tag in an index: a 64-bit hash of the letter and the packed value. Keys may collide,
 * so the caller must compare the values after a look-up. Stored on disk: must never change.
 */
int64_t tag_key(char name, const PackedItem &value);
int64_t tag_key(char name, std::string_view value);

/*
 * The key with the time of the event in its lowest bits, so that the newest events with a tag can
 * be found without reading older ones. The time is the number of the week since 2020, or of a
 * period of 13 weeks if the value stands for 64 hex digits: ids and keys are many and each is rare,
 * so keys by week would make the index much larger. Stored on disk: must never change.
 */
constexpr int64_t kPeriods = 1024, kCoarsePeriod = 13;
/* The week of a time. Earlier times belong to the first week, later times to the last. */
int64_t period_of(int64_t created_at);
/* The first and the last second of a week. The first week begins at the lowest integer; the last
 * week ends at the highest. */
int64_t period_start(int64_t period);
int64_t period_end(int64_t period);
int64_t timed_tag_key(char name, const PackedItem &value, int64_t created_at);
/* The period in a timed key, and the same key with another period. */
constexpr int64_t
period_of_key(int64_t key)
{
	return key & (kPeriods - 1);
}
constexpr int64_t
with_period(int64_t key, int64_t period)
{
	return key - period_of_key(key) + period;
}

/* All timed keys of a tag in a range of weeks, both ends included. */
struct TagKeys
{
	int64_t first, last;
};
TagKeys timed_tag_keys(char name, std::string_view value, int64_t first_period,
					   int64_t last_period);

} // namespace nostr
