#include "net/serve/live_feed.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace net {

void
LiveFeed::take(const wire::NewEvents &news)
{
	if (news.missed) {
		/* The missed events share one number. */
		first_ = newest() + 2;
		eids_.clear();
		return miss();
	}
	for (const wire::NewEvent &event : news.events)
		eids_.push_back(event.eid);
	for (; eids_.size() > kRemembered; first_++)
		eids_.pop_front();
	if (readers_.empty()) {
		told_ = newest();
		return;
	}
	if (told_ + 1 < first_)
		return miss();
	fetch();
}

void
LiveFeed::miss()
{
	/* The call under way asks for events before the gap, which no reader needs now. */
	if (call_ != 0)
		server_.calls.cancel(std::exchange(call_, 0));
	told_ = newest();
	for (LiveReader *reader : readers_.all())
		reader->on_missed();
}

uint64_t
LiveFeed::ask(uint64_t from, uint64_t to, Calls::Caller &caller, const Visitor *visitor) const
{
	const ApiRoute *route = server_.routes.named("news");
	if (!route)
		return 0;
	std::string eids = "[";
	to = std::min({to, from + kAtOnce - 1, newest()});
	for (uint64_t number = from; number <= to; number++)
		eids += (number > from ? "," : "") + std::to_string(eids_[number - first_]);
	Values values;
	values.emplace_back("eids", eids + "]");
	return server_.calls.begin(*route, route->named(std::move(values)), caller, visitor);
}

/* The position of a row is its place in the list, from 1 on, as a JSON array. */
uint64_t
LiveFeed::number_of(const wire::Row &row, uint64_t from)
{
	uint64_t place = 1;
	if (row.position.starts_with('['))
		std::from_chars(row.position.data() + 1, row.position.data() + row.position.size(), place);
	return from + std::clamp<uint64_t>(place, 1, kAtOnce) - 1;
}

void
LiveFeed::fetch()
{
	if (call_ != 0 || told_ >= newest())
		return;
	call_from_ = told_ + 1;
	call_to_ = std::min(told_ + kAtOnce, newest());
	call_ = ask(call_from_, call_to_, *this);
	if (call_ == 0)
		miss();
}

void
LiveFeed::on_rows(const wire::Rows &rows)
{
	for (const wire::Row &row : rows.rows) {
		nostr::Event event;
		told_ = std::max(told_, number_of(row, call_from_));
		if (parser_.parse(row.item, event) == nostr::Reject::None)
			for (LiveReader *reader : readers_.matching(event))
				reader->on_event(event, row.item, told_);
	}
	server_.calls.taken(call_);
}

void
LiveFeed::on_end(const wire::CallEnd &end)
{
	call_ = 0;
	/* The server was busy for a moment, or the call was cancelled. */
	const bool may_pass = end.sqlstate.starts_with("53") || end.sqlstate == "57014";
	if (may_pass && !std::exchange(has_failed_, true))
		return fetch();
	has_failed_ = false;
	if (!end.sqlstate.empty())
		return miss();
	told_ = std::max(told_, call_to_);
	fetch();
}

} // namespace net
