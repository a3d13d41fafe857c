/*
 * The leases of this worker. Only one worker at a time archives a relay, even if several workers
 * share the relays. sql/install/leases.sql says what a lease protects.
 */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/* Which relays a worker reads. */
enum class Share : uint8_t
{
	Ordinary, // all relays but the priority relays
	Priority  // bigbrotr.priority_relays
};

class Leases
{
  public:
	/*
	 * Must be called inside a transaction. Ends all leases under this worker's name, also those of
	 * an earlier process, and lets the worker lease relays of its share.
	 */
	void begin(std::string_view worker, Share share, int64_t now);
	/* Must be called inside a transaction every 20 seconds. Throws pg::Error if the leases were
	 * taken away. */
	void renew(int64_t now) const;
	/*
	 * Must be called inside a transaction that writes data from relays: until it ends, nobody can
	 * take the leases away. Throws pg::Error if the leases were taken away before.
	 */
	void hold() const;
	/* The name of this worker, which is the same after each restart; valid after begin(). */
	const std::string &owner() const { return owner_; }

  private:
	std::string owner_;
};
