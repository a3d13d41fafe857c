#include "counts.h"

#include <algorithm>

#include "pg/border/spi.h"

namespace archive {

namespace {

pg::Statement count_statement("INSERT INTO _bigbrotr.statistics_deltas (subject, keys, counts) "
							  "SELECT c.subject, c.keys, c.counts "
							  "FROM (VALUES ('kind', $1, $2), ('day', $3, $4), ('relay', $5, $6)) "
							  "AS c (subject, keys, counts) "
							  "WHERE cardinality(c.keys) > 0");

pg::Statement queue_statement("SELECT _bigbrotr.queue_eids($1, $2)");

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

void
append_to_finder_queue(std::vector<int64_t> eids)
{
	if (eids.empty())
		return;
	std::sort(eids.begin(), eids.end());
	std::vector<int64_t> lowers, uppers;
	for (int64_t eid : eids) {
		if (uppers.empty() || uppers.back() + 1 != eid) {
			lowers.push_back(eid);
			uppers.push_back(eid);
		}
		uppers.back() = eid;
	}
	queue_statement.run({pg::int8_array(lowers.size(), [&](size_t i) { return lowers[i]; }),
						 pg::int8_array(uppers.size(), [&](size_t i) { return uppers[i]; })});
}

} // namespace archive
