#include "workers/synchronizer/agenda.h"

#include <algorithm>
#include <utility>

#include "pg/border/spi.h"
#include "workers/synchronizer/settings.h"

namespace {

constexpr size_t kMaxRanges = 64;        // of one task; further gaps follow in the next task
constexpr size_t kMaxConfirmed = 4;      // ranges to confirm in one task
constexpr uint32_t kConfirmPages = 40;   // of each range that is confirmed or audited
constexpr uint32_t kFuturePages = 4;     // of the range of future dates
constexpr int64_t kPartialRetry = 86400; // seconds until a range seen in part is tried again

pg::Statement filters_statement("SELECT filter_id, filter FROM _bigbrotr.relay_filters($1)");
pg::Statement
	gaps_statement("SELECT lower, upper, events FROM _bigbrotr.gaps($1, $2, $3, $4, $5, $6)");
pg::Statement recent_statement("SELECT lower, upper FROM _bigbrotr.recent_time($1, $2, $3, $4)");
pg::Statement may_compare_statement("SELECT _bigbrotr.may_compare($1, $2)");
pg::Statement unconfirmed_statement("SELECT lower, upper, evidence = 'partial', events "
									"FROM _bigbrotr.unconfirmed($1, $2, $3, $4, $5, $6, $7)");
pg::Statement audit_statement("SELECT filter_id, lower, upper, evidence, known "
							  "FROM _bigbrotr.audit_windows($1, $2, $3, $4, random())");

wire::Range
range_of(const pg::Rows &rows, uint64_t row, uint32_t filter_id, wire::Purpose purpose)
{
	return {.lower = rows.integer(row, 1),
			.upper = rows.integer(row, 2),
			.filter_id = filter_id,
			.purpose = purpose};
}

/* The parts of `range` that lie in none of `others`, newest first. */
std::vector<nostr::TimeRange>
outside(nostr::TimeRange range, std::vector<nostr::TimeRange> others)
{
	std::sort(others.begin(), others.end(), [](auto &a, auto &b) { return a.upper > b.upper; });
	std::vector<nostr::TimeRange> rest;
	for (const nostr::TimeRange &other : others) {
		if (other.lower > range.upper || other.upper < range.lower)
			continue;
		if (other.upper < range.upper)
			rest.push_back({other.upper + 1, range.upper});
		range.upper = other.lower - 1;
	}
	if (range.lower <= range.upper)
		rest.push_back(range);
	return rest;
}

class Agenda
{
  public:
	Agenda(int32_t relay_id, const HandedRelay &relay, int64_t now)
		: relay_id_(relay_id), relay_(relay), now_(now)
	{
	}

	Task make()
	{
		pg::Rows rows = filters_statement.run({pg::value(relay_id_)});
		for (uint64_t row = 0; row < rows.count(); row++)
			task_.filters.push_back({.filter_id = static_cast<uint32_t>(rows.integer(row, 1)),
									 .json = std::string(rows.bytes(row, 2))});
		for (const TaskFilter &filter : task_.filters)
			add_unread(filter.filter_id);
		task_.more = task_.readings.size() > kMaxRanges;
		task_.readings.resize(std::min(task_.readings.size(), kMaxRanges));
		if (task_.more)
			return std::move(task_);
		for (const TaskFilter &filter : task_.filters)
			add_unconfirmed(filter.filter_id);
		add_audits();
		return std::move(task_);
	}

  private:
	pg::Value reader() const { return pg::value(static_cast<int32_t>(relay_.reader)); }

	void add(const wire::Range &range, std::string evidence = "paged",
			 std::optional<int64_t> known = std::nullopt)
	{
		task_.readings.push_back({.range = range, .evidence = std::move(evidence), .known = known});
	}

	/* Adds the newest gap, the recent time below it, the other gaps, and the range of future
	 * dates. */
	void add_unread(uint32_t filter_id)
	{
		pg::Value filter = pg::value(static_cast<int32_t>(filter_id));
		pg::Rows gaps = gaps_statement.run({pg::value(relay_id_), filter, reader(), pg::value(now_),
											pg::value(now_ - kPartialRetry),
											pg::value(static_cast<int32_t>(kMaxRanges + 1))});
		bool recent_added = false;
		for (uint64_t row = 0; row < gaps.count(); row++) {
			wire::Range range = range_of(gaps, row, filter_id, wire::Purpose::Read);
			if (range.upper < now_ && !std::exchange(recent_added, true))
				add_recent(filter_id);
			// A single second must again bring as many events as it did before.
			if (range.lower == range.upper && !gaps.null(row, 3))
				range.expected =
					static_cast<uint32_t>(std::clamp<int64_t>(gaps.integer(row, 3), 0, UINT32_MAX));
			// What this connection has shown in part is tried again on another one.
			const nostr::TimeRange old{range.lower, std::min(range.upper, now_ - kPartialRetry)};
			task_.reconnect |= old.lower <= old.upper && outside(old, relay_.read_here).empty();
			add(range);
		}
		if (!recent_added)
			add_recent(filter_id);
		add({.lower = now_ + 1,
			 .upper = INT64_MAX,
			 .max_pages = kFuturePages,
			 .filter_id = filter_id});
	}

	void add_recent(uint32_t filter_id)
	{
		if (!relay_.unasked)
			return;
		pg::Rows recent =
			recent_statement.run({pg::value(relay_id_), pg::value(static_cast<int32_t>(filter_id)),
								  reader(), pg::value(now_)});
		for (uint64_t row = 0; row < recent.count(); row++)
			add(range_of(recent, row, filter_id, wire::Purpose::Again));
	}

	/*
	 * Adds ranges to confirm. A range with more than a page of events, or that was seen only in
	 * part, is compared as sets if the relay may support that: another reading would rarely settle
	 * it. Other ranges are read again.
	 */
	void add_unconfirmed(uint32_t filter_id)
	{
		const bool compares =
			may_compare_statement.run({pg::value(relay_id_), pg::value(now_)}).integer(0, 1) != 0;
		pg::Rows rows = unconfirmed_statement.run(
			{pg::value(relay_id_), pg::value(static_cast<int32_t>(filter_id)), reader(),
			 pg::value(now_), pg::value(int64_t{synchronizer_settings.confirm_delay_s}),
			 pg::value(compares), pg::value(static_cast<int32_t>(kMaxRanges))});
		size_t added = 0;
		for (uint64_t row = 0; row < rows.count() && added < kMaxConfirmed; row++) {
			wire::Range range = range_of(rows, row, filter_id, wire::Purpose::Confirm);
			range.max_pages = kConfirmPages;
			if (compares && (rows.integer(row, 3) != 0 ||
							 rows.integer(row, 4) > synchronizer_settings.net.page_limit)) {
				range.purpose = wire::Purpose::Reconcile;
				range.part = rows.integer(row, 3) != 0;
				range.max_pages = 0;
			}
			nostr::TimeRange all{range.lower, range.upper};
			std::vector<nostr::TimeRange> parts = outside(all, relay_.read_here);
			task_.reconnect |= parts != std::vector{all};
			parts.resize(std::min(parts.size(), kMaxConfirmed - added));
			added += parts.size();
			for (const nostr::TimeRange &part : parts) {
				range.lower = part.lower;
				range.upper = part.upper;
				add(range);
			}
		}
	}

	bool is_compared(const nostr::TimeRange &range) const
	{
		return std::any_of(task_.readings.begin(), task_.readings.end(), [&](const Reading &r) {
			return r.range.purpose == wire::Purpose::Reconcile && r.range.lower <= range.upper &&
				   r.range.upper >= range.lower;
		});
	}

	/* Each audit needs another connection: several machines may stand behind one address, and an
	 * open connection always reaches the same one. */
	void add_audits()
	{
		pg::Rows rows =
			audit_statement.run({pg::value(relay_id_), reader(), pg::value(now_),
								 pg::value(int64_t{synchronizer_settings.net.page_limit})});
		if (relay_.audited) {
			task_.reconnect |= rows.count() > 0;
			return;
		}
		for (uint64_t row = 0; row < rows.count(); row++) {
			wire::Range range{.lower = rows.integer(row, 2),
							  .upper = rows.integer(row, 3),
							  .max_pages = kConfirmPages,
							  .filter_id = static_cast<uint32_t>(rows.integer(row, 1)),
							  .purpose = wire::Purpose::Audit};
			nostr::TimeRange all{range.lower, range.upper};
			// Leaves out ranges that this connection has read, and ranges under comparison, whose
			// finds would be taken for misses.
			if (is_compared(all))
				continue;
			if (outside(all, relay_.read_here) != std::vector{all})
				task_.reconnect = true;
			else
				add(range, std::string(rows.bytes(row, 4)),
					rows.null(row, 5) ? std::nullopt : std::optional(rows.integer(row, 5)));
		}
	}

	const int32_t relay_id_;
	const HandedRelay &relay_;
	const int64_t now_;
	Task task_;
};

} // namespace

Task
make_task(int32_t relay_id, const HandedRelay &relay, int64_t now)
{
	return Agenda(relay_id, relay, now).make();
}
