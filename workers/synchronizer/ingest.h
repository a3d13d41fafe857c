/*
 * How a batch of the net process becomes rows.
 */
#pragma once

#include <set>
#include <string>
#include <vector>

#include "pg/work/worker.h"
#include "workers/synchronizer/audits.h"
#include "workers/synchronizer/claims.h"
#include "workers/synchronizer/leases.h"
#include "workers/synchronizer/relay_book.h"
#include "workers/synchronizer/traffic.h"

/* What is kept back and written now and then. */
struct Books
{
	TrafficBook traffic;
	ClaimBook claims;
};

/* What came of a batch. */
struct Ingested
{
	int64_t events = 0, sightings = 0, rejected = 0; // how many are new
	int64_t left_out = 0;                            // events that a retention rule left out
	TrafficMap traffic;                              // what it adds to the counters of relays
	ClaimMap claims;                                 // what it claims
	std::vector<Miss> misses;                        // what its second readings found
	std::vector<int32_t> written; // relays of which everything is written, this batch's included
	/* Ids that were taken for archived and are not, and the relays that delivered them. */
	std::vector<nostr::Id> missing;
	std::set<int32_t> doubted;
};

/* As whom a relay is read that has reported that it is open. */
inline wire::ReadAs
reader_of(const wire::RelayReport &report)
{
	return report.phase == wire::RelayPhase::SignedIn ? wire::ReadAs::SignedIn
													  : wire::ReadAs::Anonymous;
}

/* Adds what the batch brought of a relay to the readings that are under way. */
void add_to_readings(HandedRelay &relay, int32_t relay_id, const wire::Batch &batch,
					 const std::vector<Miss> &misses);

/*
 * Archives a batch that BatchCheck let through, in one transaction, which is tried again until it
 * succeeds. Events that the database refuses go to bigbrotr.event_rejects. Claims of relays that
 * delivered what is missing, or whose claims are held, are left out, and so are reports about
 * another opening. Throws pg::Error if the leases were taken away.
 */
Ingested ingest(pg::Worker &worker, const wire::Batch &batch, const Leases &leases,
				const RelayBook &book, const Books &books);
