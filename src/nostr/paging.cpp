/* The questions of the pager, and which part of the pager judges an answer. */
#include "paging.h"

#include <utility>

#include "probes.h"

namespace nostr {

/* Largest number of pages whose checks are not answered yet. */
constexpr size_t kMostChecks = 2;
/* A range of fewer seconds is not split between two readers. */
constexpr int64_t kLeastSplit = 7200;

Pager::Pager(TimeRange range, int limit, Conditions conditions, Habits &habits, Way way)
	: range_{std::max<int64_t>(range.lower, 0), range.upper}, limit_(std::max(limit, 1)),
	  conditions_(std::move(conditions)), habits_(habits), way_(way)
{
	if (range_.lower > range_.upper)
		finish();
	else if (!habits.orderly() && range_.upper != kOpenEnd)
		read_small(range_, 3600);
}

std::optional<Pager::Question>
Pager::next()
{
	auto question = [&](std::optional<Asked> &asked, Window window, bool page) {
		window.members = conditions_.members;
		asked.emplace(Asked{++last_number_, Answer(window)});
		return Question{last_number_, std::move(window), page};
	};
	for (Check &check : checks_)
		if (!check.asked)
			return question(check.asked,
							{.since = check.parts.back().lower,
							 .until = habits_.until_of(check.parts.back().upper),
							 .limit = int(check.expected().size()) + kFew,
							 .kinds = check.kinds},
							false);
	/* If a check fails, windows begin with its page. */
	if (main_ || stage_ == Stage::Done || checks_.size() >= kMostChecks ||
		(stage_ == Stage::Small && !checks_.empty()))
		return std::nullopt;
	if (std::optional<Window> window = next_window())
		return question(main_, *std::move(window), reads());
	return std::nullopt;
}

/* Whether the next question reads the range; otherwise it checks or probes. */
bool
Pager::reads() const
{
	return stage_ == Stage::Page ||
		   (stage_ == Stage::Small && way_ == Way::Windows && small_->reads());
}

std::optional<Window>
Pager::next_window()
{
	switch (stage_) {
	case Stage::Page:
		return page_window();
	case Stage::Neighbour:
		return neighbour_window();
	case Stage::Probes:
		return probes_[probe_];
	case Stage::Control:
		return control_question(habits_);
	case Stage::Again:
		return again_window();
	case Stage::Dense:
		return dense_->next();
	case Stage::Small:
		return small_->next(habits_);
	case Stage::Done:
		break;
	}
	return std::nullopt;
}

/* The window is one second wider at both ends, because some relays exclude the bounds. */
Window
Pager::page_window() const
{
	Window window{.limit = limit_ * habits_.overlong};
	if (range_.lower > 0)
		window.since = range_.lower - 1;
	if (range_.upper < kOpenEnd - 1)
		window.until = wider_ ? range_.upper + 1 : habits_.until_of(range_.upper);
	else if (range_.upper < kOpenEnd)
		window.until = range_.upper;
	return window;
}

Window
Pager::neighbour_window() const
{
	/* The limit is twice what was shown, so that a relay with more events can show more. */
	Window window{.limit = int(boundary_.size()) * 2 + kFew};
	if (range_.upper < kOpenEnd - 1)
		window.until = wider_ ? range_.upper + 1 : habits_.until_of(range_.upper);
	return window;
}

/* A page of all that is older than the events shown. */
Window
Pager::again_window() const
{
	Window window{.limit = limit_};
	if (range_.upper < kOpenEnd)
		window.until = habits_.until_of(boundary_.empty() ? range_.upper : range_.upper - 1);
	return window;
}

Answer *
Pager::answer(uint32_t number)
{
	if (main_ && main_->number == number)
		return &main_->answer;
	for (Check &check : checks_)
		if (check.asked && check.asked->number == number)
			return &check.asked->answer;
	return nullptr;
}

/* Whether the relay, asked for kinds that it has shown, answered with no event. */
bool
Pager::brought_no_kind(const Check &check)
{
	const Answer &answer = check.asked->answer;
	return !check.kinds.empty() && answer.raw() + answer.above() == 0 && !check.expected().empty();
}

std::vector<Claim>
Pager::end(uint32_t number)
{
	if (main_ && main_->number == number) {
		Asked ended = *std::exchange(main_, std::nullopt);
		return end_main(ended.answer);
	}
	for (auto check = checks_.begin(); check != checks_.end(); ++check)
		if (check->asked && check->asked->number == number) {
			if (brought_no_kind(*check)) {
				habits_.takes_kinds = false;
				check->doubts |= Doubt::Hole;
				check->kinds.clear();
				check->asked.reset();
				return {};
			}
			return end_check(check);
		}
	return {};
}

/* Whether the answer to a page or a window has many events newer than its range, as many as half of
 * a page, and no new one of its range: the relay ignores `until`. */
bool
Pager::shows_newer_only(const Answer &answer) const
{
	const int page = std::min(limit_, habits_.largest_page);
	if (answer.above() < std::max(page / 2, kFew))
		return false;
	if (stage_ == Stage::Page)
		return includes(boundary_, answer.shown(range_));
	return stage_ == Stage::Small && answer.empty();
}

std::vector<Claim>
Pager::end_main(Answer &answer)
{
	const SeenSet all = answer.shown({0, kOpenEnd});
	habits_.note(all);
	if (shows_newer_only(answer)) {
		if (stage_ != Stage::Page || !asks_again(answer))
			read_without_until(answer);
		return std::exchange(claims_, {});
	}
	switch (stage_) {
	case Stage::Page:
		end_page(answer);
		break;
	case Stage::Neighbour:
		end_neighbour(answer);
		break;
	case Stage::Probes:
		end_probe(answer);
		break;
	case Stage::Control:
		end_control(answer);
		break;
	case Stage::Again:
		end_again(answer);
		break;
	case Stage::Dense:
		dense_->end(answer);
		end_dense();
		break;
	case Stage::Small:
		claims_ = small_->end(answer, habits_);
		end_small();
		break;
	case Stage::Done:
		break;
	}
	return std::exchange(claims_, {});
}

std::vector<Claim>
Pager::fail(uint32_t number)
{
	if (main_ && main_->number == number) {
		Asked failed = *std::exchange(main_, std::nullopt);
		switch (stage_) {
		case Stage::Dense:
			dense_->fail();
			end_dense();
			break;
		case Stage::Small:
			claims_ = small_->fail(habits_);
			end_small();
			break;
		case Stage::Page:
		case Stage::Done:
			break;
		case Stage::Probes:
			if (asks_fewer_kinds())
				break;
			[[fallthrough]];
		default:
			failed.answer.doubt(Doubt::EndUnprobed);
			return end_main(failed.answer);
		}
		return std::exchange(claims_, {});
	}
	for (Check &check : checks_)
		if (check.asked && check.asked->number == number && !check.kinds.empty()) {
			/* The relay may show one of the kinds only to some readers, so all kinds are asked. */
			check.kinds.clear();
			check.asked.reset();
			return {};
		}
	if (Answer *asked = answer(number)) {
		asked->doubt(Doubt::Hole);
		return end(number);
	}
	return {};
}

void
Pager::drop(uint32_t number)
{
	if (main_ && main_->number == number) {
		repeated_ += main_->answer.raw();
		main_.reset();
	}
	for (Check &check : checks_)
		if (check.asked && check.asked->number == number)
			check.asked.reset();
}

void
Pager::doubt(Doubt doubt)
{
	if (main_)
		main_->answer.doubt(doubt);
	for (Check &check : checks_)
		if (check.asked)
			check.asked->answer.doubt(doubt);
}

std::optional<TimeRange>
Pager::split()
{
	const int64_t left = range_.upper - range_.lower;
	if (stage_ != Stage::Page || range_.upper == kOpenEnd || last_span_ == 0 ||
		left < kLeastSplit || left / 2 < last_span_)
		return std::nullopt;
	const int64_t middle = range_.lower + left / 2;
	const TimeRange older{range_.lower, middle};
	range_.lower = middle + 1;
	return older;
}

void
Pager::claim(TimeRange range, Doubts doubts, const SeenSet &shown, int64_t refused)
{
	claims_.push_back({.range = range,
					   .evidence = doubts.cut() ? Evidence::Partial : Evidence::Paged,
					   .doubts = doubts,
					   .events = int64_t(within(shown, range).size()),
					   .refused = refused});
}

void
Pager::read_small(TimeRange range, int64_t length)
{
	stage_ = Stage::Small;
	small_lower_ = range.lower;
	boundary_.clear();
	const bool halves = way_ == Way::Pages || habits_.faults > 0;
	small_.emplace(range, length, limit_, conditions_, halves);
}

void
Pager::go_on(int64_t upper, SeenSet boundary)
{
	stage_ = Stage::Page;
	range_.upper = upper;
	boundary_ = std::move(boundary);
	found_.clear();
	wider_ = boundary_.empty() && habits_.until == Habits::Until::Unknown;
	end_doubts_ = {};
	retries_ = 0;
}

void
Pager::step_below(int64_t second)
{
	if (second <= range_.lower)
		return finish();
	go_on(second - 1, {});
}

void
Pager::finish()
{
	stage_ = Stage::Done;
	boundary_ = SeenSet();
	found_ = SeenSet();
}

size_t
Pager::memory() const
{
	size_t bytes = (boundary_.capacity() + found_.capacity()) * sizeof(SeenEvent) +
				   (main_ ? main_->answer.memory() : 0) + (dense_ ? dense_->memory() : 0) +
				   (small_ ? small_->memory() : 0);
	for (const Check &check : checks_)
		bytes += check.shown.capacity() * sizeof(SeenEvent) +
				 (check.asked ? check.asked->answer.memory() : 0);
	return bytes;
}

} // namespace nostr
