/*
 * What came from the relays, counted here and written to _bigbrotr.relay_traffic and relay_refusals
 * now and then: a row that is updated with each batch has thousands of versions while one old
 * snapshot is open.
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
	std::string detail; // of the last one
};

struct Traffic
{
	int64_t events = 0, sightings = 0, messages = 0, bytes = 0, pages = 0;
	int64_t seconds = 0; // of history that were read
	int64_t delivered = 0,
			repeated = 0; // events in answer to questions; those not for the first time
	std::map<std::string, Refused> refusals; // by reason code

	Traffic &operator+=(const Traffic &more);
};

/* By relay_id. */
using TrafficMap = std::unordered_map<int32_t, Traffic>;

class TrafficBook
{
  public:
	/* Inside a transaction: writes what is counted of these relays, and `more` of them. */
	void write(const std::vector<int32_t> &relays, const TrafficMap &more, int64_t now) const;
	/* Inside a transaction: writes all. */
	void write_all(int64_t now) const;

	/* After the commit. */
	void add(const TrafficMap &more);
	void written(const std::vector<int32_t> &relays);
	void all_written() { waiting_.clear(); }

  private:
	TrafficMap waiting_;
};
