/*
 * Turns a batch of the net process into rows.
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

/* Counts and claims that are collected and written at intervals. */
struct Books
{
	TrafficBook traffic;
	ClaimBook claims;
};

/* The result of a batch. */
struct Ingested
{
	int64_t events = 0, sightings = 0, rejected = 0; // numbers of new rows
	int64_t left_out = 0;                            // events that a retention rule left out
	TrafficMap traffic;                              // what it adds to the counters of relays
	ClaimMap claims;                                 // what it claims
	std::vector<Miss> misses;                        // what its second readings found
	AuditTally audited;                              // what finished second readings showed
	std::vector<int32_t> written; // relays of which everything is written, this batch's included
	/* Ids that were taken for archived and are not, and the relays that delivered them. */
	std::vector<nostr::Id> missing;
	std::set<int32_t> doubted;
};

/* The identity under which a relay is read that has reported to be open. */
inline wire::ReadAs
reader_of(const wire::RelayReport &report)
{
	return report.phase == wire::RelayPhase::SignedIn ? wire::ReadAs::SignedIn
													  : wire::ReadAs::Anonymous;
}

/* Adds to the open readings what the batch brought for this relay. */
void add_to_readings(HandedRelay &relay, int32_t relay_id, const wire::Batch &batch,
					 const std::vector<Miss> &misses);

/*
 * Archives a batch that BatchCheck accepted in one transaction, which is repeated until it
 * succeeds. Events that the database refuses go to bigbrotr.event_rejects. Claims are left out if
 * their relay delivered a missing event or if its claims are held. Reports about another opening
 * are left out. Throws pg::Error if the leases were taken away.
 */
Ingested ingest(pg::Worker &worker, const wire::Batch &batch, const Leases &leases,
				const RelayBook &book, const Books &books);
