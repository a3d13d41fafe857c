/*
 * Memory of everything under way, in bytes: what is in flight, and what was promised to pages that
 * were asked and have not arrived yet. Sockets are always read. A page that does not
 * fit is not asked for; live events, which come unasked, are dropped when the budget is full.
 */
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace net {

class Budget
{
  public:
	void set_limit(uint64_t bytes) { limit_ = bytes; }

	/* Charged when an event arrives, given back when it is committed or refused. */
	void charge(size_t bytes) { in_flight_ += bytes; }
	void give_back(size_t bytes) { in_flight_ -= bytes; }
	uint64_t in_flight() const { return in_flight_; }
	bool full() const { return in_flight_ > limit_; }

	/* The most that one page may be promised. */
	size_t largest_page() const { return limit_ / 8; }
	/* Promises room for a page of at most largest_page() bytes. A quarter is kept for live events.
	 */
	bool reserve(size_t bytes)
	{
		if (in_flight_ + reserved_ + bytes > limit_ / 4 * 3)
			return false;
		reserved_ += bytes;
		return true;
	}
	void release(size_t bytes) { reserved_ -= bytes; }

  private:
	uint64_t limit_ = 0;
	uint64_t in_flight_ = 0;
	uint64_t reserved_ = 0;
};

/* Room that is kept for the events of an answer until they have come. */
class Promised
{
  public:
	/* `bytes` were reserved. */
	Promised(Budget &budget, size_t bytes) : budget_(budget), bytes_(bytes) {}
	~Promised() { give_back(); }
	Promised(const Promised &) = delete;

	bool none() const { return bytes_ == 0; }
	/* Nothing is reserved any more, but for this. */
	void take(size_t bytes)
	{
		give_back();
		bytes_ = bytes;
	}
	void give_back() { give_back(bytes_); }
	/* What the call charges comes out of this. */
	void spend(auto call)
	{
		const uint64_t before = budget_.in_flight();
		call();
		give_back(budget_.in_flight() - std::min(before, budget_.in_flight()));
	}

  private:
	void give_back(size_t bytes)
	{
		bytes = std::min(bytes, bytes_);
		bytes_ -= bytes;
		budget_.release(bytes);
	}

	Budget &budget_;
	size_t bytes_;
};

} // namespace net
