/*
 * How a batch of the net process becomes rows: the statements, and what to do if the database
 * refuses an event.
 */
#pragma once

#include "pg/work/worker.h"
#include "wire/archive.h"

/* May the net process speak of this relay, and how much of its past can be proven? */
class BatchPolicy
{
  public:
	virtual ~BatchPolicy() = default;
	/* Whether the relay was handed out to this net process. */
	virtual bool is_ours(int32_t relay_id) const = 0;
	/* The last second of the relay's past that was settled when it was asked: nothing later is
	 * proven. */
	virtual int64_t settled_until(int32_t relay_id) const = 0;
	/* Milliseconds until the relay is due again if it ends without a failure. */
	virtual int64_t rest_ms(int32_t relay_id) const = 0;
};

/* For each id: is it archived already? */
std::vector<uint8_t> known_events(pg::Worker &worker, std::span<const nostr::Id> ids);

/*
 * Archives the batch in one transaction. Events that the database refuses go to
 * bigbrotr.event_rejects; throws whatever else goes wrong, and
 * pg::NetFault if the batch names a relay that is not ours.
 */
void ingest(pg::Worker &worker, const wire::Batch &batch, const BatchPolicy &policy);
