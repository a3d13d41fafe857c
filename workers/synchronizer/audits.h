/*
 * What second readings find: events inside claimed ranges that the relay had not shown before.
 */
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "workers/synchronizer/relay_book.h"

/* What readings of times that had been claimed showed, by the evidence of the claim. Readings of
 * the recent time, in which events still arrive, do not count. */
struct Audited
{
	int64_t shown = 0, missed = 0; // events; missed: those that were new
};
using AuditTally = std::map<std::string, Audited>;

struct Miss
{
	int32_t relay_id;
	size_t reading; // index in HandedRelay::asked
	nostr::Id id;
	int64_t created_at;
};

/*
 * Must be called inside a transaction, before the batch is stored. Returns the sightings that are
 * misses of an open reading. Live events and events that retention rules leave out are no misses.
 */
std::vector<Miss> find_misses(const wire::Batch &batch, const RelayBook &book);

/*
 * Must be called in the same transaction, after the batch is stored. Drops what is no miss because
 * the filter of the reading does not match the event: the relay showed it for another filter.
 */
void drop_unmatched(std::vector<Miss> &misses, const RelayBook &book);

/*
 * Must be called inside a transaction, after the claims of the batch are written. Withdraws claims
 * that are refuted by new events that a relay showed in answer to questions about other seconds.
 */
void withdraw_strays(const wire::Batch &batch, const RelayBook &book, int64_t now);

/* Must be called inside a transaction, after the claims of the batch are written. Withdraws the
 * claims that the misses refute. */
void withdraw(const std::vector<Miss> &misses, const RelayBook &book, int64_t now);

/*
 * Must be called inside a transaction, when the relay has answered all that it was asked, or has
 * ended before that. Records the results of its second readings. An audit that the relay did not
 * answer is postponed. Adds what the readings showed to the tally.
 */
void record_audits(int32_t relay_id, const HandedRelay &relay, bool ended, int64_t now,
				   AuditTally &tally);
