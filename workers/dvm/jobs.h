/* The table of jobs (sql/install/dvm.sql): each function is one transaction. */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nostr/event.h"
#include "pg/work/worker.h"

namespace jobs {

/* Who answers jobs, for the API; null: nobody, since there is no key. */
void note_provider(pg::Worker &worker, const nostr::PublicKey *us,
				   const std::vector<int32_t> &kinds);

/* Notes a request (JSON) that was heard at a relay. Returns what was decided, as
 * _bigbrotr.take_job says it. */
std::string take(pg::Worker &worker, std::string_view request, std::string_view relay_url,
				 const nostr::PublicKey &us);

struct Job
{
	std::string request, relay_url;
	int64_t attempts = 0; // with this one
	bool is_unpaid = false;
	std::string error; // what the answer is to say; empty: what the work finds
};
/* The next one to be worked on; nothing: there is none. */
std::optional<Job> next(pg::Worker &worker);

/* Stores the signed feedback that asks for a price, in millisatoshi. */
void price(pg::Worker &worker, const nostr::Id &request, std::string_view feedback, int64_t price);
/* A receipt of a payment (JSON). True: it pays for a job. */
bool take_zap(pg::Worker &worker, std::string_view receipt, const nostr::PublicKey &zapper,
			  const nostr::PublicKey &us);
/* Stores the signed answer. `error`: empty, if it is a result. */
void answer(pg::Worker &worker, const nostr::Id &request, std::string_view answer,
			std::string_view error);

struct Due
{
	std::string request_id, answer, request;
	bool is_posted = false;
};
/* Answers, and prices that are asked, that are to be sent. */
std::vector<Due> to_send(pg::Worker &worker);

struct Sent
{
	std::string request_id;
	nostr::Id answer;
	bool accepted = false; // by a relay
};
void note_sent(pg::Worker &worker, const std::vector<Sent> &sent);

/* At the start, or when an executor is lost: nobody is at work on a job. */
void resume(pg::Worker &worker);
void forget(pg::Worker &worker);

} // namespace jobs
