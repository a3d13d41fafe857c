/*
 * The leases of this worker: a relay is archived by one worker at a time, also if several of them,
 * on several servers, share the relays. What a lease protects: sql/install/sync.sql.
 */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/* Which relays a worker reads. */
enum class Share : uint8_t
{
	Ordinary, // all but the priority relays
	Priority  // bigbrotr.priority_relays
};

class Leases
{
  public:
	/*
	 * Inside a transaction: nothing is leased to the worker of this name any more, neither by it
	 * nor by an earlier one, and it may lease relays of its share.
	 */
	void begin(std::string_view worker, Share share, int64_t now);
	/* Inside a transaction, every half minute. Throws pg::Error if they were taken away. */
	void renew(int64_t now) const;
	/*
	 * Inside a transaction that writes what came from relays: nobody takes them away until it ends.
	 * Throws pg::Error if that has happened.
	 */
	void hold() const;
	/* Once begun: the name of this worker, the same after each restart. */
	const std::string &owner() const { return owner_; }

  private:
	std::string owner_;
};
