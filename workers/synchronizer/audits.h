/*
 * What second readings find: events inside what was claimed that a relay had not shown before.
 */
#pragma once

#include <cstdint>
#include <vector>

#include "workers/synchronizer/relay_book.h"

struct Miss
{
	int32_t relay_id;
	size_t reading; // its place in HandedRelay::asked
	int64_t created_at;
};

/*
 * Inside a transaction, before the batch is stored: which of its sightings are misses of a reading
 * that is under way. Events that came live, or that retention rules leave out, are none.
 */
std::vector<Miss> find_misses(const wire::Batch &batch, const RelayBook &book);

/*
 * Inside a transaction, after its claims are written: what is refuted by events that are new, and
 * that a relay showed in answer to questions about other seconds, is withdrawn.
 */
void withdraw_strays(const wire::Batch &batch, const RelayBook &book, int64_t now);

/* Inside a transaction, after its claims are written: what they refute is withdrawn. */
void withdraw(const std::vector<Miss> &misses, const RelayBook &book, int64_t now);

/*
 * Inside a transaction, when the relay has answered all that it was asked, or has ended before:
 * what came of its second readings. An audit that it did not answer is put off.
 */
void record_audits(int32_t relay_id, const HandedRelay &relay, bool ended, int64_t now);
