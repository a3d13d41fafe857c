#include "workers/synchronizer/audits.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>

#include "archive/retention.h"
#include "pg/border/spi.h"
#include "workers/synchronizer/settings.h"

namespace {

/* For sightings that are not archived yet: their position, and created_at of the event if the event
 * is archived. */
pg::Statement unseen_statement(
	"SELECT a.n, e.created_at FROM unnest($1, $2) WITH ORDINALITY AS a (event_id, relay_id, n) "
	"LEFT JOIN bigbrotr.events AS e ON e.event_id = a.event_id "
	"WHERE NOT EXISTS (SELECT FROM bigbrotr.sightings AS s "
	"WHERE s.eid = e.eid AND s.relay_id = a.relay_id)");
/* The positions of events that the filter matches. */
pg::Statement matched_statement(
	"SELECT a.n FROM unnest($1, $2) WITH ORDINALITY AS a (event_id, filter_id, n) "
	"JOIN bigbrotr.events AS e ON e.event_id = a.event_id "
	"JOIN bigbrotr.sync_filters AS f ON f.filter_id = a.filter_id "
	"WHERE bigbrotr.event_matches(e, f.filter) ORDER BY a.n");
pg::Statement miss_statement("SELECT _bigbrotr.report_miss($1, $2, $3, $4)");
/* Recent time is not proven yet and is read again in any case. */
pg::Statement stray_statement("SELECT _bigbrotr.report_miss($1, $2, $2, $3) "
							  "WHERE $2 <= $3 - _bigbrotr.horizon()");
pg::Statement
	late_statement("SELECT _bigbrotr.retract_coverage($1, $2, $3, 'contradicted', true, $4)");
pg::Statement
	record_statement("SELECT _bigbrotr.record_audit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
					 "$11, $12)");

pg::Value
maybe(const std::optional<int64_t> &number)
{
	return number ? pg::value(*number) : pg::null(INT8OID);
}

const char *
purpose_name(wire::Purpose purpose)
{
	switch (purpose) {
	case wire::Purpose::Again:
		return "again";
	case wire::Purpose::Confirm:
		return "confirm";
	default:
		return "audit";
	}
}

bool
is_judged(const HandedRelay &relay)
{
	return std::any_of(relay.asked.begin(), relay.asked.end(),
					   [](const Reading &reading) { return reading.judges(); });
}

/* Events that retention rules delete cannot be misses. */
void
leave_out(std::vector<const wire::Sighting *> &sightings)
{
	const auto rules = archive::RetentionRules::load();
	std::erase_if(sightings, [&](const wire::Sighting *s) {
		return rules.leave_out(s->event.kind, s->event.created_at);
	});
}

} // namespace

std::vector<Miss>
find_misses(const wire::Batch &batch, const RelayBook &book)
{
	std::vector<const wire::Sighting *> candidates;
	for (const wire::Sighting &s : batch.sightings)
		if (!s.live && is_judged(*book.find(s.relay_id)))
			candidates.push_back(&s);
	if (!candidates.empty())
		leave_out(candidates);
	std::vector<Miss> misses;
	if (candidates.empty())
		return misses;
	std::unordered_map<std::string_view, int64_t> times;
	for (const wire::DeliveredEvent &event : batch.events)
		times[nostr::view(*event.id)] = event.created_at;
	size_t n = candidates.size();
	pg::Rows rows = unseen_statement.run(
		{pg::bytea_array(n, [&](size_t i) { return nostr::view(*candidates[i]->event.id); }),
		 pg::int4_array(n, [&](size_t i) { return candidates[i]->relay_id; })});
	for (uint64_t row = 0; row < rows.count(); row++) {
		const wire::Sighting &s = *candidates[rows.integer(row, 1) - 1];
		std::optional<int64_t> created_at;
		if (!rows.null(row, 2))
			created_at = rows.integer(row, 2);
		else if (auto found = times.find(nostr::view(*s.event.id)); found != times.end())
			created_at = found->second;
		const std::vector<Reading> &asked = book.find(s.relay_id)->asked;
		for (size_t i = 0; created_at && i < asked.size(); i++)
			if (asked[i].judges() && asked[i].holds(*created_at))
				misses.push_back({.relay_id = s.relay_id,
								  .reading = i,
								  .id = *s.event.id,
								  .created_at = *created_at});
	}
	return misses;
}

void
drop_unmatched(std::vector<Miss> &misses, const RelayBook &book)
{
	const auto filter_of = [&](const Miss &miss) {
		return book.find(miss.relay_id)->asked[miss.reading].range.filter_id;
	};
	const auto filtered = std::stable_partition(
		misses.begin(), misses.end(), [&](const Miss &miss) { return filter_of(miss) == 0; });
	const auto count = static_cast<size_t>(misses.end() - filtered);
	if (count == 0)
		return;
	const pg::Rows rows = matched_statement.run(
		{pg::bytea_array(count, [&](size_t i) { return nostr::view(filtered[ptrdiff_t(i)].id); }),
		 pg::int4_array(count, [&](size_t i) {
			 return static_cast<int32_t>(filter_of(filtered[ptrdiff_t(i)]));
		 })});
	std::vector<Miss> matched(misses.begin(), filtered);
	for (uint64_t row = 0; row < rows.count(); row++)
		matched.push_back(filtered[rows.integer(row, 1) - 1]);
	misses = std::move(matched);
}

void
withdraw_strays(const wire::Batch &batch, const RelayBook &book, int64_t now)
{
	constexpr int64_t around = 86400; // seconds that report_miss withdraws on each side, at least
	std::unordered_map<std::string_view, int64_t> times;
	for (const wire::DeliveredEvent &event : batch.events)
		times[nostr::view(*event.id)] = event.created_at;
	std::map<int32_t, std::set<int64_t>> strays; // seconds by relay
	for (const wire::Sighting &s : batch.sightings) {
		const auto time = times.find(nostr::view(*s.event.id));
		if (s.live || time == times.end())
			continue;
		const std::vector<Reading> &asked = book.find(s.relay_id)->asked;
		if (std::none_of(asked.begin(), asked.end(),
						 [&](const Reading &reading) { return reading.holds(time->second); }))
			strays[s.relay_id].insert(time->second);
	}
	for (const auto &[relay_id, seconds] : strays) {
		std::optional<int64_t> last;
		for (int64_t second : seconds) {
			if (last && second - *last <= around)
				continue;
			stray_statement.run({pg::value(relay_id), pg::value(second), pg::value(now)});
			last = second;
		}
	}
}

void
withdraw(const std::vector<Miss> &misses, const RelayBook &book, int64_t now)
{
	std::set<std::pair<int32_t, size_t>> withdrawn;
	for (const Miss &miss : misses) {
		const Reading &reading = book.find(miss.relay_id)->asked[miss.reading];
		// One miss is enough to doubt the whole range.
		if (reading.found > 0 || !withdrawn.emplace(miss.relay_id, miss.reading).second)
			continue;
		bool recent = reading.range.purpose == wire::Purpose::Again;
		(recent ? late_statement : miss_statement)
			.run({pg::value(miss.relay_id), pg::value(reading.range.lower),
				  pg::value(reading.range.upper), pg::value(now)});
	}
}

void
record_audits(int32_t relay_id, const HandedRelay &relay, bool ended, int64_t now,
			  AuditTally &tally)
{
	for (const Reading &reading : relay.asked) {
		if (!reading.judges())
			continue;
		const wire::Range &range = reading.range;
		bool done = reading.whole && reading.read_from == range.lower;
		if (!reading.read_from && (ended || range.purpose != wire::Purpose::Audit))
			continue;
		if (reading.read_from && range.purpose != wire::Purpose::Again) {
			Audited &audited = tally[reading.evidence];
			audited.shown += reading.shown;
			audited.missed += reading.found;
		}
		record_statement.run(
			{pg::value(relay_id), pg::value(static_cast<int32_t>(range.filter_id)),
			 pg::value(reading.read_from.value_or(range.lower)), pg::value(range.upper),
			 pg::value(std::string_view(purpose_name(range.purpose))),
			 pg::value(std::string_view(reading.evidence)),
			 done ? maybe(reading.known) : pg::null(INT8OID),
			 reading.read_from ? pg::value(reading.shown) : pg::null(INT8OID),
			 pg::value(reading.found),
			 reading.newest_miss ? pg::value(now - *reading.newest_miss) : pg::null(INT8OID),
			 pg::value(int64_t{synchronizer_settings.audit_interval_s}), pg::value(now)});
	}
}
