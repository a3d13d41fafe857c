#include "paging.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace nostr {
namespace {

/*
 * The smallest cap we believe a relay to have, as long as no page of several seconds has shown a
 * larger one. Real relays cap at 100 and more.
 */
constexpr size_t kSmallestCap = 10;

/* Stands for the refused events of a second: no event hashes to zero. */
constexpr Id kRefused = {};

} // namespace

Pager::Pager(TimeRange range, int limit)
	: range_{std::max<int64_t>(range.lower, 0), range.upper}, limit_(std::max(limit, 1)),
	  done_(range_.lower > range_.upper)
{
}

Window
Pager::window() const
{
	Window window;
	if (range_.lower > 0)
		window.since = range_.lower;
	if (range_.upper != kOpenEnd)
		window.until = range_.upper;
	window.limit = limit_;
	return window;
}

bool
Pager::inside(int64_t created_at) const
{
	return !done_ && created_at >= range_.lower && created_at <= range_.upper;
}

bool
Pager::on_event(const Id &id, int64_t created_at)
{
	const Seen event{created_at, id};
	if (!inside(created_at)) {
		in_order_ = false;
		return false;
	}
	in_order_ &= !last_ || (created_at <= last_->first && event != *last_);
	last_ = event;
	page_events_++;
	page_.push_back(event);
	return true;
}

/*
 * The times of refused events are those that anybody wrote, so they count only where nothing else
 * came, and only if they fall as those of a page do.
 */
void
Pager::on_refused(std::optional<int64_t> created_at)
{
	page_events_++;
	refused_++;
	if (!created_at || !inside(*created_at))
		return;
	refused_in_order_ &= *created_at <= oldest_refused_.value_or(INT64_MAX);
	oldest_refused_ = std::min(*created_at, oldest_refused_.value_or(INT64_MAX));
}

/* Can the relay have cut a page that lies within one second, inside that second? */
bool
Pager::may_be_cut() const
{
	const size_t cap = largest_page_ > 0 ? largest_page_ : kSmallestCap;
	return page_.size() + refused_ >= std::min<size_t>(limit_, cap);
}

std::vector<Claim>
Pager::on_end_of_page(bool finish)
{
	return end_page(finish, false);
}

std::vector<Claim>
Pager::on_cut()
{
	if (in_order_ && !page_.empty())
		return end_page(false, true);
	done_ = true;
	drop_page();
	return {};
}

std::vector<Claim>
Pager::end_page(bool finish, bool cut)
{
	std::vector<Claim> claims;
	if (done_)
		return claims;
	const auto [lower, upper] = range_;
	auto claim = [&](int64_t from, int64_t to, bool read, std::span<const Seen> shown) {
		const auto events =
			std::count_if(shown.begin(), shown.end(), [](auto &s) { return s.second != kRefused; });
		claims.push_back({.range = {from, to},
						  .evidence = read ? Evidence::Paged : Evidence::Partial,
						  .doubts = read ? Doubts() : Doubts(Doubt::Dense),
						  .events = events});
	};

	if (page_.empty() && oldest_refused_ && refused_in_order_)
		page_.emplace_back(*oldest_refused_, kRefused);
	std::sort(page_.begin(), page_.end());
	page_.erase(std::unique(page_.begin(), page_.end()), page_.end());
	std::vector<Seen> seen; // the page, and what earlier pages showed of its newest second
	std::set_union(page_.begin(), page_.end(), boundary_.begin(), boundary_.end(),
				   std::back_inserter(seen));

	// The relay did not repeat the second where it had stopped (it takes `until` as exclusive?), so
	// the rest of that second may be missing.
	const bool contradicted = !boundary_.empty() && (page_.empty() || page_.back().first != upper);
	// "finish" of a full page, or of one of nothing but refused events, is not believed.
	finish = finish && page_events_ < limit_ && (!page_.empty() || refused_ == 0);

	if (finish && contradicted) {
		claim(upper, upper, false, boundary_);
		if (lower < upper)
			claim(lower, upper - 1, true, page_);
		done_ = true;
	} else if (finish || (seen.empty() && refused_ == 0)) {
		claim(lower, upper, true, seen);
		done_ = true;
	} else if (page_.empty() && refused_ > 0) {
		done_ = true; // there is more, but nobody knows where: the rest stays unproven
	} else if (page_.empty() || page_.front().first == upper) {
		// Nothing older: the same question would be answered with the same events, so step below.
		// An empty page where there was something before proves nothing.
		const bool whole = !page_.empty() && !cut && !may_be_cut();
		claim(upper, upper, whole, seen);
		boundary_.clear();
		done_ = lower == upper;
		range_.upper = done_ ? upper : upper - 1;
	} else {
		const int64_t oldest = page_.front().first;
		int64_t top = upper;
		if (contradicted) {
			claim(upper, upper, false, boundary_);
			seen = page_;
			top = upper - 1;
		}
		const auto newer = std::upper_bound(seen.begin(), seen.end(), oldest,
											[](int64_t t, const Seen &s) { return t < s.first; });
		if (oldest < top)
			claim(oldest + 1, top, true, {newer, seen.end()});
		boundary_.assign(seen.begin(), newer);
		if (page_.back().first > oldest)
			largest_page_ = std::max(largest_page_, page_.size());
		range_.upper = oldest;
	}
	drop_page();
	return claims;
}

void
Pager::drop_page()
{
	page_.clear();
	page_events_ = refused_ = 0;
	oldest_refused_.reset();
	last_.reset();
	in_order_ = refused_in_order_ = true;
	if (done_) {
		page_ = std::vector<Seen>();
		boundary_ = std::vector<Seen>();
	}
}

} // namespace nostr
