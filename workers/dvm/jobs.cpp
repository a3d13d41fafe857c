#include "workers/dvm/jobs.h"

#include "pg/border/spi.h"
#include "workers/dvm/settings.h"

namespace jobs {
namespace {

constexpr int32_t kMostDue = 50; // most answers that one query returns

pg::Statement provider_statement("SELECT _bigbrotr.note_job_provider($1, $2::integer[])");
pg::Statement take_statement("SELECT _bigbrotr.take_job($1, $2, $3, $4, $5, $6)");
pg::Statement next_statement("SELECT request, relay_url, attempts, is_unpaid, coalesce(error, '') "
							 "FROM _bigbrotr.next_job($1) WHERE request IS NOT NULL");
pg::Statement price_statement("SELECT _bigbrotr.price_job($1, $2, $3, $4)");
pg::Statement zap_statement("SELECT _bigbrotr.take_zap($1, $2, $3)");
pg::Statement answer_statement("SELECT _bigbrotr.answer_job($1, $2, $3, $4)");
pg::Statement due_statement("SELECT request_id, answer, request, is_posted "
							"FROM _bigbrotr.answers_to_send($1, $2)");
pg::Statement sent_statement("SELECT _bigbrotr.answer_sent($1, $2, $3)");
pg::Statement resume_statement("SELECT _bigbrotr.resume_jobs($1)");
pg::Statement forget_statement("SELECT _bigbrotr.forget_jobs($1)");

} // namespace

void
note_provider(pg::Worker &worker, const nostr::PublicKey *us, const std::vector<int32_t> &kinds)
{
	worker.transaction_with_retries("saying who answers jobs", {}, [&] {
		provider_statement.run({us ? pg::bytea(nostr::view(*us)) : pg::null(BYTEAOID),
								pg::int4_array(kinds.size(), [&](size_t i) { return kinds[i]; })});
	});
}

std::string
take(pg::Worker &worker, std::string_view request, std::string_view relay_url,
	 const nostr::PublicKey &us)
{
	std::string decision;
	worker.transaction_with_retries("noting a job", {}, [&] {
		decision = take_statement
					   .run({pg::value(request), pg::value(relay_url), pg::bytea(nostr::view(us)),
							 pg::value(dvm_settings.jobs_per_author),
							 pg::value(dvm_settings.price_msat == 0), pg::value(worker.now())})
					   .bytes(0, 1);
	});
	return decision;
}

std::optional<Job>
next(pg::Worker &worker)
{
	std::optional<Job> job;
	worker.transaction_with_retries("looking for a job", {}, [&] {
		job.reset();
		pg::Rows row = next_statement.run({pg::value(worker.now())});
		if (row.count() > 0)
			job = Job{.request = std::string(row.bytes(0, 1)),
					  .relay_url = std::string(row.bytes(0, 2)),
					  .attempts = row.integer(0, 3),
					  .is_unpaid = row.integer(0, 4) != 0,
					  .error = std::string(row.bytes(0, 5))};
	});
	return job;
}

void
price(pg::Worker &worker, const nostr::Id &request, std::string_view feedback, int64_t price)
{
	worker.transaction_with_retries("asking for a price", {}, [&] {
		price_statement.run({pg::bytea(nostr::view(request)), pg::value(feedback), pg::value(price),
							 pg::value(worker.now())});
	});
}

bool
take_zap(pg::Worker &worker, std::string_view receipt, const nostr::PublicKey &zapper,
		 const nostr::PublicKey &us)
{
	bool pays = false;
	worker.transaction_with_retries("taking a payment", {}, [&] {
		pays = zap_statement
				   .run({pg::value(receipt), pg::bytea(nostr::view(zapper)),
						 pg::bytea(nostr::view(us))})
				   .integer(0, 1) != 0;
	});
	return pays;
}

void
answer(pg::Worker &worker, const nostr::Id &request, std::string_view answer,
	   std::string_view error)
{
	worker.transaction_with_retries("storing an answer", {}, [&] {
		answer_statement.run({pg::bytea(nostr::view(request)), pg::value(answer),
							  error.empty() ? pg::null(TEXTOID) : pg::value(error),
							  pg::value(worker.now())});
	});
}

std::vector<Due>
to_send(pg::Worker &worker)
{
	std::vector<Due> due;
	worker.transaction_with_retries("looking for answers to send", {}, [&] {
		due.clear();
		pg::Rows rows = due_statement.run({pg::value(kMostDue), pg::value(worker.now())});
		for (uint64_t row = 0; row < rows.count(); row++)
			due.push_back({.request_id = std::string(rows.bytes(row, 1)),
						   .answer = std::string(rows.bytes(row, 2)),
						   .request = std::string(rows.bytes(row, 3)),
						   .is_posted = rows.integer(row, 4) != 0});
	});
	return due;
}

void
note_sent(pg::Worker &worker, const std::vector<Sent> &sent)
{
	worker.transaction_with_retries("noting which answers were accepted", {}, [&] {
		for (const Sent &one : sent)
			sent_statement.run({pg::bytea(one.request_id), pg::bytea(nostr::view(one.answer)),
								pg::value(one.accepted)});
	});
}

void
resume(pg::Worker &worker)
{
	worker.transaction_with_retries("resuming jobs", {},
									[&] { resume_statement.run({pg::value(worker.now())}); });
}

void
forget(pg::Worker &worker)
{
	worker.transaction_with_retries("forgetting old jobs", {},
									[&] { forget_statement.run({pg::value(worker.now())}); });
}

nostr::Event
parsed(std::string_view json)
{
	nostr::Event event;
	if (nostr::EventParser().parse(json, event) != nostr::Reject::None)
		throw pg::Error(ERRCODE_DATA_CORRUPTED, "a stored event cannot be read");
	return event;
}

} // namespace jobs
