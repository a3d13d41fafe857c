/*
 * Counts the memory of everything under way, in bytes: events in flight, and memory reserved for
 * pages that were asked for and have not arrived. Sockets are always read. A page is not asked for
 * if its memory cannot be reserved; live events, which come unasked, are dropped while the budget
 * is full.
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

	/* Counts an event when it arrives, until it is committed or refused. */
	void charge(size_t bytes) { in_flight_ += bytes; }
	void give_back(size_t bytes) { in_flight_ -= bytes; }
	uint64_t in_flight() const { return in_flight_; }
	bool full() const { return in_flight_ > limit_; }

	/* The largest reservation of one page. */
	size_t largest_page() const { return limit_ / 8; }
	/* Reserves memory for a page, at most largest_page() bytes. A quarter of the budget stays free
	 * for live events. */
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

/* Memory reserved for the events of an answer until they arrive. */
class Promised
{
  public:
	/* The caller has reserved `bytes`. */
	Promised(Budget &budget, size_t bytes) : budget_(budget), bytes_(bytes) {}
	~Promised() { give_back(); }
	Promised(const Promised &) = delete;

	bool none() const { return bytes_ == 0; }
	/* Frees the reservation and takes over `bytes`, which the caller has reserved. */
	void take(size_t bytes)
	{
		give_back();
		bytes_ = bytes;
	}
	void give_back() { give_back(bytes_); }
	/* Memory that `call` charges is taken from this reservation. */
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
