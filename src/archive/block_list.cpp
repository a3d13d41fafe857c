#include "block_list.h"

#include <algorithm>

#include "pg/border/spi.h"
#include "shapes.h"

extern "C" {
#include "access/xact.h"
}

namespace archive {

namespace {

pg::Statement leave_out_statement("SELECT _bigbrotr.leave_out_blocked($1, $2, $3)");
pg::Statement missing_statement("SELECT _bigbrotr.note_missing($1, $2, $3)");

} // namespace

std::vector<VerifiedEvent>
leave_out_blocked(std::vector<VerifiedEvent> &events, int64_t now, Screening screening)
{
	if (events.empty())
		return {};
	pg::call([] { GetTopTransactionId(); });
	if (is_empty(kBlockedEvents) && is_empty(kBlockedAuthors))
		return {};
	/* Such a snapshot may be older than a block whose procedure has ended. */
	if (IsolationUsesXactSnapshot())
		throw pg::Error(
			ERRCODE_FEATURE_NOT_SUPPORTED,
			"events cannot be inserted at this isolation level while the block list is in use",
			"Its snapshot may be older than a block.", "Use READ COMMITTED, the default.");
	if (screening == Screening::Done)
		return {};
	const size_t n = events.size();
	pg::Rows rows = leave_out_statement.run(
		{pg::bytea_array(n, [&](size_t i) { return events[i].id; }),
		 pg::bytea_array(n, [&](size_t i) { return events[i].pubkey; }), pg::value(now)});
	IdSet listed; // its ids are freed with the rows
	for (std::string_view id : rows.byteas(0, 1))
		listed.insert(id);
	const auto left_out =
		std::stable_partition(events.begin(), events.end(), [&](const VerifiedEvent &event) {
			return !listed.contains(event.id);
		});
	std::vector<VerifiedEvent> blocked(left_out, events.end());
	events.erase(left_out, events.end());
	return blocked;
}

void
note_missing(const std::vector<VerifiedEvent> &blocked)
{
	if (blocked.empty())
		return;
	const size_t n = blocked.size();
	missing_statement.run({pg::bytea_array(n, [&](size_t i) { return blocked[i].id; }),
						   pg::int8_array(n, [&](size_t i) { return blocked[i].created_at; }),
						   pg::int4_array(n, [&](size_t i) { return blocked[i].kind; })});
}

} // namespace archive
