#include "block_list.h"

#include "pg/border/spi.h"
#include "shapes.h"

extern "C" {
#include "access/xact.h"
}

namespace archive {

namespace {

pg::Statement leave_out_statement("SELECT _bigbrotr.leave_out_blocked($1, $2, $3)");

} // namespace

IdSet
leave_out_blocked(std::vector<VerifiedEvent> &events, int64_t now)
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
	const size_t n = events.size();
	pg::Rows rows = leave_out_statement.run(
		{pg::bytea_array(n, [&](size_t i) { return events[i].id; }),
		 pg::bytea_array(n, [&](size_t i) { return events[i].pubkey; }), pg::value(now)});
	IdSet listed, blocked; // the ids of `listed` are freed with the rows
	for (std::string_view id : rows.byteas(0, 1))
		listed.insert(id);
	std::erase_if(events, [&](const VerifiedEvent &event) {
		return listed.contains(event.id) && (blocked.insert(event.id), true);
	});
	return blocked;
}

} // namespace archive
