#include "counts.h"

#include "pg/border/spi.h"

namespace archive {

namespace {

pg::Statement count_statement("INSERT INTO _bigbrotr.statistics_deltas (subject, keys, counts) "
							  "SELECT c.subject, c.keys, c.counts "
							  "FROM (VALUES ('kind', $1, $2), ('day', $3, $4), ('relay', $5, $6)) "
							  "AS c (subject, keys, counts) "
							  "WHERE cardinality(c.keys) > 0");

pg::Value
keys_of(const Counts &counts)
{
	auto next = counts.all().begin();
	return pg::int8_array(counts.all().size(), [&](size_t) { return (next++)->first; });
}

pg::Value
counts_of(const Counts &counts)
{
	auto next = counts.all().begin();
	return pg::int8_array(counts.all().size(), [&](size_t) { return (next++)->second; });
}

} // namespace

void
append_to_statistics(const Counts &kinds, const Counts &days, const Counts &relays)
{
	if (kinds.all().empty() && relays.all().empty())
		return;
	count_statement.run({keys_of(kinds), counts_of(kinds), keys_of(days), counts_of(days),
						 keys_of(relays), counts_of(relays)});
}

} // namespace archive
