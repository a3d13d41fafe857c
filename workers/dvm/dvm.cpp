/*
 * The dvm service: listens for job requests at the relays of bigbrotr.dvm_relays, answers each
 * request once, and announces itself (NIP-90, NIP-89). It does nothing without bigbrotr.key_file.
 *
 *   Heard, or posted to the API -> _bigbrotr.job_requests -> an executor -> signed answer
 *         -> _bigbrotr.job_requests -> relays -> OK
 *
 * Only the table holds the state of the jobs. An answer is stored before it is sent, and is sent
 * until a relay accepts it: after a crash the same event is sent again, which relays know by its
 * id.
 */
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "pg/border/error.h"
#include "pg/work/executor_pool.h"
#include "pg/work/key_file.h"
#include "pg/work/worker.h"
#include "workers/dvm/announcer.h"
#include "workers/dvm/jobs.h"
#include "workers/dvm/payments.h"
#include "workers/dvm/relay_listener.h"
#include "workers/dvm/replies.h"
#include "workers/dvm/settings.h"
#include "workers/dvm/work.h"

extern "C" {
#include "utils/guc.h"
}

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int64_t kRequestAge = 600;      // seconds: older requests are not heard
constexpr size_t kMostRequest = 32 << 10; // size limit of a request, bytes
constexpr size_t kMostAnswer = 60 << 10;  // size limit of a result's content, bytes
constexpr int32_t kMostAttempts = 3;      // of a job that is interrupted
constexpr int kMostPings = 60;            // in five minutes
/* Numbers by which the net process names the relays that are heard for requests, those that are
 * heard for payments, and those that get events. */
constexpr int32_t kFirstListenNumber = 1, kFirstPaymentNumber = 500, kFirstMailNumber = 1000;
constexpr auto kPatience = 1s; // after this time the customer is told that the job is under way

constexpr int32_t kTable = 5050, kDiscovery = 5300, kContentSearch = 5302, kPeopleSearch = 5303,
				  kEventCount = 5400;

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
		jobs::resume(worker);
		listener_.read_relays(worker);
		payments_.read_settings(worker);
	}

	void on_reload(pg::Worker &worker) override
	{
		announcer_.renew();
		listener_.read_relays(worker);
		payments_.read_settings(worker);
	}

	void on_net_lost(pg::Worker &) override
	{
		listener_.forget_connections();
		payments_.forget_connections();
		replies_.forget_all();
	}

	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &delay) override
	{
		delay = 1s; // a posted job may wait for this time
		const std::optional<nostr::PublicKey> before = pubkey();
		key_.read(worker);
		if (pubkey() != before)
			work_.reset(); // the job is due again after a minute
		say_who_answers(worker);
		worker.show_waiting(!key_.signer()             ? "a key (bigbrotr.key_file)"
							: listener_.urls().empty() ? "relays to listen to (bigbrotr.dvm_relays)"
													   : "");
		if (!worker.net_running() || !key_.signer())
			return pg::Next::Continue;
		listener_.listen(worker, heard_kinds(), worker.now() - kRequestAge);
		payments_.listen(worker);
		replies_.send_stored(worker);
		announce(worker);
		look_ = true; // a job may have been posted, paid or interrupted
		worker.gauge("events_waiting", static_cast<int64_t>(replies_.waiting()));
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
			replies_.tell(
				work_->status({.status = "processing", .text = "The archive is searched."},
							  worker.now()),
				work_->envelope());
		if (worker.net_running())
			replies_.turn(worker);
		replies_.note_sent(worker);
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

	static std::vector<int32_t> announced_kinds()
	{
		return {kDiscovery, kContentSearch, kPeopleSearch, kEventCount, dvm_settings.kind};
	}

	/* Kind 5050 is answered but not announced, because others use it for the generation of
	 * texts. */
	static std::vector<int32_t> answered_kinds()
	{
		std::vector<int32_t> all = announced_kinds();
		all.push_back(kTable);
		return all;
	}

	static std::vector<int32_t> heard_kinds()
	{
		std::vector<int32_t> all = answered_kinds();
		all.push_back(nostr::kJobPing);
		return all;
	}

	/* Signs for relays that the service listens to, which the operator chose, and for relays that
	 * get answers, which customers chose: the answers are signed by the same key anyway. */
	void take(pg::Worker &worker, const wire::SignIn &question)
	{
		const std::string *url = replies_.asks_who_writes(question.relay_id, question.attempt);
		if (!url)
			url = listener_.asks_who_listens(question.relay_id, question.attempt);
		if (!url)
			url = payments_.asks_who_listens(question.relay_id, question.attempt);
		if (!url || !key_.signer())
			return;
		key_.sign_in(worker, question, *url);
	}

	void take(pg::Worker &, const wire::Answered &answer) { replies_.take(answer); }
	void take(pg::Worker &, const wire::Posted &)
	{
		throw pg::NetFault{.reason = "it spoke of a document that was not handed out to it"};
	}

	/* The listener, the payments and the replies use different numbers, so only one of them knows
	 * the connection. */
	void take(pg::Worker &worker, const wire::ConnectionEnded &end)
	{
		listener_.take(worker, end);
		payments_.take(worker, end);
		replies_.take(end);
	}

	// ---- announcements

	/* Tells the API which key answers jobs, because the API accepts requests for this service. */
	void say_who_answers(pg::Worker &worker)
	{
		const nostr::Signer *signer = key_.signer();
		const std::string provider =
			signer ? std::string(nostr::view(signer->pubkey())) + std::to_string(dvm_settings.kind)
				   : "";
		if (std::exchange(provider_, provider) != provider)
			jobs::note_provider(worker, signer ? &signer->pubkey() : nullptr, answered_kinds());
	}

	void announce(pg::Worker &worker)
	{
		const int64_t now = worker.now();
		if (now < heartbeat_ + Announcer::kInterval)
			return;
		heartbeat_ = now;
		pings_ = 0;
		jobs::forget(worker);
		const std::vector<std::string> urls = listener_.urls();
		for (nostr::Event &event : announcer_.events(now, urls, announced_kinds())) {
			key_.signer()->sign(event);
			replies_.send({.id = event.id, .text = nostr::to_json(event), .request = {}}, urls);
		}
	}

	// ---- requests

	void take(pg::Worker &worker, const wire::Heard &message)
	{
		const std::string *url = listener_.heard(message.relay_id, message.attempt);
		const bool is_payment = payments_.heard(message.relay_id, message.attempt);
		if ((!url && !is_payment) || !key_.signer())
			return;
		nostr::Event event = wire::copy(message.event);
		if (!verifier_.is_genuine(event))
			throw pg::NetFault{.reason = "it told of an event that is not genuine"};
		const std::string text = nostr::to_json(event);
		if (event.has_nul || text.size() > kMostRequest)
			return worker.count("requests_too_large", 1);
		try {
			if (is_payment)
				return take_payment(worker, text);
			if (event.kind != nostr::kJobPing)
				return take_request(worker, text, *url);
		} catch (const pg::Error &error) {
			/* No text of a stranger may end the service. */
			if (ERRCODE_TO_CATEGORY(error.sqlstate()) != ERRCODE_DATA_EXCEPTION)
				throw;
			worker.log(wire::LogLevel::Debug,
					   std::string("could not read a request: ") + error.what());
			return worker.count("requests_refused", 1);
		}
		answer_ping(worker, Work(*key_.signer(), std::move(event), *url));
	}

	void take_payment(pg::Worker &worker, const std::string &receipt)
	{
		const bool pays = payments_.take(worker, receipt, key_.signer()->pubkey());
		worker.count("jobs_paid", pays ? 1 : 0);
		look_ |= pays;
	}

	void take_request(pg::Worker &worker, const std::string &text, const std::string &url)
	{
		const std::string decision = jobs::take(worker, text, url, key_.signer()->pubkey());
		worker.count(("requests_" + decision).c_str(), 1);
		look_ |= decision == "waiting" || decision == "unpaid" || decision == "last";
	}

	void answer_ping(pg::Worker &worker, const Work &ping)
	{
		const std::string us = "[\"p\",\"" + nostr::to_hex(nostr::view(key_.signer()->pubkey()));
		if (ping.request().tags.find(us) == std::string::npos ||
			ping.request().created_at < worker.now() - kRequestAge || pings_++ >= kMostPings)
			return;
		worker.count("pings", 1);
		replies_.tell(ping.status({.status = "pong", .text = "alive"}, worker.now()),
					  ping.envelope());
	}

	// ---- work

	void begin_work(pg::Worker &worker)
	{
		std::optional<jobs::Job> job = jobs::next(worker);
		look_ = job.has_value();
		if (!job)
			return;
		Work work(*key_.signer(), jobs::parsed(job->request), std::move(job->relay_url));
		if (job->is_unpaid)
			return ask_price(worker, work);
		if (!job->error.empty())
			return finish(worker, work, "", job->error);
		if (job->attempts > kMostAttempts)
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

	void ask_price(pg::Worker &worker, const Work &work)
	{
		const int64_t price = dvm_settings.price_msat;
		const nostr::Event feedback = work.status(
			{.status = "payment-required",
			 .text = "This job costs " + std::to_string(price) +
					 " millisatoshi. Pay within an hour: zap this event, or pay as the profile of "
					 "its author says. The job is done once the payment is known.",
			 .price = price},
			worker.now());
		jobs::price(worker, work.request().id, nostr::to_json(feedback), price);
		replies_.send_stored(worker);
	}

	/* The limit for clients of the API without a key, because a customer is a stranger. */
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
				jobs::resume(worker);
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

	/* Nothing if there is no usable key. */
	std::optional<nostr::PublicKey> pubkey() const
	{
		return key_.signer() ? std::optional(key_.signer()->pubkey()) : std::nullopt;
	}

	/* Stores the answer, then sends it. `error`: empty if `content` is a result. */
	void finish(pg::Worker &worker, const Work &work, std::string_view content,
				std::string_view error)
	{
		const nostr::Event answer =
			error.empty() ? work.result(content, worker.now())
						  : work.status({.status = "error", .text = error}, worker.now());
		jobs::answer(worker, work.request().id, nostr::to_json(answer), error);
		worker.count(error.empty() ? "jobs_done" : "jobs_failed", 1);
		replies_.send_stored(worker);
	}

	pg::KeyFile key_;
	nostr::Verifier verifier_;
	RelayListener listener_{kFirstListenNumber};
	Payments payments_{kFirstPaymentNumber};
	Announcer announcer_;
	std::optional<std::string> provider_; // what the API was told last
	int64_t heartbeat_ = 0;               // Unix seconds of the last heartbeat
	int pings_ = 0;                       // number of pings since the last heartbeat

	std::optional<pg::ExecutorPool> pool_;
	uint64_t questions_ = 0;
	bool look_ = true;         // whether a job may wait
	std::optional<int> asked_; // the executor that is running a job
	std::optional<Work> work_; // the job of asked_; none: nobody needs the result any more
	std::string found_;        // the result of the executor
	Clock::time_point since_{};
	bool told_ = false; // the customer was told that the job is under way

	Replies replies_{kFirstMailNumber, listener_};
};

} // namespace

std::unique_ptr<pg::Service>
make_dvm()
{
	return std::make_unique<Dvm>();
}
