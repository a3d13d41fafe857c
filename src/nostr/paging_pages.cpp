/* Pages, the second between two pages, and the check of each page. */
#include "paging.h"

#include <utility>

#include "probes.h"

namespace nostr {
namespace {

/* How often pages with a doubt are asked again: for a range, and for a relay. */
constexpr int kRetries = 1, kMostTaints = 4;
/* Number of events at the end of a page that are asked for again: at least kTail, and one
 * kTailPart-th of the limit; kLongTail times as many if the answer was cut because it was too
 * long. */
constexpr int kTail = 3, kTailPart = 50, kLongTail = 5;
/* If a relay sends more events than the limit, the limit grows up to this factor. */
constexpr int kMostOverlong = 8;
/* A second is crowded if it holds one quarter of the page's events. */
constexpr int kCrowdedPart = 4;
/* A hole is asked for if it is longer than the tail by this factor. */
constexpr int64_t kWiderHole = 8;

/*
 * Parts of a page that are asked for a second time: those in which events are missing if the relay
 * does not send the newest events first, or leaves events out. One part is the tail, the lowest
 * events with the time between them, because the end of a page suffers if the relay merges several
 * stores or pins old events. The other part is the largest hole between events, if it is much
 * longer than the tail.
 */
std::vector<TimeRange>
parts_to_check(TimeRange span, const SeenSet &shown, size_t most)
{
	const SeenSet events = within(shown, span);
	if (events.empty())
		return {span};
	TimeRange hole{0, -1};
	int64_t above = span.upper == INT64_MAX ? events.front().created_at : span.upper + 1;
	for (const SeenEvent &event : events) {
		const TimeRange between{event.created_at + 1, above - 1};
		if (between.upper - between.lower > hole.upper - hole.lower)
			hole = between;
		above = event.created_at;
	}
	/* The tail has whole seconds with at most `most` events, and reaches up to the next event. */
	TimeRange tail{span.lower, span.upper};
	for (size_t i = events.size(); i-- > 0;)
		if (events.size() - i > most) {
			tail.upper = events[i].created_at - 1;
			break;
		}
	if (tail.upper < tail.lower)
		tail.upper = events.back().created_at;
	std::vector<TimeRange> parts;
	if (hole.upper - hole.lower > kWiderHole * (tail.upper - tail.lower + 1))
		parts.push_back(hole);
	parts.push_back(tail);
	return parts;
}

/*
 * Seconds that hold a large part of the page, newest first. If the relay merges several stores,
 * limits each kind, or pins old events, a page may pass a second that it has not shown completely,
 * and no smaller question would notice this.
 */
std::vector<int64_t>
crowded_seconds(const SeenSet &shown, int raw)
{
	std::vector<int64_t> seconds;
	for (size_t first = 0, end = 0; first < shown.size(); first = end) {
		while (end < shown.size() && shown[end].created_at == shown[first].created_at)
			end++;
		if (int(end - first) >= kFew && int(end - first) * kCrowdedPart >= raw)
			seconds.push_back(shown[first].created_at);
	}
	return seconds;
}

} // namespace

/* Whether a page with a doubt is asked again. The number of repeats is limited, because some relays
 * cause a doubt with every page. */
bool
Pager::asks_again(const Answer &answer)
{
	if (!answer.doubts().cut() || retries_ >= kRetries || habits_.taints >= kMostTaints)
		return false;
	retries_++;
	habits_.taints++;
	repeated_ += answer.raw();
	return true;
}

/*
 * Whether the answer lacks events that the page before showed of second range_.upper. If so, and if
 * it is unknown whether the relay takes `until` as exclusive, sets `wider_`: the same question is
 * asked one second higher.
 */
bool
Pager::boundary_lost(const Answer &answer, const SeenSet &shown)
{
	if (boundary_.empty())
		return false;
	const bool lost = !includes(shown, boundary_);
	const bool asked_plainly = answer.asked().until == range_.upper;
	if (!lost && habits_.until == Habits::Until::Unknown) {
		if (asked_plainly)
			habits_.until = Habits::Until::Inclusive;
		else if (wider_)
			habits_.until = Habits::Until::Exclusive;
	}
	wider_ = lost && asked_plainly && habits_.until == Habits::Until::Unknown;
	return lost;
}

void
Pager::end_page(Answer &answer)
{
	habits_.largest_bytes = std::max(habits_.largest_bytes, answer.bytes());
	if (asks_again(answer))
		return;
	if (answer.raw() > answer.asked().limit)
		habits_.overlong = std::min(habits_.overlong * 2, kMostOverlong);
	answer.end_at_limit();
	/* The first page shows how long the windows may be. */
	const bool windows = way_ == Way::Windows && range_.upper != kOpenEnd;
	if (!answer.ordered() || windows) {
		habits_.faults += !answer.ordered();
		habits_.largest_page = std::max(habits_.largest_page, answer.raw());
		if (range_.upper == kOpenEnd)
			return finish();
		const SeenSet shown = answer.shown(range_);
		const int64_t span =
			shown.empty() ? 3600 : shown.front().created_at - shown.back().created_at;
		repeated_ += answer.raw();
		return read_small(range_, span / 4);
	}
	const SeenSet fresh = answer.shown(range_);
	const bool lost = boundary_lost(answer, fresh);
	if (lost && wider_)
		return; // the same question follows, one second higher
	repeated_ += std::min<int64_t>(int64_t(boundary_.size()), answer.raw());
	retries_ = 0;
	const SeenSet shown = united(fresh, boundary_);
	int64_t top = range_.upper;
	if (lost) {
		claim({top, top}, answer.doubts() | Doubt::Boundary, within(shown, {top, top}));
		if (fresh.empty() || fresh.back().created_at == top)
			return step_below(top);
		top--;
	}
	if (fresh.empty() && wider_ && answer.raw() > answer.refused() &&
		!answer.reached_below(std::min(range_.upper, kLastSecond) + 1)) {
		return pass_over_top();
	}
	if (fresh.empty())
		return end_empty_page(answer);

	const int64_t oldest = fresh.back().created_at;
	const bool past = answer.reached_below(range_.lower) && !answer.doubts().cut();
	Claim read{.evidence = Evidence::Paged, .doubts = answer.doubts(), .refused = answer.refused()};
	if (past) {
		read.range = {range_.lower, top};
		hold({range_.lower, range_.upper}, shown, read, answer);
		return finish();
	}
	if (oldest < range_.upper) {
		if (fresh.front().created_at > oldest)
			habits_.largest_page = std::max(habits_.largest_page, answer.raw());
		last_span_ = range_.upper - oldest;
		read.range = {oldest + 1, top};
		hold({oldest + 1, range_.upper}, shown, read, answer);
		return go_on(oldest, within(fresh, {oldest, oldest}));
	}
	boundary_ = shown;
	if (answer.was_cut() || answer.more() || answer.raw() >= limit_ ||
		(habits_.largest_page > 0 && answer.raw() >= habits_.largest_page))
		return read_dense(answer.raw());
	look_below(answer);
}

/* Events of the second above fill the page, and it is unknown whether the relay excludes the second
 * of `until`. So this second is claimed with a doubt and skipped. */
void
Pager::pass_over_top()
{
	claim({range_.upper, range_.upper}, Doubt::Boundary, {});
	step_below(range_.upper);
}

/* Handles a page that showed no event of the range, when no event of its newest second was known
 * before. */
void
Pager::end_empty_page(Answer &answer)
{
	if (answer.refused() > 0) {
		const auto oldest = answer.oldest_refused();
		if (oldest && wider_ && range_.upper < kOpenEnd && *oldest == range_.upper + 1)
			return pass_over_top();
		if (!oldest || *oldest < range_.lower || *oldest > range_.upper) {
			/* The page had more events, at unknown times. */
			claim(range_, answer.doubts() | Doubt::Hole, {}, answer.refused());
			return finish();
		}
		if (*oldest == range_.upper) {
			claim({*oldest, *oldest}, answer.doubts() | Doubt::Dense, {}, answer.refused());
			return step_below(*oldest);
		}
		claim({*oldest + 1, range_.upper}, answer.doubts(), {}, answer.refused());
		return go_on(*oldest, {});
	}
	if (answer.was_cut()) {
		claim(range_, answer.doubts() | Doubt::Hole, {});
		return finish();
	}
	if (answer.reached_below(range_.lower)) {
		claim(range_, answer.doubts(), {});
		return finish();
	}
	look_below(answer);
}

/* Keeps the claim of a page until the page was checked. `shown`: the events of the page in
 * `span`. */
void
Pager::hold(TimeRange span, const SeenSet &shown, Claim read, const Answer &answer)
{
	if (read.doubts.cut())
		read.evidence = Evidence::Partial;
	const int tail = std::max(limit_ / kTailPart, kTail) * (answer.was_cut() ? kLongTail : 1);
	Check check{.parts = parts_to_check(span, shown, size_t(tail)),
				.shown = within(shown, span),
				.span = span};
	auto add = [&](TimeRange range, Doubts doubts) {
		if (range.lower > range.upper)
			return;
		Claim claim = read;
		claim.range = range;
		claim.doubts |= doubts;
		if (claim.doubts.cut())
			claim.evidence = Evidence::Partial;
		claim.events = int64_t(within(shown, range).size());
		claim.refused = check.claims.empty() ? read.refused : 0;
		check.claims.push_back(claim);
	};
	TimeRange rest = read.range;
	for (int64_t second : crowded_seconds(within(shown, rest), answer.raw())) {
		if (second < rest.upper)
			add({second + 1, rest.upper}, {});
		add({second, second}, Doubt::Dense);
		rest.upper = second - 1;
	}
	add(rest, {});
	if (check.claims.empty())
		return;
	/* A page may be short because the limit counts hidden events. */
	if (answer.raw() < std::max(limit_, habits_.largest_page) && !conditions_.kinds) {
		if (habits_.takes_kinds)
			check.kinds = open_kinds(habits_);
		else
			check.doubts |= Doubt::Hole;
	}
	std::erase_if(check.parts, [&](TimeRange part) {
		return part.lower > part.upper || part.upper == kOpenEnd ||
			   int(within(shown, part).size()) > std::max(limit_ / 2, kLongTail * kFew);
	});
	if (check.parts.empty()) {
		const auto claims = check.told();
		claims_.insert(claims_.end(), claims.begin(), claims.end());
	} else
		checks_.push_back(std::move(check));
}

/* The claims of the page after its check. */
std::vector<Claim>
Pager::Check::told() const
{
	std::vector<Claim> told = claims;
	for (Claim &claim : told) {
		claim.doubts |= doubts;
		if (claim.doubts.cut())
			claim.evidence = Evidence::Partial;
	}
	return told;
}

std::vector<Claim>
Pager::end_check(std::deque<Check>::iterator check)
{
	Answer &answer = check->asked->answer;
	repeated_ += answer.raw();
	const SeenSet shown = of_kinds(answer.shown(check->parts.back()), check->kinds);
	const SeenSet expected = check->expected();
	/* The page may have contained refused events at unknown times. */
	const bool more_refused = answer.refused() > 0 && check->claims.front().refused == 0;
	if (!includes(expected, shown) || more_refused) {
		const TimeRange span = check->span;
		checks_.erase(check);
		distrust(span);
		return std::exchange(claims_, {});
	}
	check->doubts |= answer.doubts();
	if (answer.more() || (shown.empty() && !expected.empty() && answer.refused() == 0))
		check->doubts |= Doubt::Hole;
	check->asked.reset();
	check->parts.pop_back();
	if (!check->parts.empty())
		return {};
	std::vector<Claim> claims = check->told();
	checks_.erase(check);
	return claims;
}

/* A check found other events than the page. This page and the pages that began at its end are read
 * again in small windows. */
void
Pager::distrust(TimeRange span)
{
	habits_.faults++;
	for (const Check &below : checks_)
		if (below.span.upper <= span.upper)
			span.lower = std::min(span.lower, below.span.lower);
	std::erase_if(checks_, [&](const Check &other) { return other.span.upper <= span.upper; });
	main_.reset();
	dense_.reset();
	if (!habits_.orderly())
		span.lower = range_.lower;
	else if (stage_ == Stage::Small)
		span.lower = small_lower_;
	if (span.upper == kOpenEnd)
		return finish();
	read_small(span, (span.upper - span.lower) / 8);
}

} // namespace nostr
