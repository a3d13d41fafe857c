#include "tag_keys.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace nostr {

int64_t
tag_key(char name, const PackedItem &value)
{
	uint64_t hash = 0xcbf29ce484222325;
	auto mix = [&](uint64_t word) {
		hash = (hash ^ word) * 0x9e3779b97f4a7c15;
		hash ^= hash >> 32;
	};
	mix(static_cast<uint8_t>(name) | uint64_t{value.hex} << 8 | uint64_t{value.bytes.size()} << 16);
	for (std::string_view rest = value.bytes; !rest.empty();) {
		uint64_t word = 0;
		size_t size = std::min(rest.size(), sizeof word);
		memcpy(&word, rest.data(), size);
		mix(word);
		rest.remove_prefix(size);
	}
	return static_cast<int64_t>(hash);
}

int64_t
tag_key(char name, std::string_view value)
{
	HexBytes buffer;
	return tag_key(name, pack_item(value, buffer));
}

namespace {

constexpr int64_t kFirstPeriod = 1577836800, kPeriod = 7 * 86400; // from 2020-01-01, seconds

int64_t
timed(int64_t key, bool hex, int64_t period)
{
	return with_period(key, hex ? period - period % kCoarsePeriod : period);
}

} // namespace

int64_t
period_of(int64_t created_at)
{
	return created_at <= kFirstPeriod
			   ? 0
			   : std::min((created_at - kFirstPeriod) / kPeriod, kPeriods - 1);
}

int64_t
period_start(int64_t period)
{
	return period <= 0 ? std::numeric_limits<int64_t>::min() : kFirstPeriod + period * kPeriod;
}

int64_t
period_end(int64_t period)
{
	return period >= kPeriods - 1 ? std::numeric_limits<int64_t>::max()
								  : period_start(period + 1) - 1;
}

int64_t
timed_tag_key(char name, const PackedItem &value, int64_t created_at)
{
	return timed(tag_key(name, value), value.hex, period_of(created_at));
}

TagKeys
timed_tag_keys(char name, std::string_view value, int64_t first_period, int64_t last_period)
{
	HexBytes buffer;
	PackedItem item = pack_item(value, buffer);
	int64_t key = tag_key(name, item);
	return {timed(key, item.hex, first_period), timed(key, item.hex, last_period)};
}

} // namespace nostr
