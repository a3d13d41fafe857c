#include "answer.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace nostr {

SeenSet
united(const SeenSet &one, const SeenSet &other)
{
	SeenSet both;
	both.reserve(one.size() + other.size());
	std::set_union(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(both));
	return both;
}

bool
includes(const SeenSet &all, const SeenSet &part)
{
	return std::includes(all.begin(), all.end(), part.begin(), part.end());
}

SeenSet
within(const SeenSet &events, TimeRange range)
{
	SeenSet part;
	std::copy_if(events.begin(), events.end(), std::back_inserter(part),
				 [&](const SeenEvent &event) {
					 return event.created_at >= range.lower && event.created_at <= range.upper;
				 });
	return part;
}

SeenSet
of_kinds(SeenSet events, const std::vector<int32_t> &kinds)
{
	if (!kinds.empty())
		std::erase_if(events, [&](const SeenEvent &event) {
			return std::find(kinds.begin(), kinds.end(), event.kind) == kinds.end();
		});
	return events;
}

bool
may_lack_events(const SeenSet &events, TimeRange range, int few)
{
	std::set<int32_t> older_kinds;
	std::set<PublicKey> older_authors;
	for (auto first = events.rbegin(); first != events.rend();) {
		const int64_t second = first->created_at;
		const auto end = std::find_if(first, events.rend(), [&](const SeenEvent &event) {
			return event.created_at != second;
		});
		int of_new_kinds = 0, of_one_author = 0;
		std::map<PublicKey, int> new_authors;
		for (auto event = first; event != end; ++event) {
			of_new_kinds += !older_kinds.contains(event->kind);
			if (!older_authors.contains(event->author))
				of_one_author = std::max(of_one_author, ++new_authors[event->author]);
		}
		if (std::max(of_new_kinds, of_one_author) >= few && range.lower <= second &&
			second <= range.upper)
			return true;
		for (; first != end; ++first) {
			older_kinds.insert(first->kind);
			older_authors.insert(first->author);
		}
	}
	return false;
}

bool
Answer::add(const SeenEvent &event, size_t bytes)
{
	bytes_ += bytes;
	if (event.created_at > asked_.until.value_or(INT64_MAX)) {
		doubts_ |= Doubt::Foreign;
		above_++;
		return false;
	}
	/* This event is older than the range, so the answer has passed the end of the range. */
	if (event.created_at < asked_.since.value_or(0)) {
		below_++;
		return false;
	}
	raw_++;
	repeats_ += !events_.empty() && events_.back().id == event.id;
	events_.push_back(event);
	events_.back().created_at = std::min(event.created_at, kLastSecond);
	if (event.created_at <= fresh_after_) {
		ordered_ &= event.created_at <= last_.value_or(INT64_MAX);
		last_ = event.created_at;
	}
	return true;
}

/*
 * Anybody may write the time of a refused event. So these times count only if nothing else came,
 * and only if they fall as in a page.
 */
void
Answer::refuse(std::optional<int64_t> created_at)
{
	raw_++;
	refused_++;
	doubts_ |= Doubt::Refused;
	if (!created_at || *created_at < asked_.since.value_or(0) ||
		*created_at > asked_.until.value_or(INT64_MAX))
		return;
	refused_in_order_ &= *created_at <= oldest_refused_.value_or(INT64_MAX);
	oldest_refused_ = std::min({*created_at, kLastSecond, oldest_refused_.value_or(INT64_MAX)});
}

void
Answer::end_at_limit()
{
	const size_t limit = asked_.limit.value_or(INT32_MAX);
	if (size_t(raw_) <= limit)
		return;
	cut_ = true;
	const size_t kept = std::max<size_t>(limit - std::min<size_t>(refused_, limit), 1);
	if (events_.size() > kept)
		events_.resize(kept);
}

std::optional<int64_t>
Answer::oldest_refused() const
{
	return refused_in_order_ ? oldest_refused_ : std::nullopt;
}

bool
Answer::reached_below(int64_t second) const
{
	return std::any_of(events_.begin(), events_.end(),
					   [&](const SeenEvent &event) { return event.created_at < second; });
}

SeenSet
Answer::shown(TimeRange range) const
{
	SeenSet events = within(events_, range);
	std::sort(events.begin(), events.end());
	events.erase(std::unique(events.begin(), events.end()), events.end());
	return events;
}

} // namespace nostr
