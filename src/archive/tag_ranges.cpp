#include "tag_ranges.h"

extern "C" {
#include "catalog/pg_type.h"
}

namespace archive {

namespace {

static_assert(sizeof(nostr::TagKeys) == 2 * sizeof(int64), "elements of an array");

nostr::TagKeys *
make_ranges(size_t count)
{
	return static_cast<nostr::TagKeys *>(palloc((count + 1) * sizeof(nostr::TagKeys)));
}

} // namespace

TagRanges
tag_ranges(const nostr::TagCondition &tag, Weeks weeks)
{
	nostr::TagKeys *out = make_ranges(tag.values.size());
	for (size_t i = 0; i < tag.values.size(); i++)
		out[i] = nostr::timed_tag_keys(tag.name, tag.values[i], weeks.first, weeks.last);
	return {out, tag.values.size()};
}

Weeks
weeks_of(const TagRanges &ranges)
{
	Weeks out = {nostr::kPeriods - 1, 0};
	for (size_t i = 0; i < ranges.count; i++) {
		out.first = std::min(out.first, nostr::period_of_key(ranges.items[i].first));
		out.last = std::max(out.last, nostr::period_of_key(ranges.items[i].last));
	}
	return out;
}

TagRanges
within(const TagRanges &ranges, Weeks weeks)
{
	nostr::TagKeys *out = make_ranges(ranges.count);
	size_t count = 0;
	for (size_t i = 0; i < ranges.count; i++) {
		const nostr::TagKeys &range = ranges.items[i];
		nostr::TagKeys part = {std::max(range.first, nostr::with_period(range.first, weeks.first)),
							   std::min(range.last, nostr::with_period(range.last, weeks.last))};
		if (part.first <= part.last)
			out[count++] = part;
	}
	return {out, count};
}

TagRanges
part_of(const TagRanges &ranges, size_t from, size_t most)
{
	return {ranges.items + from, std::min(most, ranges.count - from)};
}

TagRanges
some_of(const TagRanges &ranges, size_t most)
{
	size_t count = std::min(most, ranges.count);
	nostr::TagKeys *out = make_ranges(count);
	for (size_t i = 0; i < count; i++)
		out[i] = ranges.items[i * ranges.count / count];
	return {out, count};
}

ArrayType *
to_array(const TagRanges &ranges)
{
	return construct_array(reinterpret_cast<Datum *>(const_cast<nostr::TagKeys *>(ranges.items)),
						   static_cast<int>(2 * ranges.count), INT8OID, sizeof(int64),
						   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

} // namespace archive
