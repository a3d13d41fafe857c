#include "tag_ranges.h"

extern "C" {
#include "catalog/pg_type.h"
}

namespace archive {

ArrayType *
tag_ranges(const nostr::TagCondition &tag, Weeks weeks, size_t from, size_t most)
{
	size_t end = from + std::min(most, tag.values.size() - from);
	auto *keys = static_cast<Datum *>(palloc((2 * (end - from) + 1) * sizeof(Datum)));
	int count = 0;
	for (size_t i = from; i < end; i++) {
		nostr::TagKeys range =
			nostr::timed_tag_keys(tag.name, tag.values[i], weeks.first, weeks.last);
		keys[count++] = Int64GetDatum(range.first);
		keys[count++] = Int64GetDatum(range.last);
	}
	ArrayType *out =
		construct_array(keys, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	pfree(keys);
	return out;
}

} // namespace archive
