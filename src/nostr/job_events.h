/*
 * Job requests as a provider reads them, and the events that it answers with (NIP-90), announces
 * itself with (NIP-89) and shows with that it is alive. Pure: the caller signs them.
 */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event.h"

namespace nostr {

constexpr int32_t kJobResult = 1000; // added to the kind of the request
constexpr int32_t kJobFeedback = 7000;
constexpr int32_t kJobPing = 7007;
constexpr int32_t kHeartbeat = 11998;
constexpr int32_t kHandler = 31990;
constexpr int32_t kZapReceipt = 9735;

/* What the tags of a request say of the way of its answer. */
struct JobEnvelope
{
	bool encrypted = false;          // the inputs are in the content
	std::vector<std::string> relays; // as the customer spelled them, kMostRelays at most
	std::string inputs;              // tags i, as a JSON list without brackets: ["i","…"],…

	static constexpr size_t kMostRelays = 5;
};

/* `tags`: canonical JSON. */
JobEnvelope job_envelope(std::string_view tags);

/* A request, and where it was heard. */
struct JobRequest
{
	const Event &event;
	const JobEnvelope &envelope;
	std::string_view relay_url;
};

/* `content`: encrypted if the request was. */
Event job_result(const JobRequest &request, std::string content, int64_t created_at);

struct JobStatus
{
	std::string_view status; // "processing", "error", "payment-required", "pong"
	std::string_view text;   // for people
	int64_t price = 0;       // millisatoshi; 0: none
};

/*
 * The status of a request. If `sealed` is given, the request was encrypted: it is the encrypted
 * list of tags (job_status_tags), which then is the content.
 */
Event job_status(const JobRequest &request, const JobStatus &status,
				 const std::optional<std::string> &sealed, int64_t created_at);
/* ["status", …] and ["amount", …] as a JSON list. */
std::string job_status_tags(const JobStatus &status);

/* How a provider is found. */
struct JobProvider
{
	std::string_view name, about;
	std::vector<int32_t> kinds;  // of requests
	int64_t price = 0;           // millisatoshi; 0: free
	std::string_view lud16 = {}; // where payments are sent; empty: not told
};

/* The same identifier stands in both. */
Event job_announcement(const JobProvider &provider, int64_t created_at);
Event job_heartbeat(int64_t created_at);

} // namespace nostr
