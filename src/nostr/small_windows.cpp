#include "small_windows.h"

#include <utility>

#include "probes.h"

namespace nostr {

/* After this number of windows in a row that show events only if kinds are named, windows are no
 * longer halved for that reason. */
constexpr int kMostHollow = 6;

SmallWindows::SmallWindows(TimeRange range, int64_t length, int limit, Conditions conditions,
						   bool halves)
	: range_(range), length_(std::max<int64_t>(length, 1)), limit_(limit),
	  conditions_(std::move(conditions)), by_halves_(halves)
{
}

TimeRange
SmallWindows::window() const
{
	const int64_t left = range_.upper - range_.lower;
	/* If only one second would remain, it joins the window. */
	const int64_t length = length_ > 1 && length_ >= left ? left : std::min(length_ - 1, left);
	return {range_.upper - length, range_.upper};
}

/* The seconds of the next question. */
TimeRange
SmallWindows::asked() const
{
	TimeRange part = window();
	if (stage_ == Stage::Upper)
		part.lower = middle_;
	else if (stage_ == Stage::Lower)
		part.upper = middle_ - 1;
	return part;
}

Window
SmallWindows::next(const Habits &habits) const
{
	if (stage_ == Stage::Control)
		return control_question(habits);
	if (stage_ == Stage::Kinds) {
		const auto probes = kinds_probes(range_.lower, *emptied_, conditions_, habits);
		if (group_ < probes.size())
			return probes[group_];
	}
	if (stage_ == Stage::Below)
		return window_below(habits);
	if (stage_ == Stage::Named)
		return named_.back();
	if (stage_ == Stage::Dense)
		return *dense_->next();
	if (stage_ == Stage::Gap)
		return gap_window(habits);
	/* The window is one second wider at both ends, because some relays exclude the bounds. */
	const TimeRange part = asked();
	Window window{.until = part.upper + 1, .limit = limit_};
	if (part.lower > 0)
		window.since = part.lower - 1;
	/* The limit may be used up by hidden events, so open kinds are asked for. */
	if (stage_ != Stage::Whole && may_name_kinds(habits))
		window.kinds = open_kinds(habits);
	return window;
}

std::vector<Claim>
SmallWindows::end(Answer &answer, Habits &habits)
{
	habits.note(answer.shown({0, INT64_MAX}));
	const bool overflow =
		answer.asked().limit && answer.raw() - answer.repeats() > answer.asked().limit;
	overflowed_ |= overflow;
	habits.overflows += overflow;
	leaves_out_ = habits.leaves_out();
	if (stage_ == Stage::Gap) {
		end_gap(answer, habits);
		return std::exchange(claims_, {});
	}
	if (stage_ == Stage::Dense) {
		dense_->end(answer);
		end_dense();
		return std::exchange(claims_, {});
	}
	doubts_ |= answer.doubts();
	/* The limit may be used up by hidden events, and no question can exclude them. */
	if (!habits.takes_kinds && !conditions_.kinds)
		doubts_ |= Doubt::Hole;
	if (answer.more() && stage_ != Stage::Below && stage_ != Stage::Control)
		doubts_ |= Doubt::More;
	habits.largest_bytes = std::max(habits.largest_bytes, answer.bytes());
	if (!by_halves_ && !answer.ordered() && stage_ != Stage::Kinds && stage_ != Stage::Control &&
		stage_ != Stage::Named) {
		/* The first page did not show that the order is wrong. */
		habits.faults++;
		by_halves_ = true;
		repeated_ += answer.raw();
		shrink();
		return std::exchange(claims_, {});
	}
	switch (stage_) {
	case Stage::Whole:
	case Stage::Again:
		look(answer, answer.shown(asked()), habits);
		break;
	case Stage::Upper:
		halves_ = answer.shown(asked());
		repeated_ += answer.raw();
		stage_ = Stage::Lower;
		break;
	case Stage::Lower:
		halves_ = united(halves_, answer.shown(asked()));
		repeated_ += answer.raw();
		compare(habits);
		break;
	case Stage::Below:
		repeated_ += answer.raw();
		look_below(answer, habits);
		break;
	case Stage::Named:
		repeated_ += answer.raw();
		end_named(answer, habits);
		break;
	case Stage::Kinds:
		found_ |= !answer.shown({range_.lower, *emptied_}).empty();
		if (++group_ >= kinds_probes(range_.lower, *emptied_, conditions_, habits).size())
			stage_ = Stage::Control;
		break;
	case Stage::Control:
		repeated_ += answer.raw();
		if (found_)
			doubts_ |= Doubt::Hole;
		if (answer.empty() || habits.hides)
			doubts_ |= Doubt::EndUnprobed;
		if (answer.empty() && habits.known)
			habits.silences++;
		stage_ = Stage::Done;
		gap_ = {range_.lower, *emptied_};
		older_known_ = false;
		if (doubts_.cut())
			claim(*std::exchange(gap_, std::nullopt), doubts_, 0);
		else
			ask_gap();
		break;
	case Stage::Dense:
	case Stage::Gap:
	case Stage::Done:
		break;
	}
	return std::exchange(claims_, {});
}

/* Whether one second has at least `most` events. */
static bool
crowded(const SeenSet &events, int most)
{
	for (size_t i = size_t(most); i <= events.size(); i++)
		if (events[i - 1].created_at == events[i - size_t(most)].created_at)
			return true;
	return false;
}

/* The largest number of events that the relay sends, as far as it is known. */
int
SmallWindows::cap(const Habits &habits) const
{
	return habits.largest_page > 0 ? std::min(limit_, habits.largest_page) : limit_;
}

/* Decides how to go on after an answer: a window that may have been cut is halved, an empty one is
 * skipped, and any other is compared with its halves. */
void
SmallWindows::look(const Answer &answer, SeenSet shown, Habits &habits)
{
	const TimeRange part = window();
	const int most = cap(habits);
	refused_ = answer.refused();
	const bool empty = shown.empty() && answer.refused() == 0;
	const bool again = std::exchange(stage_, Stage::Whole) == Stage::Again;
	const int few = by_halves_ ? 1 : kFew / 2; // real relays send at least ten events
	const bool full = answer.raw() > std::max(most / 2, few);
	if (!empty)
		hollow_ = again ? hollow_ + 1 : 0;
	/* Without kinds, the relay shows nothing here. Smaller windows would show no more. */
	const bool by_kinds_only = again && !empty;
	if (by_kinds_only && hollow_ > kMostHollow)
		doubts_ |= Doubt::Hole;
	const bool many = full || (by_kinds_only && hollow_ <= kMostHollow);
	/* Hidden events may have used up the limit, and refused ones do not tell how far the answer
	 * reached. */
	if (!by_halves_ && part.lower < part.upper &&
		(answer.more() || (shown.empty() && answer.refused() > 0))) {
		if (habits.halves_more())
			return shrink();
		doubts_ |= Doubt::Hole;
	}
	if (many && part.lower < part.upper) {
		shrink();
		/* Of what came newest first, three eighths of a page fit into a window. */
		const size_t fit = size_t(most) * 3 / 8;
		if (!by_halves_ && fit > 0 && shown.size() > fit)
			length_ = std::clamp<int64_t>(part.upper - shown[fit - 1].created_at + 1, 1,
										  std::max<int64_t>(part.upper - part.lower - 1, 1));
		return;
	}
	if (part.lower == part.upper && (many || (by_halves_ && !empty))) {
		/* A single second cannot be halved. */
		if (int(shown.size()) >= kFew)
			return read_dense(answer.raw(), std::move(shown), habits);
		doubts_ |= Doubt::Dense;
	}
	if (doubts_.cut()) {
		claim_emptied(empty ? Doubt::EndUnprobed : Doubts());
		claim(part, doubts_, int64_t(shown.size()));
		if (!many)
			grow(empty ? 4 : 2);
		return step_below(part.lower);
	}
	if (empty && !again) {
		stage_ = Stage::Again;
		return;
	}
	if (empty) {
		if (!emptied_)
			emptied_ = part.upper;
		grow(4);
		return step_below(part.lower);
	}
	if (!by_halves_) {
		if (crowded(shown, std::max(most / 4, kFew)) && part.lower < part.upper)
			return shrink();
		if (shown.empty() || (answer.reached_below(part.lower) &&
							  !may_lack_events(answer.shown({0, part.upper}), part, kFew)))
			return settle(std::move(shown), habits);
		whole_ = std::move(shown);
		looks_ = 0;
		shown_again_ = false;
		bytes_ = 0;
		stage_ = Stage::Below;
		return;
	}
	whole_ = std::move(shown);
	/* The middle of the events, newest first; else the second above the oldest one. */
	middle_ = whole_.empty() ? part.upper : whole_[whole_.size() / 2].created_at;
	middle_ = std::clamp(middle_, part.lower + 1, part.upper);
	stage_ = Stage::Upper;
}

void
SmallWindows::compare(Habits &habits)
{
	const bool by_kinds = may_name_kinds(habits);
	if (by_kinds && halves_.empty() && !of_kinds(whole_, open_kinds(habits)).empty()) {
		habits.takes_kinds = false;
		stage_ = Stage::Upper;
		return;
	}
	stage_ = Stage::Whole;
	/* The questions for the halves name kinds, so their answers may lack events of the whole
	 * window. The relay may have cut a crowded second in both halves. */
	const bool agree =
		includes(whole_, halves_) &&
		(by_kinds ? includes(halves_, of_kinds(whole_, open_kinds(habits))) : halves_ == whole_);
	if (!agree || crowded(whole_, kFew))
		return shrink();
	claim_shown(whole_, limit_);
}

/* `raw`: number of events in the last answer; `shown`: those of the window, a single second. */
void
SmallWindows::read_dense(int raw, SeenSet shown, Habits &habits)
{
	stage_ = Stage::Dense;
	dense_.emplace(range_.upper, limit_, raw, std::max(raw, habits.largest_page), std::move(shown),
				   conditions_, habits);
	end_dense();
}

void
SmallWindows::end_dense()
{
	if (dense_->next())
		return;
	const int64_t second = *dense_->second();
	const int64_t events = int64_t(dense_->shown().size());
	const bool whole = dense_->whole() && !by_halves_;
	stage_ = Stage::Whole;
	claim_emptied({});
	if (whole)
		refused_ = dense_->refused();
	claim({second, second}, whole ? doubts_ | dense_->doubts() : doubts_ | Doubt::Dense, events);
	dense_.reset();
	step_below(second);
}

void
SmallWindows::claim_shown(const SeenSet &shown, int cap)
{
	const TimeRange part = window();
	TimeRange rest = part;
	claim_emptied({});
	/* Nothing older came, so what is below the oldest event counts as empty time. */
	if (ended_ && !shown.empty() && shown.back().created_at > part.lower) {
		rest.lower = shown.back().created_at;
		emptied_ = rest.lower - 1;
	}
	const auto claim_piece = [&](TimeRange piece, Doubts doubts) {
		if (piece.lower <= piece.upper)
			claim(piece, doubts_ | doubts, int64_t(within(shown, piece).size()));
	};
	if (const auto cut = crowded_) {
		claim_piece({cut->upper + 1, rest.upper}, {});
		claim_piece(*cut, Doubt::Dense);
		rest.upper = cut->lower - 1;
	}
	claim_piece(rest, {});
	if (int(shown.size()) < cap / 8)
		grow(2);
	step_below(part.lower);
}

void
SmallWindows::grow(int64_t times)
{
	if (length_ < INT64_MAX / 8)
		length_ *= times;
}

void
SmallWindows::shrink()
{
	const TimeRange part = window();
	length_ = std::max<int64_t>((part.upper - part.lower + 1) / 2, 1);
	stage_ = Stage::Whole;
	forget_window();
}

/* Forgets what was found out about the window. */
void
SmallWindows::forget_window()
{
	doubts_ = {};
	ended_ = asked_twice_ = overflowed_ = false;
	crowded_.reset();
}

void
SmallWindows::step_below(int64_t lower)
{
	if (lower > range_.lower) {
		range_.upper = lower - 1;
		forget_window();
	} else
		stage_ = emptied_ ? Stage::Kinds : Stage::Done;
	if (gap_)
		ask_gap();
}

void
SmallWindows::claim(TimeRange range, Doubts doubts, int64_t events)
{
	if (leaves_out_ || overflowed_)
		doubts |= Doubt::Hole;
	claims_.push_back({.range = range,
					   .evidence = doubts.cut() ? Evidence::Partial : Evidence::Paged,
					   .doubts = by_halves_ ? doubts | Doubt::Unordered : doubts,
					   .events = events,
					   .refused = std::exchange(refused_, 0)});
}

std::vector<Claim>
SmallWindows::fail(Habits &habits)
{
	leaves_out_ = habits.leaves_out();
	if (stage_ == Stage::Dense) {
		dense_->fail();
		end_dense();
		return std::exchange(claims_, {});
	}
	if (stage_ == Stage::Named) {
		fail_named(habits);
		return std::exchange(claims_, {});
	}
	if (stage_ == Stage::Gap && looks_ == kGapAuthors) {
		habits.refused_names++;
		claim_gap();
		return std::exchange(claims_, {});
	}
	Answer none{Window()};
	/* Relays refuse long lists of kinds. */
	if (stage_ != Stage::Below || looks_ < 3)
		none.doubt(Doubt::EndUnprobed);
	if (stage_ == Stage::Upper || stage_ == Stage::Lower)
		stage_ = Stage::Whole;
	return end(none, habits);
}

} // namespace nostr
