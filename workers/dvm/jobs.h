/* The table of jobs (sql/install/dvm.sql). Each function uses one transaction. */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nostr/event.h"
#include "pg/work/worker.h"

namespace jobs {

/* Tells the API which key answers jobs; null: none, because there is no key. */
void note_provider(pg::Worker &worker, const nostr::PublicKey *us,
				   const std::vector<int32_t> &kinds);

/* Stores a request (JSON) that a relay sent. Returns the decision of _bigbrotr.take_job. */
std::string take(pg::Worker &worker, std::string_view request, std::string_view relay_url,
				 const nostr::PublicKey &us);

struct Job
{
	std::string request, relay_url;
	int64_t attempts = 0; // number of attempts, with this one
	bool is_unpaid = false;
	std::string error; // error that the answer must report; empty: the work decides
};
/* The next job to work on; nothing if there is none. */
std::optional<Job> next(pg::Worker &worker);

/* An event that is stored here (JSON). */
nostr::Event parsed(std::string_view json);

/* Stores the signed feedback that demands a price in millisatoshi. */
void price(pg::Worker &worker, const nostr::Id &request, std::string_view feedback, int64_t price);
/* Marks an unpaid job as paid if this receipt of a payment (JSON) pays for it. True: it does. */
bool take_zap(pg::Worker &worker, std::string_view receipt, const nostr::PublicKey &zapper,
			  const nostr::PublicKey &us);
/* Stores the signed answer. `error`: empty if the answer is a result. */
void answer(pg::Worker &worker, const nostr::Id &request, std::string_view answer,
			std::string_view error);

struct Due
{
	std::string request_id, answer, request;
	bool is_posted = false;
};
/* Answers and demands of a price that must be sent. */
std::vector<Due> to_send(pg::Worker &worker);

struct Sent
{
	std::string request_id;
	nostr::Id answer;
	bool accepted = false; // a relay accepted the event
};
void note_sent(pg::Worker &worker, const std::vector<Sent> &sent);

/* Must be called at the start and after the loss of an executor: no job is under way. */
void resume(pg::Worker &worker);
void forget(pg::Worker &worker);

} // namespace jobs
