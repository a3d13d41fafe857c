/*
 * Counts the rows of a batch by kind, day or relay for _bigbrotr.statistics_deltas, and passes the
 * new events to the finder.
 */
#pragma once

#include <cstdint>
#include <map>
#include <vector>

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
 * _bigbrotr.count_changes() does for other writers. */
void append_to_statistics(const Counts &kinds, const Counts &days, const Counts &relays);

/* Appends the eids of new events to _bigbrotr.finder_queue, as the trigger function
 * _bigbrotr.count_changes() does for other writers. */
void append_to_finder_queue(std::vector<int64_t> eids);

} // namespace archive
