#include "net/serve/live_feed.h"

namespace net {

void
LiveFeed::take(const wire::News &news)
{
	if (!readers_.are_there()) {
		waiting_.clear();
		return;
	}
	if (news.missed || waiting_.size() + news.events.size() > kMaxWaiting)
		return miss();
	for (const wire::NewEvent &event : news.events)
		waiting_.push_back(event.eid);
	fetch();
}

void
LiveFeed::miss()
{
	waiting_.clear();
	readers_.on_missed();
}

void
LiveFeed::fetch()
{
	if (call_ != 0 || waiting_.empty())
		return;
	const ApiRoute *route = server_.routes.named("news");
	if (!route)
		return waiting_.clear();
	std::string eids = "[";
	for (size_t i = 0; i < kAtOnce && !waiting_.empty(); i++) {
		eids += (i > 0 ? "," : "") + std::to_string(waiting_.front());
		waiting_.pop_front();
	}
	Values values;
	values.emplace_back("eids", eids + "]");
	call_ = server_.calls.begin(*route, route->named(std::move(values)), *this);
	if (call_ == 0)
		miss();
}

void
LiveFeed::on_rows(const wire::Rows &rows)
{
	for (const wire::Row &row : rows.rows) {
		nostr::Event event;
		if (parser_.parse(row.item, event) == nostr::Reject::None)
			readers_.on_event(event, row.item);
	}
	server_.calls.taken(call_);
}

void
LiveFeed::on_end(const wire::CallEnd &end)
{
	call_ = 0;
	if (!end.sqlstate.empty())
		return miss();
	fetch();
}

} // namespace net
