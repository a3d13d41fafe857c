#include "net/job/relay_reading.h"

#include <algorithm>
#include <utility>

namespace net {

void
RelayReading::set_filters(const std::vector<wire::SyncFilter> &filters)
{
	limited_ = !filters.empty();
	for (const wire::SyncFilter &given : filters) {
		nostr::Filter filter;
		if (!nostr::parse_filter(given.json, filter).empty())
			throw LinkError("a filter that cannot be read");
		/* Without the braces. */
		const std::string members = nostr::condition_json(filter);
		FilterReading &reading = filters_[given.filter_id];
		reading.conditions = {.members = members.substr(1, members.size() - 2),
							  .kinds = filter.kinds.has_value(),
							  .authors = filter.authors.has_value()};
		reading.filter = std::move(filter);
	}
}

std::vector<nostr::Window>
RelayReading::live_windows() const
{
	std::vector<nostr::Window> windows;
	for (const auto &[id, reading] : filters_)
		windows.push_back({.limit = 1, .members = reading.conditions.members});
	if (!limited_)
		windows = {{.limit = 1}};
	return windows;
}

bool
RelayReading::wants(const nostr::Event &event) const
{
	return !limited_ || std::any_of(filters_.begin(), filters_.end(),
									[&](const auto &known) { return known.second.wants(event); });
}

void
RelayReading::add(const std::vector<wire::Range> &ranges)
{
	for (const wire::Range &range : ranges)
		(range.purpose == wire::Purpose::Reconcile ? to_compare_ : ranges_).push_back(range);
	advance();
}

void
RelayReading::drop()
{
	ranges_.clear();
	jobs_.clear();
	to_compare_.clear();
	if (comparison_ && comparison_->awaits_worker())
		stale_answers_++;
	comparison_.reset();
}

/* Whether this answer of the worker belongs to a comparison that was dropped. The worker answers
 * questions in their order. */
bool
RelayReading::is_stale(bool last)
{
	if (stale_answers_ == 0) {
		if (!comparison_)
			throw LinkError("answer to no comparison");
		return false;
	}
	if (last)
		stale_answers_--;
	return true;
}

void
RelayReading::answered(const wire::SeenAnswer &seen)
{
	if (!is_stale(seen.last))
		comparison_->answered(seen);
}

void
RelayReading::answered(const wire::Wanted &wanted)
{
	if (!is_stale(true))
		comparison_->answered(wanted);
}

const Result *
RelayReading::failure() const
{
	for (const PageJob &job : jobs_)
		if (job.result() && *job.result()->reason)
			return &*job.result();
	if (comparison_ && comparison_->result() && *comparison_->result()->reason)
		return &*comparison_->result();
	return nullptr;
}

bool
RelayReading::waiting()
{
	for (PageJob &job : jobs_)
		if (job.waiting())
			return true;
	return comparison_ && comparison_->waiting();
}

bool
RelayReading::ask()
{
	for (auto job = jobs_.begin(); job != jobs_.end(); ++job)
		if (job->waiting()) {
			if (!job->ask())
				return false;
			/* The job moves to the end, so that another job asks next. */
			jobs_.splice(jobs_.end(), jobs_, job);
			return true;
		}
	return !comparison_ || !comparison_->waiting() || comparison_->ask();
}

void
RelayReading::tick()
{
	for (PageJob &job : jobs_)
		job.tick();
	if (comparison_)
		comparison_->tick();
}

void
RelayReading::on_notice(std::string_view text)
{
	context_.notice = text;
	for (PageJob &job : jobs_)
		job.on_notice(text);
}

void
RelayReading::on_stray()
{
	for (PageJob &job : jobs_)
		job.on_stray();
}

void
RelayReading::on_late_event(const nostr::Event &event, const std::string &subscription)
{
	for (PageJob &job : jobs_)
		job.progress();
	if (comparison_)
		comparison_->on_late_event();
	/* The range of the question may have been read to its end meanwhile. */
	const auto found =
		std::find_if(context_.ended.begin(), context_.ended.end(),
					 [&](const EndedAnswer &ended) { return ended.id == subscription; });
	if (found == context_.ended.end() || event.created_at < found->shown.lower ||
		event.created_at > std::min(found->shown.upper, found->settled))
		return;
	context_.learned.late_events++;
	context_.retract(found->filter_id,
					 {.range = found->shown, .doubt = nostr::Doubt::Late, .found = 1});
}

/* A range whose filter is unknown is not read: without a filter the relay would send all its
 * events. */
void
RelayReading::start(const wire::Range &range)
{
	if (range.filter_id == 0 || filters_.contains(range.filter_id))
		jobs_.emplace_back(context_, filters_[range.filter_id], range);
}

void
RelayReading::compare()
{
	if (comparison_ && comparison_->result())
		comparison_.reset();
	while (!comparison_ && !to_compare_.empty() && all_paged()) {
		const wire::Range range = to_compare_.front();
		to_compare_.pop_front();
		if (range.filter_id == 0 || filters_.contains(range.filter_id))
			comparison_.emplace(context_, link_, attempt_, range,
								filters_[range.filter_id].conditions.members);
	}
}

void
RelayReading::advance()
{
	if (failure())
		return;
	compare();
	jobs_.remove_if([](const PageJob &job) { return job.result().has_value(); });
	const size_t most = size_t(context_.learned.readers());
	while (jobs_.size() < most && !ranges_.empty()) {
		const wire::Range range = ranges_.front();
		ranges_.pop_front();
		start(range);
		jobs_.remove_if([](const PageJob &job) { return job.result().has_value(); });
	}
	for (PageJob &job : jobs_) {
		if (jobs_.size() >= most)
			return;
		if (auto older = job.split())
			start(*older);
	}
}

} // namespace net
