/*
 * Decides if a batch can be written without first looking up which rows exist.
 *
 * The look-up takes a tenth of the writing time. Without it, a single existing row makes the whole
 * batch fail: its rows and index entries were written in vain, and the batch is written again. So
 * the look-up is skipped only after many batches in a row that were all new, and each failure
 * doubles that number.
 */
#pragma once

#include <algorithm>

namespace archive {

class Streak
{
  public:
	/* Whether the next batch is probably all new. */
	bool holds() const { return length_ >= needed_; }
	/* Must be called when a batch was written. `all_new`: all its rows were new. */
	void add(bool all_new) { length_ = all_new ? std::min(length_ + 1, kMost) : 0; }
	/* Must be called when a batch failed and is written again. */
	void end()
	{
		if (holds())
			needed_ = std::min(2 * needed_, kMost);
		length_ = 0;
	}

  private:
	static constexpr int kMost = 1024;
	int length_ = 0, needed_ = 8; // numbers of batches
};

} // namespace archive
