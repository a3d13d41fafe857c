/*
 * Whether a batch can be written without looking first for what is stored already.
 *
 * The look costs a tenth of the writing. Without it, one row that is stored makes the whole batch
 * fail: its rows and index entries were written for nothing, and it is written again. So the look
 * is left out only after many batches in a row that were all new, and after twice as many each time
 * when that failed.
 */
#pragma once

#include <algorithm>

namespace archive {

class Streak
{
  public:
	/* Is the next batch likely to be all new, too? */
	bool holds() const { return length_ >= needed_; }
	/* A batch was written; were all its rows new? */
	void add(bool all_new) { length_ = all_new ? std::min(length_ + 1, kMost) : 0; }
	/* A batch failed and is written again. */
	void end()
	{
		if (holds())
			needed_ = std::min(2 * needed_, kMost);
		length_ = 0;
	}

  private:
	static constexpr int kMost = 1024;
	int length_ = 0, needed_ = 8; // batches
};

} // namespace archive
