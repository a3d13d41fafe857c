#include "workers/synchronizer/plan.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "pg/border/spi.h"
#include "pg/work/networks.h"
#include "workers/synchronizer/settings.h"

namespace {

constexpr int64_t kMinLive = 60;          // seconds for which a caught-up relay keeps its place
constexpr int32_t kPriorityPlaces = 1000; // the SQL allows no more priority relays than this

pg::Statement adopt_statement("SELECT _bigbrotr.adopt_relays()");
pg::Statement wake_statement("SELECT _bigbrotr.wake_relays($1)");
pg::Statement clock_statement("SELECT _bigbrotr.sync_clock_set_back($1, $2, $3)");
pg::Statement expire_statement("SELECT _bigbrotr.expire_leases($1)");
/* Each relay gets the text of its filters, and a queue of 64 MB leads to the net process: at most
 * 16 MB of filters are sent in one plan. The others are opened by the next plans. */
pg::Statement
	take_statement("SELECT relay_id, url, page_limit, pace_ms, authenticate::integer, "
				   "_bigbrotr.allowed_subscriptions(relay_id) "
				   "FROM _bigbrotr.take_relays($1, least($2, (SELECT 16777216 / "
				   "greatest(sum(octet_length(f.filter::text)), 1) FROM bigbrotr.sync_filters AS f "
				   "WHERE f.enabled AND f.relay_id IS NULL))::integer, "
				   "$3, $4, $5, string_to_array($6, ','), $7, $8)");
pg::Statement waiting_statement(
	"SELECT count(*) FROM (SELECT FROM _bigbrotr.due_relays($1) LIMIT $2) AS due");
pg::Statement
	unwanted_statement("SELECT * FROM _bigbrotr.unwanted_relays($1, string_to_array($2, ','))");
pg::Statement filters_statement(
	"SELECT coalesce(string_agg(f.filter_id::text, ',' ORDER BY f.filter_id), 'none') "
	"FROM bigbrotr.sync_filters AS f WHERE f.enabled");
pg::Statement crowded_statement("SELECT * FROM _bigbrotr.crowded_relays($1)");
pg::Statement intervals_statement("SELECT p.relay_id, _bigbrotr.read_after(p.read_interval) "
								  "FROM _bigbrotr.relay_priorities AS p");

class Planner
{
  public:
	Planner(const RelayBook &book, const std::string &owner, const Occasion &occasion)
		: book_(book), owner_(owner), occasion_(occasion), now_(occasion.now)
	{
	}

	SyncPlan run()
	{
		if (occasion_.clock_back > 0)
			clock_statement.run({owner(), pg::value(occasion_.clock_back), pg::value(now_)});
		if (occasion_.sweep) {
			expire_statement.run({pg::value(now_)});
			adopt_statement.run();
		}
		if (occasion_.sweep || occasion_.reload)
			wake_statement.run({pg::value(occasion_.reload)});
		plan_.filters = occasion_.filters;
		if (occasion_.look) {
			stop_unwanted();
			look_for_other_filters();
		}
		if (occasion_.disk_full) {
			for (const auto &[id, relay] : book_.relays())
				stop(id, relay);
			return std::move(plan_);
		}
		if (occasion_.share == Share::Priority)
			look_up_intervals();
		take_due();
		make_room();
		if (occasion_.look)
			relieve_crowds();
		read_again();
		return std::move(plan_);
	}

  private:
	pg::Value owner() const { return pg::value(std::string_view(owner_)); }
	int32_t free_places() const
	{
		int32_t places = occasion_.share == Share::Priority ? kPriorityPlaces
															: synchronizer_settings.connections;
		return places - book_.open_count();
	}
	/* Seconds until the relay is read again. */
	int64_t interval_s(int32_t id) const
	{
		auto own = intervals_.find(id);
		return own == intervals_.end() ? synchronizer_settings.interval_s : own->second;
	}

	void stop(int32_t id, const HandedRelay &relay)
	{
		if (relay.open && !relay.stopping && stopped_.insert(id).second)
			plan_.stop.push_back(id);
	}

	void stop_all(const pg::Rows &rows)
	{
		for (uint64_t row = 0; row < rows.count(); row++) {
			auto id = static_cast<int32_t>(rows.integer(row, 1));
			if (const HandedRelay *relay = book_.find(id))
				stop(id, *relay);
		}
	}

	void stop_unwanted()
	{
		stop_all(unwanted_statement.run({owner(), pg::value(std::string_view(networks_))}));
	}

	/* Closes all relays if the filters have changed: a relay gets its filters when it is opened. */
	void look_for_other_filters()
	{
		plan_.filters = filters_statement.run().bytes(0, 1);
		if (!occasion_.filters.empty() && plan_.filters != occasion_.filters)
			for (const auto &[id, relay] : book_.relays())
				stop(id, relay);
	}

	void look_up_intervals()
	{
		pg::Rows rows = intervals_statement.run();
		for (uint64_t row = 0; row < rows.count(); row++)
			intervals_[static_cast<int32_t>(rows.integer(row, 1))] = rows.integer(row, 2);
	}

	void take_due()
	{
		if (free_places() <= 0)
			return;
		pg::Rows rows =
			take_statement.run({owner(), pg::value(free_places()),
								pg::value(synchronizer_settings.connections_per_host),
								pg::value(synchronizer_settings.connections_per_site),
								pg::value(synchronizer_settings.connections_per_network),
								pg::value(std::string_view(networks_)),
								pg::value(occasion_.has_key), pg::value(now_)});
		for (uint64_t row = 0; row < rows.count(); row++)
			plan_.open.push_back({.relay_id = static_cast<int32_t>(rows.integer(row, 1)),
								  .url = std::string(rows.bytes(row, 2)),
								  .page_limit = static_cast<uint32_t>(rows.integer(row, 3)),
								  .pace_ms = static_cast<uint32_t>(rows.integer(row, 4)),
								  .subscriptions = static_cast<uint32_t>(rows.integer(row, 6)),
								  .sign_in = rows.integer(row, 5) != 0,
								  .task = {}});
		for (SyncPlan::Opening &opening : plan_.open)
			opening.task = make_task(opening.relay_id, {.unasked = true}, now_);
	}

	/* Whether the relay may be closed to make room for another one. */
	bool had_its_turn(int32_t id, const HandedRelay &relay) const
	{
		int64_t slice = interval_s(id);
		return relay.live_since != 0 ? now_ - relay.live_since >= std::min(kMinLive, slice)
									 : now_ - relay.opened_at >= slice;
	}

	/*
	 * If relays wait and no place is free, closes relays that have had their turn: first those that
	 * are caught up, longest first, then those that were read for a whole slice. They will be
	 * opened again in turn. Each priority relay has a place, so none of them waits for one.
	 */
	void make_room()
	{
		if (occasion_.share == Share::Priority || free_places() > 0)
			return;
		int32_t leaving = 0;
		std::vector<std::tuple<bool, int64_t, int32_t>> candidates;
		for (const auto &[id, relay] : book_.relays()) {
			if (!relay.open)
				continue;
			if (relay.stopping || stopped_.contains(id))
				leaving++;
			else if (had_its_turn(id, relay))
				candidates.emplace_back(relay.live_since == 0,
										std::max(relay.live_since, relay.opened_at), id);
		}
		if (candidates.empty())
			return;
		auto most = static_cast<int32_t>(candidates.size()) + leaving;
		int64_t waiting = waiting_statement.run({pg::value(now_), pg::value(most)}).integer(0, 1);
		std::sort(candidates.begin(), candidates.end());
		for (const auto &[reading, since, id] : candidates)
			if (waiting-- > leaving)
				stop(id, *book_.find(id));
	}

	/* Closes relays that have had their turn where others wait for a place at the same host or
	 * site. */
	void relieve_crowds()
	{
		pg::Rows rows = crowded_statement.run({owner()});
		for (uint64_t row = 0; row < rows.count(); row++) {
			auto id = static_cast<int32_t>(rows.integer(row, 1));
			if (const HandedRelay *relay = book_.find(id); relay && had_its_turn(id, *relay))
				stop(id, *relay);
		}
	}

	void read_again()
	{
		for (const auto &[id, relay] : book_.relays()) {
			bool again =
				relay.live_since != 0 && (relay.more || now_ - relay.asked_at >= interval_s(id));
			if (!relay.open || relay.stopping || stopped_.contains(id) || !(again || relay.unasked))
				continue;
			Task task = make_task(id, relay, now_);
			if (task.reconnect && now_ - relay.opened_at >= synchronizer_settings.confirm_delay_s)
				stop(id, relay);
			else
				plan_.read.push_back({.relay_id = id, .task = std::move(task)});
		}
	}

	const RelayBook &book_;
	const std::string &owner_;
	const Occasion &occasion_;
	const int64_t now_;
	const std::string networks_ = pg::reachable_networks();
	std::unordered_set<int32_t> stopped_;
	std::unordered_map<int32_t, int64_t> intervals_; // seconds, of priority relays
	SyncPlan plan_;
};

} // namespace

SyncPlan
make_plan(const RelayBook &book, const std::string &owner, const Occasion &occasion)
{
	return Planner(book, owner, occasion).run();
}
