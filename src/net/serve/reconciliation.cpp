#include "net/serve/reconciliation.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "nostr/ascii.h"

namespace net {

Reconciliation::Reconciliation(Server &server, const Visitor &visitor, Ways ways)
	: server_(server), visitor_(visitor), ways_(std::move(ways)), asked_(server.clock.now())
{
}

Reconciliation::~Reconciliation()
{
	if (call_ != 0)
		server_.calls.cancel(call_);
	server_.records -= set_.size();
	server_.visitor_records.add(visitor_, -int64_t(set_.size()));
}

bool
Reconciliation::begin(const ApiRoute &route, const nostr::Filter &filter, std::string message)
{
	first_ = std::move(message);
	Values values;
	values.emplace_back("filters", nostr::condition_json(filter));
	values.emplace_back("row_limit", std::to_string(std::min(filter.limit.value_or(INT64_MAX),
															 int64_t(kMaxRecords + 1))));
	call_ = server_.calls.begin(route, route.named(std::move(values)), *this, &visitor_,
								server_.admission.cost_limit(visitor_));
	return call_ != 0;
}

/* Each row is "TIME ID", the id in hexadecimal digits. */
void
Reconciliation::on_rows(const wire::Rows &rows)
{
	const size_t before = set_.size();
	for (const wire::Row &row : rows.rows) {
		int64_t created_at = 0;
		const char *begin = row.item.data(), *end = begin + row.item.size();
		auto [space, error] = std::from_chars(begin, end, created_at);
		nostr::Id id;
		if (error == std::errc() && space != end && created_at >= 0 &&
			nostr::from_hex({space + 1, end}, id.data(), id.size())) {
			set_.add(created_at, id);
		}
	}
	server_.records += set_.size() - before;
	server_.visitor_records.add(visitor_, int64_t(set_.size() - before));
	const bool too_many = server_.visitor_records.of(visitor_) > int64_t(kMaxRecords);
	if (!too_many && server_.records <= Server::kMaxRecords)
		return server_.calls.taken(call_);
	server_.calls.cancel(std::exchange(call_, 0));
	if (too_many)
		return ways_.fail("blocked: too many query results", "," + std::to_string(kMaxRecords));
	ways_.fail("error: the server is busy", "");
}

void
Reconciliation::on_end(const wire::CallEnd &end)
{
	call_ = 0;
	if (!end.sqlstate.empty())
		return ways_.fail(fault_text(end), "");
	set_.seal();
	answer(std::exchange(first_, {}));
}

void
Reconciliation::answer(const std::string &message)
{
	asked_ = server_.clock.now();
	if (call_ != 0)
		return ways_.fail("invalid: the message before is not answered yet", "");
	std::string hex = message, bytes(message.size() / 2, '\0'), reply;
	nostr::ascii_lower(hex);
	nostr::from_hex(hex, reinterpret_cast<uint8_t *>(bytes.data()), bytes.size());
	auto fault = nostr::negentropy::answer(set_, kFrameLimit, bytes, reply);
	if (fault != nostr::negentropy::Fault::None)
		return ways_.fail(std::string("invalid: ") + nostr::negentropy::fault_text(fault), "");
	ways_.send(nostr::to_hex(reply));
}

bool
Reconciliation::is_idle() const
{
	return call_ == 0 && server_.clock.now() - asked_ >= kIdle;
}

} // namespace net
