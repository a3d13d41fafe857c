/*
 * The worker's part in comparing sets with relays (NIP-77): tells what a relay has shown, writes
 * down what it offers beyond that, and judges what is claimed when that was fetched.
 */
#pragma once

#include "pg/work/worker.h"
#include "workers/synchronizer/relay_book.h"

/* Throw pg::NetFault if the net process was not told to compare that. Answer at once. */
void tell_seen(pg::Worker &worker, const wire::SeenQuestion &question, const RelayBook &book);
void tell_wanted(pg::Worker &worker, const wire::NeedQuestion &question, const RelayBook &book);

/*
 * In the transaction that stores the claim's events: what is left of it. Nothing is reconciled
 * while something that was needed is not there.
 */
nostr::Claim settled(const wire::Claim &claim, const HandedRelay &relay, int64_t now);

/* Inside a transaction: the relay has offered events of the claim's seconds, or of others below
 * them, that were not fetched yet. */
bool needs_wait(const wire::Claim &claim);

void note(const wire::Compared &compared, int64_t now);
