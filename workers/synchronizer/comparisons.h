/*
 * The worker's part in comparing sets with relays (NIP-77): it tells what a relay has shown, notes
 * which other events the relay offers, and decides whether a comparison is claimed after these
 * events were fetched.
 */
#pragma once

#include "pg/work/worker.h"
#include "workers/synchronizer/relay_book.h"

/* Answer the question at once. Throw pg::NetFault if the net process was not told to compare this
 * range. */
void tell_seen(pg::Worker &worker, const wire::SeenQuestion &question, const RelayBook &book);
void tell_wanted(pg::Worker &worker, const wire::NeedQuestion &question, const RelayBook &book);

/*
 * The claim as it may be stored. A claim that is not settled loses the evidence `reconciled`,
 * because an event that the relay offered is still missing. Must be called in the transaction that
 * stores the events of the claim.
 */
nostr::Claim settled(const wire::RelayClaim &claim, const HandedRelay &relay, int64_t now);

/* Must be called inside a transaction. Whether the relay has offered events of the claim's seconds
 * or below them that were not fetched yet. Until then no other reading confirms these seconds. */
bool needs_wait(const wire::RelayClaim &claim);

void note(const wire::Compared &compared, int64_t now);
