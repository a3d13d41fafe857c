#include "workers/synchronizer/comparisons.h"

#include <algorithm>
#include <utility>

#include "pg/border/spi.h"

namespace {

pg::Statement
	seen_statement("SELECT created_at, event_id FROM _bigbrotr.seen_events($1, $2, $3, $4, $5)");
pg::Statement need_statement("SELECT * FROM _bigbrotr.note_needs($1, $2, $3, $4, $5)");
pg::Statement wait_statement("SELECT _bigbrotr.needs_wait($1, $2, $3)");
pg::Statement settle_statement("SELECT _bigbrotr.settle_needs($1, $2, $3, $4, $5, $6)");
pg::Statement note_statement("SELECT _bigbrotr.note_comparison($1, $2, $3, $4, $5, $6)");

pg::Value
filter_value(uint32_t filter_id)
{
	return pg::value(static_cast<int32_t>(filter_id));
}

/* Throws NetFault unless the net process was told to compare this range with the relay. */
void
check_asked(const auto &question, const RelayBook &book)
{
	const HandedRelay *relay = book.find(question.relay_id);
	auto told = [&](const Reading &reading) {
		return reading.range.purpose == wire::Purpose::Reconcile &&
			   reading.range.filter_id == question.filter_id && reading.holds(question.range);
	};
	if (!relay || std::none_of(relay->asked.begin(), relay->asked.end(), told))
		throw pg::NetFault{"it compared the seconds " + std::to_string(question.range.lower) +
						   " to " + std::to_string(question.range.upper) + " of relay " +
						   std::to_string(question.relay_id) + ", which it was not told to"};
}

} // namespace

void
tell_seen(pg::Worker &worker, const wire::SeenQuestion &question, const RelayBook &book)
{
	check_asked(question, book);
	constexpr uint32_t kMost = 100000;
	const auto most = static_cast<int32_t>(std::min(question.most, kMost));
	std::vector<std::pair<int64_t, nostr::Id>> seen;
	worker.transaction_with_retries("reading what a relay has shown", {.read_only = true}, [&] {
		pg::Rows rows = seen_statement.run(
			{pg::value(question.relay_id), filter_value(question.filter_id),
			 pg::value(question.range.lower), pg::value(question.range.upper), pg::value(most)});
		seen.assign(rows.count(), {});
		for (uint64_t row = 0; row < rows.count(); row++) {
			seen[row].first = rows.integer(row, 1);
			std::string_view id = rows.bytes(row, 2);
			std::copy_n(id.begin(), std::min(id.size(), seen[row].second.size()),
						seen[row].second.begin());
		}
	});
	wire::SeenAnswer answer{.relay_id = question.relay_id, .attempt = question.attempt};
	answer.too_many = seen.size() > static_cast<size_t>(most);
	for (size_t i = 0; i < seen.size() && !answer.too_many; i++) {
		if (answer.records.size() == wire::kMaxSeen) {
			worker.send(answer);
			answer.records.clear();
		}
		answer.records.push_back({.created_at = seen[i].first, .id = &seen[i].second});
	}
	answer.last = true;
	worker.send(answer);
}

void
tell_wanted(pg::Worker &worker, const wire::NeedQuestion &question, const RelayBook &book)
{
	check_asked(question, book);
	wire::Wanted answer{.relay_id = question.relay_id, .attempt = question.attempt};
	worker.transaction_with_retries("writing down what is needed", {}, [&] {
		pg::Rows rows = need_statement.run(
			{pg::value(question.relay_id), filter_value(question.filter_id),
			 pg::bytea_array(question.ids.size(),
							 [&](size_t i) { return nostr::view(question.ids[i]); }),
			 pg::value(question.range.lower), pg::value(worker.now())});
		answer.wants.clear();
		for (uint64_t row = 0; row < rows.count(); row++)
			answer.wants.push_back({static_cast<wire::Want::Kind>(rows.integer(row, 1))});
	});
	worker.send(answer);
}

nostr::Claim
settled(const wire::RelayClaim &claim, const HandedRelay &relay, int64_t now)
{
	nostr::Claim left = claim.claim;
	if (claim.purpose != wire::Purpose::Reconcile ||
		(left.evidence != nostr::Evidence::Reconciled && !left.doubts.has(nostr::Doubt::Withheld) &&
		 !left.doubts.has(nostr::Doubt::Refused)))
		return left;
	int64_t withheld = settle_statement
						   .run({pg::value(claim.relay_id), filter_value(claim.filter_id),
								 pg::value(left.range.lower), pg::value(left.range.upper),
								 pg::value(relay.asked_at), pg::value(now)})
						   .integer(0, 1);
	if (withheld > 0) {
		left.evidence = std::min(left.evidence, nostr::Evidence::Paged);
		left.doubts |= nostr::Doubt::Withheld;
	}
	return left;
}

bool
needs_wait(const wire::RelayClaim &claim)
{
	return wait_statement
			   .run({pg::value(claim.relay_id), filter_value(claim.filter_id),
					 pg::value(claim.claim.range.upper)})
			   .integer(0, 1) != 0;
}

void
note(const wire::Compared &compared, int64_t now)
{
	static constexpr std::string_view outcomes[] = {"finished", "refused", "broken"};
	note_statement.run({pg::value(compared.relay_id),
						pg::value(outcomes[static_cast<size_t>(compared.outcome)]),
						pg::value(static_cast<int64_t>(compared.needed)),
						pg::value(static_cast<int64_t>(compared.lost)), pg::value(compared.detail),
						pg::value(now)});
}
