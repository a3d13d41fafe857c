/*
 * Job requests as a provider reads them (NIP-90), and the provider's events: answers, announcement
 * (NIP-89) and heartbeat. The functions have no side effects; the caller signs the events.
 */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event.h"

namespace nostr {

constexpr int32_t kJobResult = 1000; // result kind = kind of the request + 1000
constexpr int32_t kJobFeedback = 7000;
constexpr int32_t kJobPing = 7007;
constexpr int32_t kHeartbeat = 11998;
constexpr int32_t kHandler = 31990;
constexpr int32_t kZapReceipt = 9735;

/* What the tags of a request say about its answer. */
struct JobEnvelope
{
	bool encrypted = false;          // the inputs are encrypted in the content
	std::vector<std::string> relays; // as the customer wrote them, at most kMostRelays
	std::string inputs;              // tags i, as a JSON list without brackets: ["i","…"],…

	static constexpr size_t kMostRelays = 5;
};

/* `tags` must be canonical JSON. */
JobEnvelope job_envelope(std::string_view tags);

/* A request, and the relay that sent it. */
struct JobRequest
{
	const Event &event;
	const JobEnvelope &envelope;
	std::string_view relay_url;
};

/* `content` must be encrypted if the request was. */
Event job_result(const JobRequest &request, std::string content, int64_t created_at);

struct JobStatus
{
	std::string_view status; // "processing", "error", "payment-required", "pong"
	std::string_view text;   // for people
	int64_t price = 0;       // millisatoshi; 0: none
};

/*
 * The status of a request. `sealed` is set if the request was encrypted: the encrypted list of tags
 * (job_status_tags), which becomes the content.
 */
Event job_status(const JobRequest &request, const JobStatus &status,
				 const std::optional<std::string> &sealed, int64_t created_at);
/* The tags ["status", …] and ["amount", …] as a JSON list. */
std::string job_status_tags(const JobStatus &status);

/* What a provider announces. */
struct JobProvider
{
	std::string_view name, about;
	std::vector<int32_t> kinds;  // kinds of requests
	int64_t price = 0;           // millisatoshi; 0: free
	std::string_view lud16 = {}; // address for payments; empty: not announced
};

/* Both events have the same identifier. */
Event job_announcement(const JobProvider &provider, int64_t created_at);
Event job_heartbeat(int64_t created_at);

} // namespace nostr
