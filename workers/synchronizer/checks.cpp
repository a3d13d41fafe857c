#include "workers/synchronizer/checks.h"

#include "nostr/keys.h"
#include "pg/border/error.h"
#include "pg/work/worker.h"
#include "workers/synchronizer/settings.h"

extern "C" {
#include "port.h"
}

namespace {

void
check_relay(int32_t relay_id, const RelayBook &book)
{
	if (!book.find(relay_id))
		throw pg::NetFault{"it spoke of relay " + std::to_string(relay_id) +
						   ", which was not handed out to it"};
}

void
check_claim(const wire::RelayClaim &claim, const RelayBook &book)
{
	const nostr::TimeRange &range = claim.claim.range;
	if (claim.reader != book.find(claim.relay_id)->reader)
		throw pg::NetFault{"it claimed to have read relay " + std::to_string(claim.relay_id) +
						   " as somebody else"};
	if (!book.find(claim.relay_id)->answered_by(claim))
		throw pg::NetFault{"it claimed the seconds " + std::to_string(range.lower) + " to " +
						   std::to_string(range.upper) + " of relay " +
						   std::to_string(claim.relay_id) + ", which it was not asked for"};
}

} // namespace

BatchCheck::BatchCheck() : verifier_(std::make_unique<nostr::Verifier>())
{
	std::mt19937_64::result_type seed = 0;
	if (!pg_strong_random(&seed, sizeof seed))
		throw pg::Error(ERRCODE_INTERNAL_ERROR, "no random number could be had");
	random_.seed(seed);
}

BatchCheck::~BatchCheck() = default;

void
BatchCheck::run(const wire::Batch &batch, const RelayBook &book)
{
	auto relays_of = [&](const auto &list) {
		for (const auto &part : list)
			check_relay(part.relay_id, book);
	};
	relays_of(batch.sightings);
	relays_of(batch.refusals);
	relays_of(batch.traffic);
	relays_of(batch.claims);
	relays_of(batch.retracts);
	relays_of(batch.compared);
	relays_of(batch.reports);
	for (const wire::RelayClaim &claim : batch.claims)
		check_claim(claim, book);
	verify_some(batch);
}

void
BatchCheck::verify_some(const wire::Batch &batch)
{
	if (synchronizer_settings.verify_sample == 0)
		return;
	std::geometric_distribution<uint64_t> next(1.0 / synchronizer_settings.verify_sample);
	for (const wire::DeliveredEvent &event : batch.events) {
		if (unverified_ > 0) {
			unverified_--;
			continue;
		}
		if (!verifier_->is_genuine(wire::copy(event)))
			throw pg::NetFault{"it called a forged event verified: " +
							   nostr::to_hex(nostr::view(*event.id))};
		unverified_ = next(random_);
	}
}
