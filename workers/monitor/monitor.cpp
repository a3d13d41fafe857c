/*
 * The monitor: visits each relay as often as the relay's status requires, and records the results.
 *
 *   due (_bigbrotr.take_visits) -> Visit
 *   VisitBatch                  -> ingest.cpp -> one transaction (_bigbrotr.record_visits) -> Ack
 *   lease ended, no answer      -> VisitStop
 *
 * The SQL code decides the status of a relay (sql/install/life_cycle.sql), so that observations of
 * the synchronizer count by the same rules.
 */
#include <algorithm>
#include <string_view>

#include "nostr/monitor_events.h"
#include "pg/border/list.h"
#include "pg/border/settings.h"
#include "pg/border/spi.h"
#include "pg/work/clock_step.h"
#include "pg/work/key_file.h"
#include "wire/probe.h"
#include "workers/monitor/ingest.h"
#include "workers/monitor/plan.h"
#include "workers/monitor/settings.h"

extern "C" {
#include "access/xlog.h"
#include "miscadmin.h"
}

namespace {

using namespace std::chrono_literals;

constexpr int64_t kUnpacked = 7 * 86400; // seconds after which measurements are packed
constexpr int32_t kWeeksAtOnce = 500;    // weeks of relays that one transaction packs
constexpr int32_t kTrimmedAtOnce = 2000; // rows of each table that one transaction deletes

pg::Statement adopt_statement("SELECT _bigbrotr.adopt_visits()");
pg::Statement clock_statement("SELECT _bigbrotr.visits_clock_set_back($1, $2)");
pg::Statement release_statement("SELECT _bigbrotr.release_visits($1, $2)");
pg::Statement pack_statement("SELECT _bigbrotr.pack_checks($1, $2)");
pg::Statement trim_statement("SELECT _bigbrotr.trim_history($1, $2)");

/* The file names in bigbrotr.geoip_database. */
std::vector<std::string>
geoip_files()
{
	std::vector<std::string> files;
	std::string_view rest = monitor_settings.geoip_database, name;
	while (pg::next_element(rest, name))
		files.emplace_back(name);
	return files;
}

class Monitor : public pg::Service
{
  public:
	pg::NetSettings net_settings() const override
	{
		pg::NetSettings settings =
			pg::dialling_settings(wire::ProbeSettings{.max_per_address = visits_per_address()});
		settings.geoip_files = geoip_files();
		return settings;
	}

	void start(pg::Worker &worker) override { begin(worker); }
	void on_net_lost(pg::Worker &worker) override { begin(worker); }

	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &delay) override
	{
		delay = 1s;
		auto tick = worker.steady_now();
		if (tick >= next_packing_) {
			next_packing_ = tick + 1h;
			pack(worker);
		}
		/* Between two slices the monitor hands out visits. */
		if (tick >= next_trimming_)
			next_trimming_ = tick + (trim(worker) ? 0s : 3600s);
		if (!worker.net_running())
			return pg::Next::Continue;
		break_off_late(worker);
		bool adopt = tick >= next_adoption_;
		std::vector<PlannedVisit> plan;
		const int64_t clock_back = -clock_step_.seconds(worker.now(), tick);
		if (clock_back > 0)
			book_.clock_set_back(worker.now());
		worker.transaction_with_retries("planning visits", {.durable = false}, [&] {
			if (clock_back > 0)
				clock_statement.run({pg::value(clock_back), pg::value(worker.now())});
			if (adopt)
				adopt_statement.run();
			plan = plan_visits(book_, owner_, worker.now());
		});
		if (adopt)
			next_adoption_ = tick + 10s;
		if (monitor_settings.write_check && !plan.empty())
			key_.read(worker);
		for (PlannedVisit &planned : plan)
			hand_out(worker, planned);
		worker.gauge("visits_open", book_.size());
		return pg::Next::Continue;
	}

	void on_message(pg::Worker &worker, const wire::Frame &frame) override
	{
		auto message = pg::net_message<wire::ProbeToWorker>(frame);
		const auto &batch = std::get<wire::VisitBatch>(message);
		check_visits(batch, book_);
		worker.count("visits", store_visits(worker, batch, book_, owner_));
		for (const wire::Visited &visited : batch.visits)
			if (book_.find(visited.relay_id, visited.attempt))
				book_.end(visited.relay_id);
		worker.send(wire::Ack{.number = batch.number});
	}

  private:
	/* Called when no visit is under way: after a start, and after the loss of the net process. */
	void begin(pg::Worker &worker)
	{
		book_.clear();
		owner_ = std::to_string(GetSystemIdentifier()) + "/" + std::to_string(MyDatabaseId) + "/" +
				 std::string(worker.name());
		worker.transaction_with_retries("taking leases", {}, [&] {
			release_statement.run({pg::value(std::string_view(owner_)), pg::value(worker.now())});
		});
	}

	void hand_out(pg::Worker &worker, PlannedVisit &planned)
	{
		const HandedVisit &visit = book_.hand_out(planned.relay_id, {.url = std::move(planned.url),
																	 .handed_at = worker.now(),
																	 .try_nips = planned.try_nips});
		const std::string event = visit.try_nips ? write_check(worker, visit.url) : "";
		worker.send(wire::Visit{.relay_id = planned.relay_id,
								.attempt = visit.attempt,
								.url = visit.url,
								.try_nips = visit.try_nips,
								.event = event});
	}

	/* JSON of the event that the net process writes to the relay; empty: no write check. */
	std::string write_check(const pg::Worker &worker, const std::string &url) const
	{
		if (!monitor_settings.write_check || !key_.signer())
			return "";
		nostr::Event event = nostr::write_check_event(url, worker.now());
		key_.signer()->sign(event);
		return nostr::to_json(event);
	}

	/* Ends visits whose lease has ended, because another monitor may have leased the relay by
	 * now. */
	void break_off_late(pg::Worker &worker)
	{
		std::vector<int32_t> late;
		for (const auto &[id, visit] : book_.visits())
			if (worker.now() - visit.handed_at >= kVisitLease) {
				late.push_back(id);
				worker.send(wire::VisitStop{.relay_id = id, .attempt = visit.attempt});
			}
		for (int32_t id : late)
			book_.end(id);
		worker.count("visits_broken_off", static_cast<int64_t>(late.size()));
	}

	static void pack(pg::Worker &worker)
	{
		int64_t packed = 0;
		if (worker.transaction_or_later("packing measurements", {}, [&] {
				packed = pack_statement
							 .run({pg::value(worker.now() - kUnpacked), pg::value(kWeeksAtOnce)})
							 .integer(0, 1);
			}))
			worker.count("weeks_packed", packed);
	}

	/* Deletes a slice of what is older than bigbrotr.monitor_retention. Returns whether more may be
	 * left; false after a failure, which must not keep the monitor from its visits. */
	static bool trim(pg::Worker &worker)
	{
		int64_t trimmed = 0;
		return monitor_settings.retention_s > 0 &&
			   worker.transaction_or_later(
				   "deleting old measurements", {},
				   [&] {
					   trimmed = trim_statement
									 .run({pg::value(worker.now() - monitor_settings.retention_s),
										   pg::value(kTrimmedAtOnce)})
									 .integer(0, 1);
				   }) &&
			   trimmed > 0;
	}

	VisitBook book_;
	pg::KeyFile key_;   // signs the events of write checks
	std::string owner_; // name of this worker in leases; the same after each restart
	pg::ClockStep clock_step_;
	std::chrono::steady_clock::time_point next_packing_{}, next_trimming_{}, next_adoption_{};
};

} // namespace

std::unique_ptr<pg::Service>
make_monitor()
{
	return std::make_unique<Monitor>();
}
