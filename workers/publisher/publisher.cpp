/*
 * The publisher: signs events about the monitor's findings and sends them to the relays of
 * bigbrotr.publish_relays, if that and bigbrotr.key_file are set. It also sends alerts
 * (alerts.cpp).
 *
 *   events due at a relay -> Publish -> Answered …
 *                         -> ConnectionEnded -> _bigbrotr.relay_publications
 */
#include <algorithm>
#include <utility>

#include "pg/border/settings.h"
#include "pg/border/spi.h"
#include "pg/work/key_file.h"
#include "pg/work/relay_list.h"
#include "pg/work/worker.h"
#include "wire/publish.h"
#include "workers/publisher/alerts.h"
#include "workers/publisher/drafts.h"
#include "workers/publisher/settings.h"

namespace {

using namespace std::chrono_literals;

constexpr size_t kMostBytes = 4 << 20;                    // of all events on one connection
constexpr int64_t kFirstDelay = 60, kLongestDelay = 3600; // pause after a failure, seconds
constexpr int64_t kLookInterval = 60;       // seconds between two searches for findings
constexpr int64_t kRemembered = 30 * 86400; // seconds after which an answer is forgotten

pg::Statement trim_statement("SELECT _bigbrotr.trim_publications($1)");
pg::Statement record_statement(
	"SELECT _bigbrotr.record_publications($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");

struct Publication
{
	nostr::Id id;
	int32_t kind;
	int64_t created_at;
	std::string subject, hash;
	std::string_view outcome = "failed";
	std::string detail;
};

/* A relay that receives events. */
struct RelayTarget
{
	std::string url;
	uint32_t attempt = 0;
	nostr::PublicKey pubkey{}; // author of the events that were sent
	bool busy = false;
	int64_t next = 0;   // earliest time of the next connection, Unix seconds
	int64_t look = 0;   // earliest time of the next search for findings, Unix seconds
	int failures = 0;   // connections in a row that delivered no event
	int signatures = 0; // answers to challenges on this connection
	std::vector<Publication> sent;
};

class Publisher : public pg::Service
{
  public:
	pg::NetSettings net_settings() const override
	{
		return pg::dialling_settings(wire::PublishSettings());
	}

	void start(pg::Worker &worker) override { read_targets(worker); }
	void on_reload(pg::Worker &worker) override { read_targets(worker); }
	/* Events that were under way may not have arrived, so they are sent again. */
	void on_net_lost(pg::Worker &worker) override
	{
		for (RelayTarget &target : targets_) {
			target.busy = false;
			target.look = 0;
			target.sent.clear();
		}
		alerts_.fail_all(worker);
		if (reread_)
			read_targets(worker);
	}

	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &delay) override
	{
		delay = 5s;
		if (worker.steady_now() >= next_trim_) {
			next_trim_ = worker.steady_now() + 1h;
			worker.transaction_with_retries("forgetting old publications", {}, [&] {
				trim_statement.run({pg::value(worker.now() - kRemembered)});
			});
		}
		key_.read(worker);
		alerts_.tend(worker, key_.signer(), target_urls());
		const bool only_alerts = alerts_.any() && targets_.empty();
		worker.show_waiting(alerts_.lacks_secret()
								? "a secret for alerts (bigbrotr.alert_secret_file)"
							: only_alerts      ? ""
							: !key_.signer()   ? "a key (bigbrotr.key_file)"
							: targets_.empty() ? "relays to publish to (bigbrotr.publish_relays)"
											   : "");
		/* While the list of relays must be read again, no relay of the old list gets events. */
		if (!worker.net_running() || !key_.signer() || reread_)
			return pg::Next::Continue;
		for (size_t i = 0; i < targets_.size(); i++)
			if (RelayTarget &target = targets_[i]; !target.busy && target.next <= worker.now())
				publish(worker, static_cast<int32_t>(i + 1), target);
		return pg::Next::Continue;
	}

	void on_message(pg::Worker &worker, const wire::Frame &frame) override
	{
		std::visit([&](const auto &one) { take(worker, one); },
				   pg::net_message<wire::PublishToWorker>(frame));
	}

  private:
	void read_targets(pg::Worker &worker)
	{
		std::vector<RelayTarget> targets;
		for (std::string &url :
			 pg::relay_list(worker, "bigbrotr.publish_relays", publisher_settings.relays))
			targets.push_back({.url = std::move(url)});
		/* The number of a target is its place in the list, so the list cannot change while a
		 * connection is open. */
		for (RelayTarget &target : targets_)
			if (target.busy)
				return void(reread_ = true);
		reread_ = false;
		targets_ = std::move(targets);
	}

	std::vector<std::string> target_urls() const
	{
		std::vector<std::string> urls;
		for (const RelayTarget &one : targets_)
			urls.push_back(one.url);
		return urls;
	}

	/* Events that are due at this relay. Sets `look` to the new value of RelayTarget::look. */
	std::vector<Draft> drafts(const RelayTarget &target, int64_t now, int64_t &look) const
	{
		const Recipient to{.author = key_.signer()->pubkey(), .url = target.url};
		std::vector<Draft> due = own_drafts(to, target_urls(), now);
		if (target.look > now)
			return due;
		const size_t places = wire::kMaxPublications - due.size();
		std::vector<Draft> found = found_drafts(to, places, now);
		if (found.size() < places)
			look = now + kLookInterval;
		std::ranges::move(found, std::back_inserter(due));
		return due;
	}

	void publish(pg::Worker &worker, int32_t number, RelayTarget &target)
	{
		std::vector<Draft> due;
		int64_t look = target.look;
		worker.transaction_with_retries("looking for what is to be published", {.read_only = true},
										[&] {
											look = target.look;
											due = drafts(target, worker.now(), look);
										});
		target.look = look;
		wire::Publish task{
			.relay_id = number, .attempt = ++attempts_, .url = target.url, .events = {}};
		std::vector<std::string> texts;
		size_t bytes = 0;
		target.sent.clear();
		for (Draft &one : due) {
			key_.signer()->sign(one.event);
			std::string text = nostr::to_json(one.event);
			if (text.size() > wire::kMaxPublication || (bytes += text.size()) > kMostBytes)
				continue;
			texts.push_back(std::move(text));
			target.sent.push_back({.id = one.event.id,
								   .kind = one.event.kind,
								   .created_at = one.event.created_at,
								   .subject = std::move(one.subject),
								   .hash = std::move(one.hash),
								   .detail = {}});
		}
		if (texts.empty())
			return;
		for (size_t i = 0; i < texts.size(); i++)
			task.events.push_back({.id = &target.sent[i].id, .event = texts[i]});
		target.attempt = task.attempt;
		target.pubkey = key_.signer()->pubkey();
		target.busy = true;
		target.signatures = 0;
		worker.send(task);
	}

	/* Null if the connection is over. */
	RelayTarget *find(int32_t number, uint32_t attempt)
	{
		if (number > static_cast<int32_t>(targets_.size()))
			throw pg::NetFault{.reason = "it spoke of relay " + std::to_string(number) +
										 ", which was not handed out to it"};
		RelayTarget &target = targets_[number - 1];
		return target.busy && target.attempt == attempt ? &target : nullptr;
	}

	/* The URL of this connection; null if it is over or has asked for too many signatures. */
	const std::string *asks_who_writes(const wire::SignIn &question)
	{
		constexpr int kMostSignatures = 3;
		if (question.relay_id >= Alerts::kFirstNumber)
			return alerts_.asks_who_writes(question);
		RelayTarget *target = find(question.relay_id, question.attempt);
		return target && target->signatures++ < kMostSignatures ? &target->url : nullptr;
	}

	/* Signs for any relay that gets events: the operator or the reader of an alert chose the relay,
	 * so the relay may know the author. */
	void take(pg::Worker &worker, const wire::SignIn &question)
	{
		const std::string *url = asks_who_writes(question);
		if (!url || !key_.signer())
			return;
		key_.sign_in(worker, question, *url);
	}

	void take(pg::Worker &worker, const wire::Answered &answer)
	{
		if (answer.relay_id >= Alerts::kFirstNumber)
			return alerts_.take(answer);
		RelayTarget *target = find(answer.relay_id, answer.attempt);
		if (!target)
			return;
		auto sent = std::find_if(target->sent.begin(), target->sent.end(),
								 [&](const Publication &one) { return one.id == *answer.id; });
		if (sent == target->sent.end())
			throw pg::NetFault{.reason =
								   "it reported a relay's answer to an event that was not sent"};
		sent->outcome = answer.accepted ? "accepted" : "refused";
		sent->detail = answer.text;
		worker.count(answer.accepted ? "events_accepted" : "events_refused", 1);
	}

	void take(pg::Worker &, const wire::Heard &)
	{
		throw pg::NetFault{.reason = "it heard an event without being asked to listen"};
	}

	void take(pg::Worker &worker, const wire::Posted &posted) { alerts_.take(worker, posted); }

	void take(pg::Worker &worker, const wire::ConnectionEnded &end)
	{
		if (end.relay_id >= Alerts::kFirstNumber)
			return alerts_.take(worker, end);
		RelayTarget *target = find(end.relay_id, end.attempt);
		if (!target)
			return;
		std::string why(end.reason);
		if (!end.detail.empty())
			why.append(": ").append(end.detail);
		std::vector<Publication> &sent = target->sent;
		for (Publication &one : sent)
			if (one.outcome == "failed")
				one.detail = why;
		const size_t n = sent.size();
		worker.transaction_with_retries("recording what was published", {}, [&] {
			auto texts = [&](auto at) { return pg::text_array(n, at); };
			record_statement.run(
				{pg::value(std::string_view(target->url)), pg::bytea(nostr::view(target->pubkey)),
				 pg::int4_array(n, [&](size_t i) { return sent[i].kind; }),
				 texts([&](size_t i) { return std::string_view(sent[i].subject); }),
				 pg::bytea_array(n, [&](size_t i) { return nostr::view(sent[i].id); }),
				 pg::int8_array(n, [&](size_t i) { return sent[i].created_at; }),
				 pg::bytea_array(n, [&](size_t i) { return std::string_view(sent[i].hash); }),
				 texts([&](size_t i) { return sent[i].outcome; }),
				 texts([&](size_t i) { return std::string_view(sent[i].detail); }),
				 pg::value(worker.now())});
		});
		target->busy = false;
		/* If a relay accepts no event, the pauses between connections grow. */
		const bool took_one = std::ranges::any_of(
			sent, [](const Publication &one) { return one.outcome == "accepted"; });
		target->failures = end.reason.empty() && took_one ? 0 : std::min(target->failures + 1, 10);
		if (target->failures > 0)
			target->next =
				worker.now() + std::min(kFirstDelay << (target->failures - 1), kLongestDelay);
		if (reread_)
			read_targets(worker);
	}

	pg::KeyFile key_;
	Alerts alerts_;
	std::vector<RelayTarget> targets_;
	bool reread_ = false; // bigbrotr.publish_relays changed while a connection was open
	uint32_t attempts_ = 0;
	std::chrono::steady_clock::time_point next_trim_{};
};

} // namespace

std::unique_ptr<pg::Service>
make_publisher()
{
	return std::make_unique<Publisher>();
}
