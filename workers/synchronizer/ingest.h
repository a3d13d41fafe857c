/*
 * How a batch of the net process becomes rows.
 */
#pragma once

#include <set>
#include <string>
#include <vector>

#include "pg/work/worker.h"
#include "workers/synchronizer/leases.h"
#include "workers/synchronizer/relay_book.h"
#include "workers/synchronizer/traffic.h"

/* Seconds until the past is settled: see docs/development/paging.md. */
constexpr int64_t kSettling = 900;

/* What came of a batch. */
struct Ingested
{
	int64_t events = 0, sightings = 0, rejected = 0; // how many are new
	TrafficMap traffic;                              // what it adds to the counters of relays
	std::vector<int32_t> written; // relays whose counters are written, this batch's among them
	/* Ids that were taken for archived and are not, and the relays that delivered them. */
	std::vector<nostr::Id> missing;
	std::set<int32_t> doubted;
};

/*
 * Archives a batch that BatchCheck let through, in one transaction, which is tried again until it
 * succeeds. Events that the database refuses go to bigbrotr.event_rejects. Claims of relays that
 * delivered what is missing, or whose claims are held, are left out, and so are reports about
 * another opening. Throws pg::Error if the leases were taken away.
 */
Ingested ingest(pg::Worker &worker, const wire::Batch &batch, const Leases &leases,
				const RelayBook &book, const TrafficBook &counters);
