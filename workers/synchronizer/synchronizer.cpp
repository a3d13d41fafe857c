/*
 * The synchronizer: archives every event of every relay and keeps the evidence in coverage.
 *
 *   due (_bigbrotr.take_relays)        -> RelayOpen: the ranges without evidence, newest first
 *   KnownQuestion                     -> Known
 *   Batch                             -> checks.cpp -> one transaction (ingest.cpp) -> Ack
 *   caught up, sync_interval ago      -> RelayMore: the time since then
 *   no place free, relays waiting     -> RelayStop for relays that had their turn
 *   SignIn: a relay demands NIP-42    -> SignedIn, if bigbrotr.authenticate_at allows it
 *   a sighting of a deleted event     -> Forget and RelayStop: its relay is read again
 *
 * plan.cpp decides what is done when. Only bigbrotr.coverage records what was read: after any stop,
 * the next opening asks exactly for the ranges that are missing there.
 */
#include <algorithm>
#include <set>
#include <utility>

#include "archive/insert.h"
#include "archive/retention.h"
#include "pg/border/spi.h"
#include "pg/cycle/settings.h"
#include "pg/work/clock_step.h"
#include "pg/work/key_file.h"
#include "workers/synchronizer/checks.h"
#include "workers/synchronizer/comparisons.h"
#include "workers/synchronizer/disk.h"
#include "workers/synchronizer/ingest.h"
#include "workers/synchronizer/leases.h"
#include "workers/synchronizer/plan.h"
#include "workers/synchronizer/quota.h"
#include "workers/synchronizer/settings.h"
#include "workers/synchronizer/synchronizer.h"

namespace {

using namespace std::chrono_literals;

pg::Statement may_authenticate_statement("SELECT count(*) FROM _bigbrotr.relay_sync AS s "
										 "WHERE s.relay_id = $1 AND s.authenticate");

pg::Statement note_key_statement("SELECT _bigbrotr.note_reader_key($1, $2)");

/* Tells when work is due that is not done in every cycle. */
class Timer
{
  public:
	using Clock = std::chrono::steady_clock;
	explicit Timer(std::chrono::seconds interval) : interval_(interval) {}
	bool due(Clock::time_point now)
	{
		if (now < next_)
			return false;
		next_ = now + interval_;
		return true;
	}
	void expire() { next_ = {}; }

  private:
	std::chrono::seconds interval_;
	Clock::time_point next_{};
};

class Synchronizer : public pg::Service
{
  public:
	explicit Synchronizer(Share share) : share_(share) {}

	pg::NetSettings net_settings() const override;

	void start(pg::Worker &worker) override
	{
		// Prometheus sees no increase where a counter begins with 1.
		for (const char *counter : {"audited_paged", "audited_confirmed", "audited_reconciled",
									"missed_paged", "missed_confirmed", "missed_reconciled"})
			worker.count(counter, 0);
		begin(worker);
	}
	void on_net_lost(pg::Worker &worker) override { begin(worker); }
	void renew(pg::Worker &worker) override
	{
		if (leased_)
			leases_.renew(worker.now());
	}
	void on_reload(pg::Worker &) override
	{
		reloaded_ = true;
		look_.expire();
	}

	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &delay) override
	{
		delay = 1s;
		if (!worker.net_running())
			return pg::Next::Continue;
		auto tick = worker.steady_now();
		const int64_t now = worker.now();
		const int64_t clock_step = clock_step_.seconds(now, tick);
		const bool set_ahead = clock_step > 0;
		/* After the clock was set ahead, the leases of all workers seem to have expired. This sweep
		 * is left out, so that they have a minute to renew them. */
		Occasion occasion{.now = now,
						  .clock_back = std::max<int64_t>(-clock_step, 0),
						  .share = share_,
						  .look = look_.due(tick),
						  .sweep = sweep_.due(tick) && !set_ahead,
						  .reload = std::exchange(reloaded_, false)};
		occasion.filters = filters_;
		bool had_key = key_.signer() != nullptr;
		if (occasion.look) {
			key_.read(worker);
			note_key(worker);
		}
		occasion.has_key = key_.signer() != nullptr;
		occasion.reload |= occasion.has_key && !had_key;
		bool flush = flush_.due(tick), flush_claims = flush_claims_.due(tick);
		if (occasion.clock_back > 0)
			book_.clock_set_back(now);
		SyncPlan plan;
		worker.transaction_with_retries("planning", {.durable = false}, [&] {
			/* The sweep must not end the leases of its own worker. */
			if (flush || occasion.sweep || set_ahead)
				leases_.renew(worker.now());
			else if (flush_claims)
				leases_.hold();
			if (flush)
				books_.traffic.write_all(worker.now());
			if (flush_claims)
				books_.claims.write_all(worker.now());
			if (occasion.look)
				lacking_room_ = lacking_room(worker);
			occasion.disk_full = !lacking_room_.empty();
			plan = make_plan(book_, leases_.owner(), occasion);
		});
		if (flush)
			books_.traffic.all_written();
		if (flush_claims)
			books_.claims.all_written();
		filters_ = plan.filters;
		carry_out(worker, plan, occasion.now);
		if (occasion.look)
			worker.show_waiting(lacking_room_);
		worker.gauge("relays_open", book_.open_count());
		return pg::Next::Continue;
	}

	void on_message(pg::Worker &worker, const wire::Frame &frame) override
	{
		std::visit([&](const auto &one) { take(worker, one); },
				   pg::net_message<wire::ArchiveToWorker>(frame));
	}

  private:
	/* Must be called inside a transaction. What keeps the archive from growing, in words; empty if
	 * nothing does. */
	static std::string lacking_room(pg::Worker &worker)
	{
		constexpr uint64_t megabyte = 1 << 20;
		DiskRoom disk = least_disk_room();
		worker.gauge("disk_free_bytes", static_cast<int64_t>(disk.free_bytes));
		if (disk.free_bytes < synchronizer_settings.min_free_disk_mb * megabyte)
			return "room on the disk of " + disk.path + " (bigbrotr.min_free_disk)";
		uint64_t most = synchronizer_settings.max_database_size_mb * megabyte;
		if (most > 0 && database_size() >= most)
			return "a larger bigbrotr.max_database_size";
		return {};
	}

	/* What was read as the holder of another key says nothing about what this one is shown. */
	void note_key(pg::Worker &worker)
	{
		const nostr::Signer *signer = key_.signer();
		if (!signer || noted_key_ == signer->pubkey())
			return;
		const bool changed = noted_key_.has_value();
		worker.transaction_with_retries("noting the key", {}, [&] {
			note_key_statement.run({pg::bytea(nostr::view(signer->pubkey())), pg::value(changed)});
		});
		noted_key_ = signer->pubkey();
		for (const auto &[id, relay] : book_.relays())
			if (relay.open && relay.reader == wire::ReadAs::SignedIn)
				give_up_claims(worker, id);
	}

	/* Ends the connection, whose claims are ignored. */
	void give_up_claims(pg::Worker &worker, int32_t relay)
	{
		book_.find(relay)->claims_held = true;
		books_.claims.forget(relay);
		stop(worker, relay, 0);
	}

	/* Called when no connection is open: after a start, and after the loss of the net process. */
	void begin(pg::Worker &worker)
	{
		book_.clear();
		const bool leased = std::exchange(leased_, false);
		worker.transaction_with_retries("taking leases", {}, [&] {
			/* What is still to be written belongs to leases that end here. */
			if (leased) {
				leases_.hold();
				books_.traffic.write_all(worker.now());
				books_.claims.write_all(worker.now());
			}
			leases_.begin(worker.name(), share_, worker.now());
		});
		books_.traffic.all_written();
		books_.claims.all_written();
		leased_ = true;
	}

	/* Sends the committed plan to the net process. */
	void carry_out(pg::Worker &worker, SyncPlan &plan, int64_t now)
	{
		for (int32_t id : plan.stop)
			stop(worker, id, 0);
		for (SyncPlan::Opening &opening : plan.open) {
			HandedRelay &relay = book_.open(opening.relay_id, now);
			relay.url = opening.url;
			log(worker, relay, "connecting");
			wire::RelayOpen message{.relay_id = opening.relay_id,
									.attempt = relay.attempt,
									.url = opening.url,
									.page_limit = opening.page_limit,
									.pace_ms = opening.pace_ms,
									.subscriptions = opening.subscriptions,
									.live = true,
									.sign_in = opening.sign_in};
			if (!opening.sign_in)
				message.ranges = ranges_of(opening.task);
			for (const TaskFilter &filter : opening.task.filters)
				if (filter.filter_id != 0)
					message.filters.push_back({.filter_id = filter.filter_id, .json = filter.json});
			worker.send(message);
			relay.sign_in = opening.sign_in;
			if (!opening.sign_in)
				relay.ask(std::move(opening.task.readings), opening.task.more, now);
		}
		for (SyncPlan::NextTask &reading : plan.read) {
			HandedRelay &relay = *book_.find(reading.relay_id);
			worker.send(wire::RelayMore{.relay_id = reading.relay_id,
										.attempt = relay.attempt,
										.ranges = ranges_of(reading.task),
										.reader = relay.reader});
			relay.ask(std::move(reading.task.readings), reading.task.more, now);
		}
	}

	static std::vector<wire::Range> ranges_of(const Task &task)
	{
		std::vector<wire::Range> ranges;
		for (const Reading &reading : task.readings)
			ranges.push_back(reading.range);
		return ranges;
	}

	void stop(pg::Worker &worker, int32_t id, int64_t pause_s)
	{
		HandedRelay &relay = *book_.find(id);
		if (!relay.open)
			return;
		relay.pause_s = std::max(relay.pause_s, pause_s);
		if (std::exchange(relay.stopping, true))
			return;
		worker.send(wire::RelayStop{.relay_id = id, .attempt = relay.attempt});
	}

	void take(pg::Worker &worker, const wire::KnownQuestion &question)
	{
		std::vector<std::string_view> ids;
		ids.reserve(question.events.size());
		for (const wire::Outline &event : question.events)
			ids.push_back(nostr::view(*event.id));
		std::vector<uint8_t> known;
		worker.transaction_with_retries("looking up events", {.read_only = true}, [&] {
			known = archive::known_events(ids);
			const auto rules = archive::RetentionRules::load();
			for (size_t i = 0; i < known.size() && !rules.none(); i++)
				known[i] |= rules.leave_out(question.events[i].kind, question.events[i].created_at);
		});
		worker.send(wire::Known{.question = question.question, .known = std::move(known)});
		worker.count("questions", 1);
	}

	void take(pg::Worker &worker, const wire::SeenQuestion &question)
	{
		tell_seen(worker, question, book_);
	}
	void take(pg::Worker &worker, const wire::NeedQuestion &question)
	{
		tell_wanted(worker, question, book_);
	}

	void take(pg::Worker &worker, const wire::Batch &batch)
	{
		check_.run(batch, book_);
		Ingested done = ingest(worker, batch, leases_, book_, books_);
		worker.send(wire::Ack{.number = batch.number});
		books_.traffic.add(done.traffic);
		books_.traffic.written(done.written);
		books_.claims.add(done.claims);
		books_.claims.written(done.written);
		std::set<int32_t> told;
		for (const wire::RelayClaim &claim : batch.claims)
			told.insert(claim.relay_id);
		for (const Miss &miss : done.misses)
			told.insert(miss.relay_id);
		for (int32_t relay : told)
			add_to_readings(*book_.find(relay), relay, batch, done.misses);
		for (const wire::RelayReport &report : batch.reports)
			note(worker, report);
		if (!done.missing.empty())
			doubt(worker, done);
		for (const auto &[relay, traffic] : done.traffic) {
			// No quota for priority relays: the operator chose them and set an interval.
			if (share_ == Share::Priority)
				continue;
			quota_.count(relay, traffic.events, worker.now());
			if (int64_t wait =
					quota_.wait_s(relay, synchronizer_settings.relay_quota, worker.now()))
				stop(worker, relay, wait);
		}
	}

	/* Signs only for the relay that was opened, only for its URL, and only if this is still
	 * allowed. */
	void take(pg::Worker &worker, const wire::SignIn &question)
	{
		constexpr int kMostSignatures = 16;
		HandedRelay *relay = book_.find(question.relay_id);
		if (!relay || !relay->sign_in)
			throw pg::NetFault{"it asked for a signature for relay " +
							   std::to_string(question.relay_id) +
							   ", which is not to be signed in to"};
		if (!relay->open || relay->attempt != question.attempt ||
			relay->signatures >= kMostSignatures)
			return;
		relay->signatures++;
		bool allowed = false;
		worker.transaction_with_retries("asking whether to sign", {.read_only = true}, [&] {
			allowed =
				may_authenticate_statement.run({pg::value(question.relay_id)}).integer(0, 1) > 0;
		});
		if (!allowed || !key_.signer())
			return;
		key_.sign_in(worker, question, relay->url);
		worker.count("signatures", 1);
	}

	/*
	 * Handles events that the net process took for archived although they are gone. The net process
	 * forgets their ids, and their relays are read again; until then their claims are ignored.
	 */
	void doubt(pg::Worker &worker, const Ingested &done)
	{
		worker.send(wire::Forget{.ids = done.missing});
		for (int32_t relay : done.doubted)
			give_up_claims(worker, relay);
		worker.count("events_missing", static_cast<int64_t>(done.missing.size()));
	}

	void note(pg::Worker &worker, const wire::RelayReport &report)
	{
		HandedRelay &relay = *book_.find(report.relay_id);
		if (!relay.open || relay.attempt != report.attempt)
			return;
		std::string phase = "reading";
		if (report.phase == wire::RelayPhase::Connected ||
			report.phase == wire::RelayPhase::SignedIn) {
			relay.reader = reader_of(report);
			relay.unasked = relay.sign_in;
			if (relay.reader == wire::ReadAs::SignedIn) {
				phase = "signed in";
				relay.forget_readings();
			}
		} else if (report.phase == wire::RelayPhase::CaughtUp) {
			phase = "live";
			relay.live_since = worker.now();
			// Live events were dropped: the relay is read again at once.
			relay.more |= report.reason == "no_memory";
		} else if (report.phase == wire::RelayPhase::Ended) {
			phase = report.reason.empty() ? "closed" : "failed: ";
			phase.append(report.reason);
			if (!report.detail.empty())
				phase.append(" (").append(report.detail).append(")");
			book_.end(relay);
		}
		log(worker, relay, phase, report.reason);
	}

	/* The detail has the form that _bigbrotr.tell_status gives it, too. */
	static void log(pg::Worker &worker, const HandedRelay &relay, std::string_view words,
					std::string_view reason = {})
	{
		std::string text = "relay " + relay.url + ": ";
		text.append(words);
		std::ranges::replace(text, '\n', ' '); // the words of a relay may have line breaks
		text.append("\nrelay=").append(relay.url).append(" task=read");
		if (!reason.empty())
			text.append(" reason=").append(reason);
		worker.log(wire::LogLevel::Debug, text);
	}

	const Share share_;
	RelayBook book_;
	Books books_;
	RelayQuota quota_;
	BatchCheck check_;
	Leases leases_;
	bool leased_ = false;
	pg::KeyFile key_;
	std::optional<nostr::PublicKey> noted_key_;
	std::string filters_;      // the filters that the relays were told
	std::string lacking_room_; // what lacks room, in words; empty: there is room
	pg::ClockStep clock_step_;
	bool reloaded_ = false;
	Timer look_{5s}, flush_claims_{5s}, flush_{20s}, sweep_{60s};
};

pg::NetSettings
Synchronizer::net_settings() const
{
	wire::ArchiveSettings settings = synchronizer_settings.net;
	settings.max_event_size_kb = pg::settings::max_event_size_kb;
	settings.max_event_tags = pg::settings::max_event_tags;
	settings.paging_kb = pg::settings::net_memory_limit_kb / 8;
	settings.politeness = static_cast<wire::Politeness>(pg::settings::politeness);
	return pg::dialling_settings(settings, std::to_string(settings.verifier_threads));
}

} // namespace

std::unique_ptr<pg::Service>
make_synchronizer_of(Share share)
{
	return std::make_unique<Synchronizer>(share);
}

std::unique_ptr<pg::Service>
make_synchronizer()
{
	return make_synchronizer_of(Share::Ordinary);
}
