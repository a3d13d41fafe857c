/*
 * Counts what each relay delivers and writes the counts to _bigbrotr.relay_traffic and
 * _bigbrotr.relay_refusals every 20 seconds. With an update per batch, a row would have thousands
 * of versions while an old snapshot is open.
 */
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

struct Refused
{
	int64_t count = 0;
	std::string detail; // detail of the last refusal
};

struct Traffic
{
	int64_t events = 0, sightings = 0, messages = 0, bytes = 0, pages = 0;
	int64_t seconds = 0; // seconds of history that were read
	int64_t delivered = 0,
			repeated = 0; // events in answers; those that the same reading had delivered before
	std::map<std::string, Refused> refusals; // by reason code

	Traffic &operator+=(const Traffic &more);
};

/* Counts by relay_id. */
using TrafficMap = std::unordered_map<int32_t, Traffic>;

class TrafficBook
{
  public:
	/* Must be called inside a transaction. Writes the counts of these relays and `more`. */
	void write(const std::vector<int32_t> &relays, const TrafficMap &more, int64_t now) const;
	/* Must be called inside a transaction. Writes all counts. */
	void write_all(int64_t now) const;

	/* These three must be called after the commit, because a transaction may be repeated. */
	void add(const TrafficMap &more);
	void written(const std::vector<int32_t> &relays);
	void all_written() { waiting_.clear(); }

  private:
	TrafficMap waiting_;
};
