#include "workers/synchronizer/claims.h"

#include <algorithm>
#include <string>

#include "pg/border/spi.h"

namespace {

pg::Statement claim_statement(
	"SELECT _bigbrotr.claim_coverage($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");

pg::Value
doubt_array(nostr::Doubts doubts)
{
	std::vector<std::string_view> codes;
	doubts.for_each(
		[&](nostr::Doubt doubt) { codes.emplace_back(nostr::doubt_facts(doubt).code); });
	return pg::text_array(codes.size(), [&](size_t i) { return codes[i]; });
}

void
write_claims(int32_t relay, const std::vector<PendingClaim> &claims, int64_t now)
{
	for (const PendingClaim &c : claims)
		claim_statement.run({pg::value(relay), pg::value(static_cast<int32_t>(c.filter_id)),
							 pg::value(static_cast<int32_t>(c.reader)),
							 pg::value(c.claim.range.lower), pg::value(c.claim.range.upper),
							 pg::value(std::string_view(nostr::evidence_name(c.claim.evidence))),
							 doubt_array(c.claim.doubts), pg::value(c.agrees),
							 pg::value(c.claim.events), pg::value(c.claim.refused),
							 pg::value(c.asked_at), pg::value(now)});
}

} // namespace

void
add_claim(std::vector<PendingClaim> &claims, const PendingClaim &claim)
{
	// The end of a history stays a claim of its own, because it shows where the oldest event is.
	bool is_end = claim.claim.range.lower == 0 && claim.claim.events == 0;
	if (!claims.empty() && !is_end) {
		PendingClaim &last = claims.back();
		if (last.filter_id == claim.filter_id && last.reader == claim.reader &&
			last.agrees == claim.agrees && last.asked_at == claim.asked_at &&
			last.claim.evidence == claim.claim.evidence &&
			last.claim.doubts == claim.claim.doubts &&
			claim.claim.range.upper + 1 == last.claim.range.lower) {
			last.claim.range.lower = claim.claim.range.lower;
			last.claim.events += claim.claim.events;
			last.claim.refused += claim.claim.refused;
			return;
		}
	}
	claims.push_back(claim);
}

void
ClaimBook::write(int32_t relay, const ClaimMap &more, int64_t now) const
{
	std::vector<PendingClaim> claims;
	if (auto found = waiting_.find(relay); found != waiting_.end())
		claims = found->second;
	if (auto found = more.find(relay); found != more.end())
		for (const PendingClaim &claim : found->second)
			add_claim(claims, claim);
	write_claims(relay, claims, now);
}

/* Writes in the order of relay_id, as all writers do, to avoid deadlocks. */
void
ClaimBook::write_all(int64_t now) const
{
	std::vector<int32_t> relays;
	for (const auto &[relay, claims] : waiting_)
		relays.push_back(relay);
	std::sort(relays.begin(), relays.end());
	for (int32_t relay : relays)
		write_claims(relay, waiting_.at(relay), now);
}

size_t
ClaimBook::waiting(int32_t relay) const
{
	auto found = waiting_.find(relay);
	return found == waiting_.end() ? 0 : found->second.size();
}

void
ClaimBook::add(const ClaimMap &more)
{
	for (const auto &[relay, claims] : more)
		for (const PendingClaim &claim : claims)
			add_claim(waiting_[relay], claim);
}

void
ClaimBook::written(const std::vector<int32_t> &relays)
{
	for (int32_t relay : relays)
		waiting_.erase(relay);
}
