#include "net/serve/watch.h"

namespace net {

void
Watch::tick()
{
	const auto now = server_.clock.now();
	if (call_ != 0 || (asked_ != Clock::Time{} && now - asked_ < kEvery))
		return;
	asked_ = now;
	if (const ApiRoute *route = server_.routes.named(route_))
		call_ = server_.calls.begin(*route, route->named({}), *this);
}

void
Watch::on_rows(const wire::Rows &rows)
{
	for (const wire::Row &row : rows.rows) {
		if (state_.size() >= kMaxKeys && !state_.contains(std::string(row.position)))
			continue;
		std::string &item = state_[std::string(row.position)];
		if (item == row.item)
			continue;
		item = row.item;
		if (!known_)
			continue;
		changes_.push_back(item);
		for (; changes_.size() > kRemembered; first_++)
			changes_.pop_front();
	}
	server_.calls.taken(call_);
}

void
Watch::on_end(const wire::CallEnd &end)
{
	call_ = 0;
	known_ = known_ || end.sqlstate.empty();
}

const std::string *
Watch::single() const
{
	auto found = state_.find("");
	return found == state_.end() ? nullptr : &found->second;
}

} // namespace net
