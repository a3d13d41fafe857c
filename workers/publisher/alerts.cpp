#include "workers/publisher/alerts.h"

#include <cstring>
#include <optional>
#include <vector>

#include "nostr/base64.h"
#include "nostr/event.h"
#include "nostr/hmac.h"
#include "pg/border/spi.h"
#include "pg/work/small_file.h"
#include "workers/publisher/settings.h"

namespace {

pg::Statement due_statement(
	"SELECT relay_id, alert_id, receiver, document FROM _bigbrotr.due_alerts($1, $2, $3)");
pg::Statement record_statement("SELECT _bigbrotr.record_alert($1, $2, $3, $4)");

struct Due
{
	int32_t relay_id;
	std::string alert_id, receiver, document;
};

/* A secret in the form of Standard Webhooks; wiped when it goes. */
struct Secret
{
	std::string bytes;

	~Secret() { explicit_bzero(bytes.data(), bytes.size()); }
};

/* Sets the secret, or returns what is wrong, in words. */
std::string
read_secret(const char *path, Secret &secret)
{
	constexpr std::string_view kPrefix = "whsec_", kBlanks = " \t\r\n";
	constexpr size_t kMostOfFile = 256, kLeast = 24, kMost = 64;
	Secret file;
	if (std::string fault = pg::read_small_file(path, kMostOfFile, pg::Access::Owner, file.bytes);
		!fault.empty())
		return fault;
	std::string_view text = file.bytes;
	text = text.substr(0, text.find_last_not_of(kBlanks) + 1);
	if (text.starts_with(kPrefix))
		if (auto bytes = nostr::base64_decode(text.substr(kPrefix.size()))) {
			secret.bytes = std::move(*bytes);
			if (secret.bytes.size() >= kLeast && secret.bytes.size() <= kMost)
				return "";
		}
	return "it does not hold whsec_ and 24 to 64 bytes in base64";
}

/* https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
std::string
signature(const Secret &secret, const Due &alert, int64_t sent_at)
{
	const std::string content =
		alert.alert_id + '.' + std::to_string(sent_at) + '.' + alert.document;
	return "v1," + nostr::base64(nostr::view(nostr::hmac(secret.bytes, content)));
}

} // namespace

void
Alerts::tend(pg::Worker &worker)
{
	if (!worker.net_running())
		return;
	const auto places = static_cast<int32_t>(wire::kMaxPosts - under_way_.size());
	std::vector<int32_t> busy;
	for (const auto &[attempt, sent] : under_way_)
		busy.push_back(sent.relay_id);
	std::vector<Due> due;
	worker.transaction_with_retries("looking for alerts", {.read_only = true}, [&] {
		due.clear();
		pg::Rows rows =
			due_statement.run({pg::int4_array(busy.size(), [&](size_t i) { return busy[i]; }),
							   pg::value(places), pg::value(worker.now())});
		for (uint64_t row = 0; row < rows.count(); row++)
			due.push_back({.relay_id = static_cast<int32_t>(rows.integer(row, 1)),
						   .alert_id = std::string(rows.bytes(row, 2)),
						   .receiver = std::string(rows.bytes(row, 3)),
						   .document = std::string(rows.bytes(row, 4))});
	});
	lacks_secret_ = false;
	if (due.empty())
		return;
	Secret secret;
	std::string fault = "there is none";
	if (*publisher_settings.alert_secret_file)
		fault = read_secret(publisher_settings.alert_secret_file, secret);
	if (!fault.empty() && fault != fault_)
		worker.log(wire::LogLevel::Warning,
				   "could not use the secret of bigbrotr.alert_secret_file: " + fault);
	fault_ = fault;
	lacks_secret_ = !fault.empty();
	if (lacks_secret_)
		return;
	for (Due &alert : due) {
		const std::string signed_text = signature(secret, alert, worker.now());
		worker.send(wire::Post{.attempt = ++attempts_,
							   .url = alert.receiver,
							   .id = alert.alert_id,
							   .sent_at = worker.now(),
							   .signature = signed_text,
							   .document = alert.document});
		under_way_[attempts_] = {.relay_id = alert.relay_id, .alert_id = std::move(alert.alert_id)};
	}
}

void
Alerts::take(pg::Worker &worker, const wire::Posted &posted)
{
	auto found = under_way_.find(posted.attempt);
	if (found == under_way_.end())
		throw pg::NetFault{.reason = "it spoke of alert " + std::to_string(posted.attempt) +
									 ", which is not under way"};
	const Sent sent = std::move(found->second);
	under_way_.erase(found);
	std::string error(posted.reason);
	if (!error.empty() && !posted.detail.empty())
		error.append(": ").append(posted.detail);
	record(worker, sent, error);
	worker.count(error.empty() ? "alerts_delivered" : "alerts_failed", 1);
}

void
Alerts::fail_all(pg::Worker &worker)
{
	for (const auto &[attempt, sent] : under_way_)
		record(worker, sent, "net_process_lost: the net process ended meanwhile");
	under_way_.clear();
}

void
Alerts::record(pg::Worker &worker, const Sent &sent, std::string_view error)
{
	worker.transaction_with_retries("noting an alert", {}, [&] {
		record_statement.run({pg::value(sent.relay_id), pg::value(std::string_view(sent.alert_id)),
							  pg::value(error), pg::value(worker.now())});
	});
}
