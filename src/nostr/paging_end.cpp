/* When no older event comes: is that the end of the range, is one second crowded, or does the relay
 * hide events? */
#include "paging.h"

#include <utility>

#include "probes.h"

namespace nostr {

/* A range of so many seconds is read by kinds and authors where `until` is ignored. */
constexpr int64_t kLongRange = 7 * 86400;

/*
 * The smallest limit of events per answer that a relay is believed to have, until a page of several
 * seconds has shown a larger limit. Real relays have limits of 100 and more.
 */
constexpr int kSmallestCap = 10;
/* A relay that shows less the second time, or hides events, ends its answers at any number. */
constexpr int kCutAnywhere = kSmallestCap / 2;
/* Number of wrong ends of a range after which the rest is read in small windows, which cost
 * less. */
constexpr int kMostFalseEnds = 8;

/* No older event came: the next question looks for an event below the range. */
void
Pager::look_below(const Answer &answer)
{
	end_doubts_ = answer.doubts();
	if (answer.more())
		end_doubts_ |= Doubt::More;
	wider_ = false;
	stage_ = Stage::Neighbour;
}

void
Pager::end_neighbour(Answer &answer)
{
	if (asks_again(answer))
		return;
	const SeenSet all = answer.shown({0, range_.upper});
	const bool lost = boundary_lost(answer, all);
	if (lost && wider_)
		return;
	repeated_ += answer.raw();
	const int64_t top = range_.upper;
	if (lost)
		return read_dense(answer.raw(), kCutAnywhere);
	const SeenSet older = within(all, {0, boundary_.empty() ? top : top - 1});
	if (!answer.ordered() || (!older.empty() && older.front().created_at >= range_.lower)) {
		/* The page before had left out this event. */
		habits_.faults++;
		return top == kOpenEnd ? finish() : read_small(range_, (top - range_.lower) / 4);
	}
	end_doubts_ |= answer.doubts();
	if (!older.empty() && !boundary_.empty() && may_lack_events(all, {top, top}, kFew))
		return read_dense(std::max(answer.raw(), limit_)); // a larger answer reaches further down
	if (!older.empty()) {
		if (!boundary_.empty())
			habits_.largest_page = std::max(habits_.largest_page, answer.raw());
		return claim_ended(answer.refused());
	}
	if (answer.raw() >= answer.asked().limit)
		return read_dense(answer.raw());
	if (answer.more())
		end_doubts_ |= Doubt::More;
	if (top == kOpenEnd) {
		stage_ = Stage::Control;
		return;
	}
	if (!habits_.takes_kinds && !conditions_.kinds)
		end_doubts_ |= Doubt::EndUnprobed;
	probes_ = probes_below(top, boundary_, limit_, conditions_, habits_);
	probe_ = 0;
	stage_ = Stage::Probes;
	if (probes_.empty())
		end_probes();
}

void
Pager::end_probe(Answer &answer)
{
	end_doubts_ |= answer.doubts();
	if (answer.more())
		end_doubts_ |= Doubt::More;
	const std::vector<int32_t> &kinds = answer.asked().kinds;
	if (!kinds.empty() && answer.raw() == 0 && !of_kinds(boundary_, kinds).empty()) {
		habits_.takes_kinds = false;
		end_doubts_ |= Doubt::EndUnprobed;
	}
	const SeenSet shown = below_boundary(answer);
	repeated_ += int64_t(answer.shown({0, range_.upper}).size() - shown.size());
	found_ = united(found_, shown);
	if (++probe_ == probes_.size())
		end_probes();
}

/* The events of the answer, without those that are known of second range_.upper. */
SeenSet
Pager::below_boundary(const Answer &answer) const
{
	SeenSet shown = answer.shown({0, range_.upper});
	std::erase_if(shown, [&](const SeenEvent &event) {
		return std::binary_search(boundary_.begin(), boundary_.end(), event);
	});
	return shown;
}

/* The relay may show one of the kinds only to some readers. Then the probe asks only for kinds that
 * the relay has shown. False: the probe asks for no other kinds. */
bool
Pager::asks_fewer_kinds()
{
	std::vector<int32_t> &kinds = probes_[probe_].kinds;
	const size_t asked = std::erase_if(kinds, [&](int32_t kind) {
		return std::find(habits_.kinds.begin(), habits_.kinds.end(), kind) == habits_.kinds.end();
	});
	if (asked == 0)
		return false;
	if (kinds.empty() && ++probe_ == probes_.size())
		end_probes();
	return true;
}

void
Pager::end_probes()
{
	if (found_.empty()) {
		stage_ = Stage::Control;
		return;
	}
	/* This is not the end: the relay hides events, or does not search so far back. */
	habits_.hides = true;
	if (++false_ends_ > kMostFalseEnds)
		return read_small(range_, 3600);
	if (!boundary_.empty()) {
		boundary_ = united(boundary_, within(found_, {range_.upper, range_.upper}));
		return read_dense(int(boundary_.size()), kCutAnywhere);
	}
	const SeenSet found = std::exchange(found_, {});
	const int64_t newest = found.front().created_at;
	const Doubts doubts = std::exchange(end_doubts_, {}) | Doubt::Hole;
	if (newest < range_.lower) {
		claim(range_, doubts, {});
		return finish();
	}
	if (newest < range_.upper)
		claim({newest + 1, range_.upper}, doubts, {});
	go_on(newest, within(found, {newest, newest}));
}

void
Pager::end_control(const Answer &answer)
{
	repeated_ += answer.raw();
	end_doubts_ |= answer.doubts();
	/* A relay that hides events may hide some that the probes cannot name. */
	if (answer.empty() || habits_.hides)
		end_doubts_ |= Doubt::EndUnprobed;
	if (answer.empty() && habits_.known)
		habits_.silences++;
	if (end_doubts_.cut() || (range_.upper == 0 && !boundary_.empty()))
		return claim_bottom(0, 0);
	stage_ = Stage::Again;
}

/* A relay that answers with nothing while it is asked too fast may have begun to answer only with
 * the control question. */
void
Pager::end_again(const Answer &answer)
{
	end_doubts_ |= answer.doubts();
	if (answer.more())
		end_doubts_ |= Doubt::More;
	found_ = below_boundary(answer);
	if (found_.empty())
		return claim_bottom(0, 0);
	habits_.silences++;
	end_probes();
}

/* An older event shows that the end of the range was passed. Hidden events may have used up the
 * limit instead of others, so the range is first asked for open kinds. */
void
Pager::claim_ended(int64_t refused)
{
	Check check{.parts = {range_}, .shown = boundary_, .span = range_};
	const size_t before = claims_.size();
	claim_bottom(refused, habits_.largest_page);
	if (conditions_.kinds || !habits_.takes_kinds || check.span.upper == kOpenEnd)
		return;
	check.kinds = open_kinds(habits_);
	check.claims.assign(claims_.begin() + long(before), claims_.end());
	claims_.resize(before);
	checks_.push_back(std::move(check));
}

/* Claims the rest of the range: no event is older than those shown of second range_.upper. `cap`:
 * number of events from which on the relay may have cut that second. */
void
Pager::claim_bottom(int64_t refused, int cap)
{
	TimeRange end = range_;
	if (int(boundary_.size()) >= std::max(kSmallestCap, cap)) {
		/* The relay's limit is unknown and may be equal to the number of these events. */
		claim({end.upper, end.upper}, end_doubts_ | Doubt::Dense, boundary_, refused);
		end.upper--;
	}
	if (end.lower <= end.upper)
		claim(end, end_doubts_, boundary_, refused);
	finish();
}

/* Reads second range_.upper in parts. `raw`: number of events in the last answer. */
void
Pager::read_dense(int raw, int cap)
{
	stage_ = Stage::Dense;
	dense_.emplace(range_.upper, limit_, raw, std::min(cap, std::max(raw, habits_.largest_page)),
				   boundary_, conditions_, habits_);
	end_dense();
}

/*
 * The relay ignores `until`, so every page shows its newest events. Events are asked for by kinds
 * and authors instead, without regard to their time, once for all ranges and only for a long one:
 * the recent time is read again often.
 */
void
Pager::read_without_until(const Answer &answer)
{
	if (small_) {
		repeated_ += small_->repeated();
		range_.upper = std::max(range_.upper, small_->upper());
		small_.reset();
	}
	if (range_.upper - range_.lower < kLongRange || std::exchange(habits_.ignores_until, true))
		return leave_unread();
	const int raw = answer.raw() + answer.above();
	stage_ = Stage::Dense;
	dense_.emplace(std::nullopt, limit_, raw, std::max(raw, habits_.largest_page), SeenSet(),
				   conditions_, habits_);
	end_dense();
}

/* Ends the range. Nothing is proven of it. */
void
Pager::leave_unread()
{
	if (range_.upper < kOpenEnd)
		claim(range_, Doubts(Doubt::Foreign) | Doubt::Hole, {});
	finish();
}

void
Pager::end_dense()
{
	if (dense_->next())
		return;
	if (!dense_->second()) {
		dense_.reset();
		return leave_unread();
	}
	const int64_t second = *dense_->second();
	Claim read{.range = {second, second},
			   .evidence = dense_->whole() ? Evidence::Paged : Evidence::Partial,
			   .doubts = dense_->whole() ? dense_->doubts() : Doubts(Doubt::Dense),
			   .events = int64_t(dense_->shown().size()),
			   .refused = dense_->whole() ? dense_->refused() : 0};
	claims_.push_back(read);
	dense_.reset();
	step_below(second);
}

void
Pager::end_small()
{
	if (!small_->done())
		return;
	repeated_ += small_->repeated();
	small_.reset();
	if (small_lower_ > range_.lower)
		go_on(small_lower_ - 1, std::move(boundary_));
	else
		finish();
}

} // namespace nostr
