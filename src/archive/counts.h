/*
 * How many rows of each kind, day or relay a batch has, for __bigbrotr.statistics_deltas.
 */
#pragma once

#include <cstdint>
#include <map>

namespace archive {

class Counts
{
  public:
	void add(int64_t key) { counts_[key]++; }
	const std::map<int64_t, int64_t> &all() const { return counts_; }

  private:
	std::map<int64_t, int64_t> counts_;
};

/* Appends the counts to _bigbrotr.statistics_deltas, as the trigger function
 * _bigbrotr.count_changes() does. */
void append_to_statistics(const Counts &kinds, const Counts &days, const Counts &relays);

} // namespace archive
