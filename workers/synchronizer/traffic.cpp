#include "workers/synchronizer/traffic.h"

#include <algorithm>

#include "pg/border/spi.h"

namespace {

constexpr size_t kMaxReasons = 100; // per relay; the net process has fewer reason codes

pg::Statement
	traffic_statement("SELECT _bigbrotr.count_traffic($1, $2, $3, $4, $5, $6, $7, $8, $9, "
					  "$10)");
pg::Statement refusals_statement("SELECT _bigbrotr.count_refusals($1, $2, $3, $4, $5)");

using Rows = std::vector<std::pair<int32_t, Traffic>>;

void
write_refusals(const Rows &rows, int64_t now)
{
	std::vector<std::pair<int32_t, const std::pair<const std::string, Refused> *>> refusals;
	for (const auto &[relay, traffic] : rows)
		for (const auto &refusal : traffic.refusals)
			refusals.emplace_back(relay, &refusal);
	size_t n = refusals.size();
	if (n == 0)
		return;
	refusals_statement.run(
		{pg::int4_array(n, [&](size_t i) { return refusals[i].first; }),
		 pg::text_array(n, [&](size_t i) { return std::string_view(refusals[i].second->first); }),
		 pg::int8_array(n, [&](size_t i) { return refusals[i].second->second.count; }),
		 pg::text_array(
			 n, [&](size_t i) { return std::string_view(refusals[i].second->second.detail); }),
		 pg::value(now)});
}

/* Writes in the order of relay_id, as all writers do, to avoid deadlocks. */
void
write_rows(Rows rows, int64_t now)
{
	if (rows.empty())
		return;
	std::sort(rows.begin(), rows.end(), [](auto &a, auto &b) { return a.first < b.first; });
	auto column = [&](int64_t Traffic::*count) {
		return pg::int8_array(rows.size(), [&](size_t i) { return rows[i].second.*count; });
	};
	traffic_statement.run({pg::int4_array(rows.size(), [&](size_t i) { return rows[i].first; }),
						   column(&Traffic::events), column(&Traffic::sightings),
						   column(&Traffic::messages), column(&Traffic::bytes),
						   column(&Traffic::pages), pg::value(now), column(&Traffic::seconds),
						   column(&Traffic::delivered), column(&Traffic::repeated)});
	write_refusals(rows, now);
}

Traffic
traffic_of(const TrafficMap &map, int32_t relay)
{
	auto found = map.find(relay);
	return found == map.end() ? Traffic{} : found->second;
}

} // namespace

Traffic &
Traffic::operator+=(const Traffic &more)
{
	events += more.events;
	sightings += more.sightings;
	messages += more.messages;
	bytes += more.bytes;
	pages += more.pages;
	seconds += more.seconds;
	delivered += more.delivered;
	repeated += more.repeated;
	for (const auto &[reason, refused] : more.refusals) {
		bool full = refusals.size() >= kMaxReasons && !refusals.contains(reason);
		Refused &sum = refusals[full ? "other" : reason];
		sum.count += refused.count;
		sum.detail = refused.detail;
	}
	return *this;
}

void
TrafficBook::write(const std::vector<int32_t> &relays, const TrafficMap &more, int64_t now) const
{
	Rows rows;
	for (int32_t relay : relays)
		rows.emplace_back(relay, traffic_of(waiting_, relay) += traffic_of(more, relay));
	write_rows(std::move(rows), now);
}

void
TrafficBook::write_all(int64_t now) const
{
	write_rows(Rows(waiting_.begin(), waiting_.end()), now);
}

void
TrafficBook::add(const TrafficMap &more)
{
	for (const auto &[relay, traffic] : more)
		waiting_[relay] += traffic;
}

void
TrafficBook::written(const std::vector<int32_t> &relays)
{
	for (int32_t relay : relays)
		waiting_.erase(relay);
}
