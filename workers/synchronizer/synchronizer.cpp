/*
 * The synchronizer: archives every event of every relay, and proves it.
 *
 *   due (bigbrotr.take_relays)        -> RelayTask: what is not proven yet, newest first
 *   Question                          -> Known
 *   Batch                             -> one transaction (ingest.cpp) -> Ack
 *   caught up, sync_interval ago      -> RelayTask: what came since
 *   all places taken, others waiting  -> RelayStop for those that have been live longest
 *
 * What was read is written down in bigbrotr.coverage and nowhere else: after any stop, the next
 * task asks exactly for what is missing there.
 */
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "pg/border/settings.h"
#include "pg/border/spi.h"
#include "pg/work/worker.h"
#include "workers/synchronizer/ingest.h"

namespace {

constexpr size_t kMaxRanges = 64;      // of one task; the rest follows when they are read
constexpr int64_t kDenseRetry = 86400; // seconds until an overfull second is tried again
constexpr int64_t kMinLive = 60;       // seconds a caught-up relay keeps its place
/*
 * Seconds until the past is settled: events reach relays late, or are dated by clocks that are
 * wrong (relays commonly tolerate 15 minutes). What is younger is read again each time.
 */
constexpr int64_t kSettling = 900;
constexpr std::chrono::milliseconds kCycle{1000};

pg::Statement release_statement("SELECT bigbrotr.release_relays($1)");
pg::Statement unwanted_statement("SELECT * FROM bigbrotr.unwanted_relays($1, $2)");
pg::Statement take_statement("SELECT relay_id, url FROM bigbrotr.take_relays($1, $2, $3)");
pg::Statement waiting_statement("SELECT count(*) FROM bigbrotr.due_relays($1, $2)");
pg::Statement gaps_statement("SELECT lower, upper FROM bigbrotr.gaps($1, $2) "
							 "WHERE reason <> 'dense' OR tried_at < $3 LIMIT $4");

/* A relay that was handed out to the net process. */
struct Relay
{
	std::string url;
	uint32_t attempt = 0;
	int64_t asked_at = 0; // second in which its present task was made
	bool open = true;     // not ended yet
	bool more = false;    // the task left gaps out
	bool stopping = false;
	std::optional<int64_t> live_since; // caught up
};

class Synchronizer : public pg::Service, private BatchPolicy
{
  public:
	void start(pg::Worker &worker) override { release(worker); }
	void on_net_lost(pg::Worker &worker) override { release(worker); }

	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &delay) override
	{
		delay = kCycle;
		if (!worker.net_running())
			return pg::Next::Continue;

		int64_t now = worker.now();
		std::vector<std::string> messages; // frames, sent only when what they rest on is committed
		const auto before = relays_;
		worker.transaction_with_retries("planning", {.durable = false}, [&] {
			relays_ = before;
			messages.clear();
			stop_unwanted(messages);
			take_due(now, messages);
			make_room(now, messages);
			read_again(now, messages);
		});
		for (const std::string &message : messages)
			worker.send_frame(message);
		worker.gauge("relays_open", count_open());
		return pg::Next::Continue;
	}

	pg::NetSettings net_settings() const override
	{
		wire::ArchiveSettings settings;
		settings.allow_local_relays = pg::settings::allow_local_relays;
		settings.connect_timeout_ms = pg::settings::connect_timeout_ms;
		settings.response_timeout_ms = pg::settings::response_timeout_ms;
		settings.page_limit = pg::settings::sync_page_limit;
		settings.max_message_size_kb = pg::settings::max_message_size_kb;
		settings.max_event_size_kb = pg::settings::max_event_size_kb;
		settings.max_event_tags = pg::settings::max_event_tags;
		settings.verifier_threads = pg::settings::sync_verifier_threads;
		settings.buffer_kb = pg::settings::sync_buffer_kb;
		settings.tls_ca_file = pg::settings::tls_ca_file;
		settings.user_agent = "bigbrotr/" BIGBROTR_VERSION;
		return {.frame = wire::encode(settings),
				.fixed = std::to_string(settings.verifier_threads)};
	}

	void on_message(pg::Worker &worker, const wire::Frame &frame) override
	{
		std::string fault;
		auto message = wire::decode<wire::ArchiveToWorker>(frame, fault);
		if (!message)
			throw pg::NetFault{.reason = fault, .malformed = true};
		if (const auto *question = std::get_if<wire::Question>(&*message)) {
			worker.send(wire::Known{question->question, known_events(worker, question->ids)});
			worker.count("questions", 1);
		} else if (const auto *batch = std::get_if<wire::Batch>(&*message)) {
			ingest(worker, *batch, *this);
			worker.send(wire::Ack{batch->number});
			for (const wire::RelayReport &report : batch->reports)
				note(report, worker.now());
		}
	}

  private:
	bool is_ours(int32_t relay_id) const override { return relays_.contains(relay_id); }
	int64_t settled_until(int32_t relay_id) const override
	{
		return relays_.at(relay_id).asked_at - kSettling;
	}
	/* A relay that shows its past but nothing new is read again as often as the others. */
	int64_t rest_ms(int32_t relay_id) const override
	{
		return relays_.at(relay_id).stopping ? 0 : int64_t{pg::settings::sync_interval_s} * 1000;
	}

	/* No connection is open: neither after a start nor when the net process is gone. */
	void release(pg::Worker &worker)
	{
		relays_.clear();
		worker.transaction_with_retries("releasing relays", {.durable = false},
										[&] { release_statement.run({pg::value(worker.now())}); });
	}

	int32_t count_open() const
	{
		return static_cast<int32_t>(std::count_if(relays_.begin(), relays_.end(),
												  [](const auto &r) { return r.second.open; }));
	}

	void stop(int32_t relay_id, std::vector<std::string> &messages)
	{
		Relay &relay = relays_.at(relay_id);
		if (!relay.stopping)
			messages.push_back(wire::encode(wire::RelayStop{relay_id, relay.attempt}));
		relay.stopping = true;
	}

	void stop_unwanted(std::vector<std::string> &messages)
	{
		std::vector<int32_t> open;
		for (const auto &[id, relay] : relays_)
			if (relay.open)
				open.push_back(id);
		pg::Rows rows =
			unwanted_statement.run({pg::int4_array(open.size(), [&](size_t i) { return open[i]; }),
									pg::value(pg::settings::allow_local_relays)});
		for (uint64_t row = 0; row < rows.count(); row++)
			stop(static_cast<int32_t>(rows.integer(row, 1)), messages);
	}

	void take_due(int64_t now, std::vector<std::string> &messages)
	{
		int32_t places = std::max(0, pg::settings::sync_connections - count_open());
		pg::Rows rows = take_statement.run(
			{pg::value(places), pg::value(pg::settings::allow_local_relays), pg::value(now)});
		for (uint64_t row = 0; row < rows.count(); row++) {
			auto id = static_cast<int32_t>(rows.integer(row, 1));
			Relay relay;
			relay.url = rows.bytes(row, 2);
			relay.attempt = ++attempts_;
			Relay &taken = relays_[id] = std::move(relay);
			messages.push_back(wire::encode(wire::RelayOpen{.relay_id = id,
															.attempt = taken.attempt,
															.url = taken.url,
															.live = true,
															.ranges = ranges(id, taken, now)}));
		}
	}

	/* Relays that are caught up give their places to those that wait; they come back in turn. */
	void make_room(int64_t now, std::vector<std::string> &messages)
	{
		if (count_open() < pg::settings::sync_connections)
			return;
		int64_t leaving = 0, stay = std::min<int64_t>(kMinLive, pg::settings::sync_interval_s);
		std::vector<std::pair<int64_t, int32_t>> candidates;
		for (const auto &[id, relay] : relays_) {
			if (!relay.open)
				continue;
			if (relay.stopping)
				leaving++;
			else if (relay.live_since && now - *relay.live_since >= stay)
				candidates.emplace_back(*relay.live_since, id);
		}
		if (candidates.empty())
			return;
		int64_t waiting =
			waiting_statement.run({pg::value(pg::settings::allow_local_relays), pg::value(now)})
				.integer(0, 1);
		std::sort(candidates.begin(), candidates.end());
		for (const auto &[since, id] : candidates)
			if (waiting-- > leaving)
				stop(id, messages);
	}

	void read_again(int64_t now, std::vector<std::string> &messages)
	{
		for (auto &[id, relay] : relays_)
			if (relay.open && !relay.stopping && relay.live_since &&
				(relay.more || now - relay.asked_at >= pg::settings::sync_interval_s))
				messages.push_back(
					wire::encode(wire::RelayMore{id, relay.attempt, ranges(id, relay, now)}));
	}

	/* Everything not proven up to now, and whatever is dated later (never proven). */
	std::vector<wire::Range> ranges(int32_t id, Relay &relay, int64_t now)
	{
		std::vector<wire::Range> ranges{{now + 1, nostr::Pager::kOpenEnd}};
		pg::Rows rows =
			gaps_statement.run({pg::value(id), pg::value(now), pg::value(now - kDenseRetry),
								pg::value(int64_t{kMaxRanges})});
		uint64_t count = std::min<uint64_t>(rows.count(), kMaxRanges - 1);
		for (uint64_t row = 0; row < count; row++)
			ranges.push_back({rows.integer(row, 1), rows.integer(row, 2)});
		relay.more = rows.count() > count;
		relay.asked_at = now;
		relay.live_since.reset();
		return ranges;
	}

	void note(const wire::RelayReport &report, int64_t now)
	{
		Relay &relay = relays_.at(report.relay_id);
		if (report.attempt != relay.attempt)
			return;
		if (report.phase == wire::RelayPhase::CaughtUp)
			relay.live_since = now;
		else if (report.phase == wire::RelayPhase::Ended)
			relay.open = false;
	}

	uint32_t attempts_ = 0;                     // openings so far
	std::unordered_map<int32_t, Relay> relays_; // since the net process started
};

} // namespace

std::unique_ptr<pg::Service>
make_synchronizer()
{
	return std::make_unique<Synchronizer>();
}
