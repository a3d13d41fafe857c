/*
 * The dvm service: hears job requests at the relays of bigbrotr.dvm_relays, answers each once, and
 * says that it is there (NIP-90, NIP-89). It does nothing without relays and without
 * bigbrotr.key_file.
 *
 *   Heard -> _bigbrotr.job_requests -> an executor -> signed answer -> _bigbrotr.job_requests
 *         -> relays -> OK
 *
 * An answer is stored before it is sent, and is sent until a relay accepts it: after a crash the
 * same event goes out again, which relays know by its id.
 */
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "nostr/auth.h"
#include "nostr/monitor_events.h"
#include "nostr/relay_url.h"
#include "pg/border/spi.h"
#include "pg/work/executor_pool.h"
#include "pg/work/key_file.h"
#include "pg/work/worker.h"
#include "workers/dvm/listener.h"
#include "workers/dvm/mail.h"
#include "workers/dvm/settings.h"
#include "workers/dvm/work.h"

extern "C" {
#include "utils/guc.h"
}

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int64_t kRequestAge = 600; // seconds: older requests are not heard
constexpr int64_t kHeartbeatInterval = 300, kDay = 86400;
constexpr size_t kMostRequest = 32 << 10;  // bytes of a request
constexpr size_t kMostAnswer = 60 << 10;   // bytes of a result's content
constexpr int32_t kMostAttempts = 3;       // of a job whose work breaks off
constexpr int kMostPings = 60;             // in five minutes
constexpr int32_t kFirstMailNumber = 1000; // relays that are listened to have lower ones
constexpr auto kPatience = 1s; // a customer is told that the work goes on if it takes longer

constexpr int32_t kContentSearch = 5302, kPeopleSearch = 5303, kEventCount = 5400;

pg::Statement take_statement("SELECT _bigbrotr.take_job($1, $2, $3, $4, $5, $6)");
pg::Statement next_statement("SELECT request, relay_url, attempts FROM _bigbrotr.next_job($1) "
							 "WHERE request IS NOT NULL");
pg::Statement answer_statement("SELECT _bigbrotr.answer_job($1, $2, $3, $4)");
pg::Statement
	due_statement("SELECT request_id, answer, request FROM _bigbrotr.answers_to_send($1, $2)");
pg::Statement sent_statement("SELECT _bigbrotr.answer_sent($1, $2)");
pg::Statement resume_statement("SELECT _bigbrotr.resume_jobs($1)");
pg::Statement forget_statement("SELECT _bigbrotr.forget_jobs($1)");

nostr::Event
parsed(std::string_view json)
{
	nostr::Event event;
	if (nostr::EventParser().parse(json, event) != nostr::Reject::None)
		throw pg::Error(ERRCODE_DATA_CORRUPTED, "a stored event cannot be read");
	return event;
}

class Dvm : public pg::Service
{
  public:
	pg::NetSettings net_settings() const override
	{
		return pg::dialling_settings(wire::PublishSettings());
	}

	void start(pg::Worker &worker) override
	{
		pool_.emplace(worker, "bigbrotr " + std::string(worker.name()));
		resume(worker);
		listener_.read_relays(worker);
	}

	void on_reload(pg::Worker &worker) override
	{
		announced_ = 0;
		listener_.read_relays(worker);
	}

	void on_net_lost(pg::Worker &) override
	{
		listener_.forget_connections();
		mail_.forget_all();
		under_way_.clear();
	}

	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &delay) override
	{
		delay = 5s;
		key_.read(worker);
		if (!key_.signer())
			work_.reset(); // it is begun again when its minute is over
		worker.show_waiting(!key_.signer()             ? "a key (bigbrotr.key_file)"
							: listener_.urls().empty() ? "relays to listen to (bigbrotr.dvm_relays)"
													   : "");
		if (!worker.net_running() || !key_.signer())
			return pg::Next::Continue;
		listener_.listen(worker, heard_kinds(), worker.now() - kRequestAge);
		send_stored_answers(worker);
		announce(worker);
		look_ = true; // for jobs that were paid, or broken off
		worker.gauge("events_waiting", static_cast<int64_t>(mail_.waiting()));
		return pg::Next::Continue;
	}

	Clock::time_point turn(pg::Worker &worker) override
	{
		pool_->tend(worker, 1);
		hear_executor(worker);
		while (look_ && !asked_ && key_.signer() && worker.net_running() && pool_->idle())
			begin_work(worker);
		const bool is_long = work_ && worker.steady_now() >= since_ + kPatience;
		if (is_long && !std::exchange(told_, true))
			tell(work_->status({.status = "processing", .text = "The archive is searched."},
							   worker.now()),
				 work_->envelope());
		if (worker.net_running())
			mail_.turn(worker);
		note_sent_answers(worker);
		return work_ && !told_ ? std::min(pool_->next_deadline(), since_ + kPatience)
							   : pool_->next_deadline();
	}

	void on_message(pg::Worker &worker, const wire::Frame &frame) override
	{
		std::visit([&](const auto &one) { take(worker, one); },
				   pg::net_message<wire::PublishToWorker>(frame));
	}

  private:
	// ---- relays

	static std::vector<int32_t> kinds()
	{
		return {kContentSearch, kPeopleSearch, kEventCount, dvm_settings.kind};
	}

	static std::vector<int32_t> heard_kinds()
	{
		std::vector<int32_t> all = kinds();
		all.push_back(nostr::kJobPing);
		return all;
	}

	/* The operator chose the relays that are listened to, customers those that get their answers:
	 * what these get is signed by the same key. */
	void take(pg::Worker &worker, const wire::SignIn &question)
	{
		const std::string *url = mail_.asks_who_writes(question.relay_id, question.attempt);
		if (!url)
			url = listener_.asks_who_listens(question.relay_id, question.attempt);
		if (!url || !key_.signer())
			return;
		const nostr::Event event =
			nostr::auth_event(*key_.signer(), *url, question.challenge, worker.now());
		const std::string text = nostr::to_json(event);
		worker.send(wire::SignedIn{.relay_id = question.relay_id,
								   .attempt = question.attempt,
								   .id = &event.id,
								   .event = text});
	}

	void take(pg::Worker &, const wire::Answered &answer) { mail_.take(answer); }
	/* They have different numbers. */
	void take(pg::Worker &worker, const wire::ConnectionEnded &end)
	{
		listener_.take(worker, end);
		mail_.take(end);
	}

	void note_sent_answers(pg::Worker &worker)
	{
		if (ended_.empty())
			return;
		worker.transaction_with_retries("noting which answers were accepted", {}, [&] {
			for (const auto &[request, accepted] : ended_)
				sent_statement.run({pg::bytea(request), pg::value(accepted)});
		});
		for (const auto &[request, accepted] : ended_) {
			std::erase(under_way_, request); // not there, if the net process is another one since
			worker.count(accepted ? "answers_accepted" : "answers_not_accepted", 1);
		}
		ended_.clear();
	}

	// ---- announcements

	void announce(pg::Worker &worker)
	{
		const int64_t now = worker.now();
		const std::vector<std::string> urls = listener_.urls();
		if (urls.empty() || now < heartbeat_ + kHeartbeatInterval)
			return;
		heartbeat_ = now;
		pings_ = 0;
		auto send = [&](nostr::Event event) {
			key_.signer()->sign(event);
			mail_.send({.id = event.id, .text = nostr::to_json(event), .request = {}}, urls);
		};
		send(nostr::job_heartbeat(now));
		if (now < announced_ + kDay)
			return;
		announced_ = now;
		send(nostr::job_announcement(
			{.name = dvm_settings.name,
			 .about =
				 "answers questions from an archive of Nostr: events, counts, relays, coverage",
			 .kinds = kinds(),
			 .price = dvm_settings.price_msat},
			now));
		/* The publisher says who we are and where our events are, if it is at work. */
		const char *publisher = GetConfigOption("bigbrotr.publish_relays", true, false);
		if (!publisher || !*publisher) {
			send(nostr::profile_event(dvm_settings.name, "an archive of Nostr (NIP-90)", now));
			send(nostr::relay_list_event(urls, now));
		}
		worker.transaction_with_retries("forgetting old jobs", {},
										[&] { forget_statement.run({pg::value(now)}); });
	}

	// ---- requests

	void take(pg::Worker &worker, const wire::Heard &message)
	{
		const std::string *url = listener_.heard(message.relay_id, message.attempt);
		if (!url || !key_.signer())
			return;
		nostr::Event event = wire::copy(message.event);
		if (!verifier_.is_genuine(event))
			throw pg::NetFault{.reason = "it told of an event that is not genuine"};
		const std::string text = nostr::to_json(event);
		if (event.has_nul || text.size() > kMostRequest)
			return worker.count("requests_too_large", 1);
		if (event.kind == nostr::kJobPing)
			return answer_ping(worker, Work(*key_.signer(), std::move(event), *url));
		std::string decision;
		worker.transaction_with_retries("noting a job", {}, [&] {
			decision =
				take_statement
					.run({pg::value(std::string_view(text)), pg::value(std::string_view(*url)),
						  pg::bytea(nostr::view(key_.signer()->pubkey())),
						  pg::value(dvm_settings.jobs_per_author),
						  pg::value(dvm_settings.price_msat == 0), pg::value(worker.now())})
					.bytes(0, 1);
		});
		worker.count(("requests_" + decision).c_str(), 1);
		const Work work(*key_.signer(), std::move(event), *url);
		if (decision == "waiting")
			look_ = true;
		else if (decision == "unpaid")
			tell(work.status({.status = "payment-required",
							  .text = "This job costs " + std::to_string(dvm_settings.price_msat) +
									  " millisatoshi. Pay within a day: zap this event, or pay as "
									  "the profile of its author says. The job is done once the "
									  "payment is known.",
							  .price = dvm_settings.price_msat},
							 worker.now()),
				 work.envelope());
		else if (decision == "last")
			finish(worker, work, "",
				   "too many jobs: " + std::to_string(dvm_settings.jobs_per_author) +
					   " in an hour are answered. Ask again later.");
	}

	void answer_ping(pg::Worker &worker, const Work &ping)
	{
		const std::string us = "[\"p\",\"" + nostr::to_hex(nostr::view(key_.signer()->pubkey()));
		if (ping.request().tags.find(us) == std::string::npos ||
			ping.request().created_at < worker.now() - kRequestAge || pings_++ >= kMostPings)
			return;
		worker.count("pings", 1);
		tell(ping.status({.status = "pong", .text = "alive"}, worker.now()), ping.envelope());
	}

	// ---- work

	void resume(pg::Worker &worker)
	{
		worker.transaction_with_retries("resuming jobs", {},
										[&] { resume_statement.run({pg::value(worker.now())}); });
	}

	void begin_work(pg::Worker &worker)
	{
		std::string request, url;
		int64_t attempts = 0;
		worker.transaction_with_retries("looking for a job", {}, [&] {
			pg::Rows row = next_statement.run({pg::value(worker.now())});
			look_ = row.count() > 0;
			if (!look_)
				return;
			request = row.bytes(0, 1);
			url = row.bytes(0, 2);
			attempts = row.integer(0, 3);
		});
		if (!look_)
			return;
		Work work(*key_.signer(), parsed(request), std::move(url));
		if (attempts > kMostAttempts)
			return finish(worker, work, "", "the job broke off several times. Ask for less.");
		const std::optional<Work::Inputs> inputs = work.inputs();
		if (!inputs)
			return finish(worker, work, "",
						  "the parameters cannot be decrypted: encrypt them to " +
							  nostr::to_hex(nostr::view(key_.signer()->pubkey())) +
							  " by NIP-44 or NIP-04");
		const std::string kind = std::to_string(work.request().kind);
		const std::string route_kind = std::to_string(dvm_settings.kind);
		asked_ = pool_->idle();
		pool_->ask(*asked_, {.number = ++questions_,
							 .timeout_ms = dvm_settings.timeout_ms,
							 .cost_limit = cost_limit(),
							 .sql = "SELECT j, '' FROM _bigbrotr.api_job($1::integer, $2::integer, "
									"$3::jsonb, $4) AS j",
							 .arguments = {{.given = true, .value = kind},
										   {.given = true, .value = route_kind},
										   {.given = true, .value = inputs->tags},
										   {.given = true, .value = inputs->content}}});
		work_.emplace(std::move(work));
		found_.clear();
		since_ = worker.steady_now();
		told_ = false;
	}

	/* A customer is a stranger: what the api service allows to those without a key. */
	static int32_t cost_limit()
	{
		const char *limit = GetConfigOption("bigbrotr.api_cost_limit", true, false);
		return limit ? std::atoi(limit) : 0;
	}

	void hear_executor(pg::Worker &worker)
	{
		using Heard = pg::ExecutorPool::Heard;
		std::string_view frame;
		while (asked_)
			switch (pool_->hear(*asked_, frame)) {
			case Heard::Nothing:
				return;
			case Heard::Rows:
				for (const wire::Row &row :
					 wire::Reader::message<wire::Rows>(frame.substr(wire::kHead)).rows)
					found_ = row.item;
				break;
			case Heard::End:
				asked_.reset();
				end_work(worker, wire::Reader::message<wire::CallEnd>(frame.substr(wire::kHead)));
				break;
			case Heard::Lost:
				asked_.reset();
				work_.reset();
				resume(worker);
				look_ = true;
			}
	}

	void end_work(pg::Worker &worker, const wire::CallEnd &end)
	{
		look_ = true;
		if (!work_)
			return;
		std::string error(end.message);
		if (!end.detail.empty())
			error.append(". ").append(end.detail);
		if (!end.hint.empty())
			error.append(" ").append(end.hint);
		if (end.sqlstate == "57014")
			error = "the job takes too long: ask for less";
		else if (end.sqlstate.empty() && found_.size() > kMostAnswer)
			error = "the answer is too large: ask for less";
		const Work work = *std::move(work_);
		work_.reset();
		finish(worker, work, found_, error);
	}

	/* Stores the answer, then sends it. `error`: empty, if `content` is the result. */
	void finish(pg::Worker &worker, const Work &work, std::string_view content,
				std::string_view error)
	{
		const nostr::Event answer =
			error.empty() ? work.result(content, worker.now())
						  : work.status({.status = "error", .text = error}, worker.now());
		const std::string text = nostr::to_json(answer);
		worker.transaction_with_retries("storing an answer", {}, [&] {
			answer_statement.run(
				{pg::bytea(nostr::view(work.request().id)), pg::value(std::string_view(text)),
				 error.empty() ? pg::null(TEXTOID) : pg::value(error), pg::value(worker.now())});
		});
		worker.count(error.empty() ? "jobs_done" : "jobs_failed", 1);
		send_stored_answers(worker);
	}

	// ---- answers

	void send_stored_answers(pg::Worker &worker)
	{
		constexpr int32_t kMost = 50;
		struct Due
		{
			std::string request_id, answer, request;
		};
		std::vector<Due> due;
		worker.transaction_with_retries("looking for answers to send", {}, [&] {
			due.clear();
			pg::Rows rows = due_statement.run({pg::value(kMost), pg::value(worker.now())});
			for (uint64_t row = 0; row < rows.count(); row++)
				due.push_back({std::string(rows.bytes(row, 1)), std::string(rows.bytes(row, 2)),
							   std::string(rows.bytes(row, 3))});
		});
		for (Due &one : due) {
			if (std::find(under_way_.begin(), under_way_.end(), one.request_id) != under_way_.end())
				continue;
			under_way_.push_back(one.request_id);
			const nostr::Event answer = parsed(one.answer);
			mail_.send({.id = answer.id, .text = std::move(one.answer), .request = one.request_id},
					   recipients(nostr::job_envelope(parsed(one.request).tags)));
		}
	}

	/* Nothing depends on it. */
	void tell(const nostr::Event &event, const nostr::JobEnvelope &envelope)
	{
		mail_.send({.id = event.id, .text = nostr::to_json(event), .request = {}},
				   recipients(envelope));
	}

	/* Our own relays, and those that the customer wants. */
	std::vector<std::string> recipients(const nostr::JobEnvelope &envelope) const
	{
		std::vector<std::string> urls = listener_.urls();
		for (const std::string &text : envelope.relays) {
			nostr::RelayUrl url = nostr::normalise_relay_url(text);
			if (url.ok() && std::find(urls.begin(), urls.end(), url.url) == urls.end())
				urls.push_back(std::move(url.url));
		}
		return urls;
	}

	pg::KeyFile key_;
	nostr::Verifier verifier_;
	Listener listener_;
	int64_t heartbeat_ = 0, announced_ = 0; // the last ones, Unix seconds
	int pings_ = 0;                         // since the last heartbeat

	std::optional<pg::ExecutorPool> pool_;
	uint64_t questions_ = 0;
	bool look_ = true;         // a job may wait
	std::optional<int> asked_; // the executor that is at work
	std::optional<Work> work_; // what for; nothing: nobody wants it any more
	std::string found_;        // by the executor
	Clock::time_point since_{};
	bool told_ = false; // the customer knows that the work goes on

	std::vector<std::pair<std::string, bool>>
		ended_;                          // requests whose answers have been to all relays
	std::vector<std::string> under_way_; // requests whose answers are on their way
	Mail mail_{kFirstMailNumber, [this](const Letter &letter) {
				   ended_.emplace_back(letter.request, letter.accepted);
			   }};
};

} // namespace

std::unique_ptr<pg::Service>
make_dvm()
{
	return std::make_unique<Dvm>();
}
