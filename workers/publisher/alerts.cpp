#include "workers/publisher/alerts.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include <openssl/rand.h>

#include "nostr/base64.h"
#include "nostr/event.h"
#include "nostr/gift_wrap.h"
#include "nostr/hmac.h"
#include "nostr/nip19.h"
#include "pg/border/spi.h"
#include "pg/work/small_file.h"
#include "workers/publisher/settings.h"

namespace {

pg::Statement due_statement("SELECT relay_id, alert_id, receiver, document, changed_at, inbox FROM "
							"_bigbrotr.due_alerts($1, $2, $3, $4)");
pg::Statement record_statement("SELECT _bigbrotr.record_alert($1, $2, $3, $4)");

} // namespace

struct Alerts::Due
{
	int32_t relay_id;
	std::string alert_id, receiver;
	std::string document; // JSON, or a text for people
	int64_t changed_at;
	std::string inbox; // relays for the reader's private messages, separated by commas

	bool is_letter() const { return receiver.starts_with("npub1"); }
};

/* A secret in the form of Standard Webhooks. The destructor erases it from memory. */
struct Alerts::Secret
{
	std::string bytes;

	~Secret() { explicit_bzero(bytes.data(), bytes.size()); }
	/* Reads the secret from a file. Returns a description of the fault; empty: none. */
	std::string read(const char *path)
	{
		constexpr std::string_view kPrefix = "whsec_", kBlanks = " \t\r\n";
		constexpr size_t kMostOfFile = 256, kLeast = 24, kMost = 64;
		if (!*path)
			return "there is none";
		Secret file;
		if (std::string fault =
				pg::read_small_file(path, kMostOfFile, pg::Access::Owner, file.bytes);
			!fault.empty())
			return fault;
		std::string_view text = file.bytes;
		text = text.substr(0, text.find_last_not_of(kBlanks) + 1);
		if (text.starts_with(kPrefix))
			if (auto decoded = nostr::base64_decode(text.substr(kPrefix.size()))) {
				bytes = std::move(*decoded);
				if (bytes.size() >= kLeast && bytes.size() <= kMost)
					return "";
			}
		return "it does not hold whsec_ and 24 to 64 bytes in base64";
	}
};

std::vector<Alerts::Due>
Alerts::due(pg::Worker &worker) const
{
	const auto places = static_cast<int32_t>(wire::kMaxPosts - under_way_.size());
	std::vector<int32_t> busy;
	for (const auto &[attempt, sent] : under_way_)
		busy.push_back(sent.relay_id);
	std::vector<Due> due;
	worker.transaction_with_retries("looking for alerts", {.read_only = true}, [&] {
		due.clear();
		pg::Rows rows = due_statement.run(
			{pg::int4_array(busy.size(), [&](size_t i) { return busy[i]; }), pg::value(places),
			 pg::value(lacks_secret_), pg::value(worker.now())});
		for (uint64_t row = 0; row < rows.count(); row++)
			due.push_back({.relay_id = static_cast<int32_t>(rows.integer(row, 1)),
						   .alert_id = std::string(rows.bytes(row, 2)),
						   .receiver = std::string(rows.bytes(row, 3)),
						   .document = std::string(rows.bytes(row, 4)),
						   .changed_at = rows.integer(row, 5),
						   .inbox = std::string(rows.bytes(row, 6))});
	});
	return due;
}

void
Alerts::tend(pg::Worker &worker, const nostr::Signer *signer,
			 const std::vector<std::string> &relays)
{
	if (!worker.net_running())
		return;
	const std::vector<Due> alerts = due(worker);
	lacks_secret_ = false;
	std::optional<Secret> secret; // read when the first alert needs it
	for (const Due &alert : alerts) {
		if (!alert.is_letter() && !secret)
			lacks_secret_ = !read_secret(worker, secret.emplace());
		if (!alert.is_letter() && lacks_secret_)
			continue;
		under_way_[++attempts_] = {.relay_id = alert.relay_id, .alert_id = alert.alert_id};
		if (alert.is_letter())
			write(worker, alert, signer, relays);
		else
			post(worker, alert, *secret);
	}
	mail_.turn(worker);
	note_letters(worker);
}

bool
Alerts::read_secret(pg::Worker &worker, Secret &secret)
{
	std::string fault = secret.read(publisher_settings.alert_secret_file);
	if (!fault.empty() && fault != fault_)
		worker.log(wire::LogLevel::Warning,
				   "could not use the secret of bigbrotr.alert_secret_file: " + fault);
	fault_ = std::move(fault);
	return fault_.empty();
}

/* Signs and posts an alert as this standard says:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
void
Alerts::post(pg::Worker &worker, const Due &alert, const Secret &secret)
{
	const int64_t now = worker.now();
	const std::string content = alert.alert_id + '.' + std::to_string(now) + '.' + alert.document;
	const std::string signature =
		"v1," + nostr::base64(nostr::view(nostr::hmac(secret.bytes, content)));
	worker.send(wire::Post{.attempt = attempts_,
						   .url = alert.receiver,
						   .id = alert.alert_id,
						   .sent_at = now,
						   .signature = signature,
						   .document = alert.document});
}

void
Alerts::write(pg::Worker &worker, const Due &alert, const nostr::Signer *signer,
			  const std::vector<std::string> &relays)
{
	const uint32_t attempt = attempts_;
	std::vector<std::string> urls;
	for (size_t begin = 0; begin < alert.inbox.size();) {
		const size_t end = std::min(alert.inbox.find(',', begin), alert.inbox.size());
		urls.push_back(alert.inbox.substr(begin, end - begin));
		begin = end + 1;
	}
	if (urls.empty())
		urls = relays;
	if (!signer)
		return note(worker, attempt, "there is no key (bigbrotr.key_file)");
	if (urls.empty())
		return note(worker, attempt, "there are no relays (bigbrotr.publish_relays)");
	nostr::PublicKey reader;
	nostr::WrapRandomness random;
	if (RAND_bytes(reinterpret_cast<unsigned char *>(&random), sizeof random) != 1)
		throw std::runtime_error("no randomness for a private message");
	std::optional<nostr::Event> wrap;
	if (!nostr::read_public_key(alert.receiver, reader))
		wrap = nostr::gift_wrap(*signer, reader,
								{.text = alert.document, .written_at = alert.changed_at},
								worker.now(), random);
	if (!wrap)
		return note(worker, attempt, "nobody can have that key");
	mail_.send({.id = wrap->id,
				.text = nostr::to_json(*wrap),
				.request = std::to_string(attempt),
				.fault = "no relay was asked"},
			   urls);
}

void
Alerts::take(pg::Worker &worker, const wire::Posted &posted)
{
	if (!under_way_.contains(posted.attempt))
		throw pg::NetFault{.reason = "it spoke of alert " + std::to_string(posted.attempt) +
									 ", which is not under way"};
	std::string error(posted.reason);
	if (!error.empty() && !posted.detail.empty())
		error.append(": ").append(posted.detail);
	note(worker, posted.attempt, error);
}

void
Alerts::take(pg::Worker &worker, const wire::ConnectionEnded &end)
{
	mail_.take(end);
	note_letters(worker);
}

/* An alert counts as delivered if one relay has accepted the message. */
void
Alerts::note_letters(pg::Worker &worker)
{
	for (const pg::Letter &letter : std::exchange(ended_, {}))
		note(worker, static_cast<uint32_t>(std::stoul(letter.request)),
			 letter.accepted ? "" : letter.fault);
}

void
Alerts::note(pg::Worker &worker, uint32_t attempt, std::string_view error)
{
	auto found = under_way_.find(attempt);
	if (found == under_way_.end())
		return;
	record(worker, found->second, error);
	under_way_.erase(found);
	worker.count(error.empty() ? "alerts_delivered" : "alerts_failed", 1);
}

void
Alerts::fail_all(pg::Worker &worker)
{
	for (const auto &[attempt, sent] : under_way_)
		record(worker, sent, "net_process_lost: the net process ended meanwhile");
	under_way_.clear();
	mail_.forget_all();
	ended_.clear();
}

void
Alerts::record(pg::Worker &worker, const Sent &sent, std::string_view error)
{
	worker.transaction_with_retries("noting an alert", {}, [&] {
		record_statement.run({pg::value(sent.relay_id), pg::value(std::string_view(sent.alert_id)),
							  pg::value(error), pg::value(worker.now())});
	});
}
