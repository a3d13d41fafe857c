/* Pages, the second where one ends and the next begins, and the check of each page. */
#include "paging.h"

#include <utility>

#include "probes.h"

namespace nostr {
namespace {

/* Pages that are asked again because something spoke against them: of a range, and of a relay. */
constexpr int kRetries = 1, kMostTaints = 4;
/* Events at the end of a page that are asked for again, at least and as a part of the limit; of an
 * answer that is longer than what was asked for: so many times as many. */
constexpr int kTail = 3, kTailPart = 50, kLongTail = 5;
/* A relay that sends more than it is asked for is asked for more, up to so many times as much. */
constexpr int kMostOverlong = 8;
/* A second is crowded that has a quarter of the page. */
constexpr int kCrowdedPart = 4;
/* How much longer a hole must be to be asked for instead. */
constexpr int64_t kWiderHole = 8;

/*
 * Which parts of a page are asked for once more: those that lack events if the relay does not send
 * the newest ones first, or leaves some out. The lowest events with what lies between them, since
 * the end of a page is what suffers where several stores are read, or old events are pinned; and
 * the largest hole between events if it is much longer.
 */
std::vector<TimeRange>
parts_to_check(TimeRange span, const SeenSet &shown, size_t most)
{
	const SeenSet events = within(shown, span);
	if (events.empty())
		return {span};
	TimeRange hole{0, -1};
	int64_t above = span.upper == INT64_MAX ? events.front().created_at : span.upper + 1;
	for (const Seen &event : events) {
		const TimeRange between{event.created_at + 1, above - 1};
		if (between.upper - between.lower > hole.upper - hole.lower)
			hole = between;
		above = event.created_at;
	}
	/* Whole seconds with few events, and up to the next one. */
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
 * Seconds that hold a good part of the page, newest first. Where several stores are read, kinds
 * have caps of their own, or old events are pinned, a page goes past a second of which it has not
 * shown everything, and no smaller question would tell.
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

/* Something spoke against the answer: once more. A relay that always says something is not asked
 * everything twice. */
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
 * Was the second where the page before had ended not shown again as it was? Then the relay may take
 * `until` as exclusive, which the same question one second higher tells (true is not said then, and
 * `wider_` is set).
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
	if (asks_again(answer))
		return;
	if (answer.raw() > answer.asked().limit)
		habits_.overlong = std::min(habits_.overlong * 2, kMostOverlong);
	answer.end_at_limit();
	/* The first page of windows tells how long they may be. */
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
		return; // the same once more, one second higher
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
		!answer.reached_below(range_.upper + 1)) {
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

/* The second above fills the page, and whether the relay leaves the second of `until` out is not
 * known. */
void
Pager::pass_over_top()
{
	claim({range_.upper, range_.upper}, Doubt::Boundary, {});
	step_below(range_.upper);
}

/* No event of the range was shown, and none had been shown of its newest second. */
void
Pager::end_empty_page(Answer &answer)
{
	if (answer.refused() > 0) {
		const auto oldest = answer.oldest_refused();
		if (oldest && *oldest == range_.upper + 1 && wider_)
			return pass_over_top();
		if (!oldest || *oldest < range_.lower || *oldest > range_.upper) {
			/* There is more, but nobody knows where. */
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

/* The claim of a page that showed this of `span` waits until the page was checked. */
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
		add({second + 1, rest.upper}, {});
		add({second, second}, Doubt::Dense);
		rest.upper = second - 1;
	}
	add(rest, {});
	/* Of a short page hidden events may have taken the places. */
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

/* What is claimed after the check. */
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
	/* The page may have shown refused events, but not where. */
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

/* A page was not what it seemed, nor are those that began where it had ended. */
void
Pager::distrust(TimeRange span)
{
	habits_.faults++;
	for (const Check &below : checks_)
		if (below.span.upper <= span.upper)
			span.lower = std::min(span.lower, below.span.lower);
	std::erase_if(checks_, [&](const Check &other) { return other.span.upper <= span.upper; });
	main_.reset();
	if (!habits_.orderly())
		span.lower = range_.lower;
	else if (stage_ == Stage::Small)
		span.lower = small_lower_;
	if (span.upper == kOpenEnd)
		return finish();
	read_small(span, (span.upper - span.lower) / 8);
}

} // namespace nostr
