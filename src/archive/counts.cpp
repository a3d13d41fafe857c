#include "counts.h"

#include "pg/spi.h"

namespace archive {

namespace {

pg::Statement count_statement("INSERT INTO bigbrotr.statistics_deltas (subject, keys, counts) "
							  "VALUES ($1, $2, $3)");

} // namespace

void
Counts::append_to_statistics(std::string_view subject) const
{
	if (counts_.empty())
		return;
	auto key = counts_.begin(), count = key;
	count_statement.run(
		{pg::value(subject), pg::int8_array(counts_.size(), [&](size_t) { return (key++)->first; }),
		 pg::int8_array(counts_.size(), [&](size_t) { return (count++)->second; })});
}

} // namespace archive
