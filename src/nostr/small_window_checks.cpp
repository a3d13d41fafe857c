/* Whether a small window may be believed: was it cut, does the relay leave events out of it, and
 * was empty time really empty? */
#include <utility>

#include "facts.h"
#include "probes.h"
#include "small_windows.h"

namespace nostr {

/* After this number of windows in a row whose events are not shown when their kinds and authors are
 * named, windows are no longer halved for that reason. */
constexpr int kMostLacking = 50;

/*
 * Without `since`: an event from below the window shows that the window was not cut. Two looks
 * begin with the oldest event of the window, the second one with the whole limit. The third one
 * begins below that event; the fourth one names kinds, because hidden events may use up the limit.
 */
Window
SmallWindows::window_below(const Habits &habits) const
{
	constexpr int margin = 4;
	const int64_t oldest = whole_.back().created_at;
	const int again = int(within(whole_, {oldest, oldest + 1}).size());
	Window window{.until = looks_ < 2 ? oldest + 1 : std::max<int64_t>(oldest - 1, 0),
				  .limit = looks_ == 0 ? std::min(again + margin, limit_) : limit_};
	if (looks_ == 3)
		window.kinds = open_kinds(habits);
	return window;
}

/*
 * A relay that ends its answers by bytes or time may have cut the window, however few events it
 * showed.
 */
void
SmallWindows::look_below(const Answer &answer, Habits &habits)
{
	const TimeRange part = window();
	const int64_t oldest = whole_.back().created_at;
	const SeenSet second = within(whole_, {oldest, oldest});
	const SeenSet again = answer.shown({part.lower, oldest});
	const bool below = answer.reached_below(oldest);
	stage_ = Stage::Whole;
	if (!includes(whole_, again)) {
		if (part.lower < part.upper)
			return shrink();
		return claim_but(part);
	}
	if (looks_ < 2) {
		shown_again_ |= includes(again, second);
		bytes_ = std::max(bytes_, answer.bytes());
		if (below && includes(again, second)) {
			const SeenSet all = united(whole_, answer.shown({0, oldest}));
			if (!may_lack_events(all, part, kFew))
				return settle(std::move(whole_), habits);
			/* The second look reaches further down. */
			if (looks_ == 1)
				return part.lower < part.upper ? shrink()
											   : read_dense(answer.raw(), whole_, habits);
		}
	} else if (below)
		/* The relay has older events, and its answers end before them. */
		return claim_but({looks_ == 2 ? oldest : part.lower, oldest});
	if (looks_++ < (conditions_.kinds || !habits.takes_kinds ? 2 : 3)) {
		stage_ = Stage::Below;
		return;
	}
	if (!shown_again_)
		/* The relay did not show the oldest second again, so an empty answer proves nothing. */
		doubts_ |= Doubt::EndUnprobed;
	else if (second.size() > 1 && 2 * bytes_ > habits.largest_bytes && bytes_ > 0)
		/* No older event came. The relay may end its answers here because of their size. */
		return claim_but({oldest, oldest});
	if (may_lack_events(whole_, part, kFew))
		return part.lower < part.upper ? shrink() : read_dense(answer.raw(), whole_, habits);
	ended_ = true;
	settle(std::move(whole_), habits);
}

/* The window was not cut. What it showed is claimed after its kinds and authors were asked for by
 * name. */
void
SmallWindows::settle(SeenSet shown, const Habits &habits)
{
	whole_ = std::move(shown);
	named_ = named_windows(habits);
	stage_ = Stage::Named;
	if (named_.empty())
		claim_named(habits);
}

/*
 * The questions for the events of the window that name their kinds and authors. A relay that limits
 * the events of each kind or author leaves some out of the window, and no older event tells,
 * because it is of another author. Such a relay does not limit what is asked for by name.
 */
std::vector<Window>
SmallWindows::named_windows(const Habits &habits) const
{
	std::vector<int32_t> kinds;
	std::vector<PublicKey> authors;
	for (const SeenEvent &event : whole_) {
		if (!is_private(event.kind))
			kinds.push_back(event.kind);
		authors.push_back(event.author);
	}
	const auto sort = [](auto &list) {
		std::sort(list.begin(), list.end());
		list.erase(std::unique(list.begin(), list.end()), list.end());
	};
	sort(kinds);
	sort(authors);
	if (conditions_.kinds || !habits.takes_kinds || kinds.size() > kMostKinds)
		kinds.clear();
	if (conditions_.authors)
		authors.clear();
	if (kinds.empty() && authors.empty())
		return {};
	/* All events of a kind or an author may be left out of the window. */
	const auto fill = [](auto &list, const auto &known, size_t most) {
		for (const auto &value : known)
			if (!list.empty() && list.size() % most != 0 &&
				std::find(list.begin(), list.end(), value) == list.end())
				list.push_back(value);
	};
	fill(kinds, open_kinds(habits), kMostKinds);
	fill(authors, habits.authors, kMostNamed);
	const TimeRange part = window();
	Window named{.until = part.upper + 1, .limit = limit_, .kinds = std::move(kinds)};
	if (part.lower > 0)
		named.since = part.lower - 1;
	std::vector<Window> windows;
	for (size_t i = 0; i == 0 || i < authors.size(); i += kMostNamed) {
		windows.push_back(named);
		windows.back().authors.assign(authors.begin() + long(i),
									  authors.begin() +
										  long(std::min(i + kMostNamed, authors.size())));
	}
	return windows;
}

/*
 * If the answer shows more than the window did, the relay leaves events out. If the answer lacks
 * events of the window, it was cut: hidden events used up the limit. Smaller windows hold fewer of
 * them.
 */
void
SmallWindows::end_named(const Answer &answer, Habits &habits)
{
	const TimeRange part = window();
	const SeenSet shown = answer.shown(part);
	Window &asked = named_.back();
	SeenSet expected = of_kinds(whole_, asked.kinds);
	if (!asked.authors.empty())
		std::erase_if(expected, [&](const SeenEvent &event) {
			return std::find(asked.authors.begin(), asked.authors.end(), event.author) ==
				   asked.authors.end();
		});
	const bool more = !includes(whole_, shown), cut = !includes(shown, expected);
	if (answer.raw() == 0 && cut && !asked.authors.empty() && !asked.kinds.empty()) {
		/* Some relays show nothing where kinds are named. */
		asked.kinds.clear();
		return;
	}
	/* One such window may be due to an event that reached the relay just then. */
	if (more)
		leaves_out_ |= ++habits.left_out > 1;
	if (!more && !cut)
		lacking_ = 0;
	else if (part.lower < part.upper && ++lacking_ <= kMostLacking)
		return shrink();
	if (cut)
		doubts_ |= Doubt::Hole;
	named_.pop_back();
	if (named_.empty())
		claim_named(habits);
}

void
SmallWindows::claim_named(const Habits &habits)
{
	stage_ = Stage::Whole;
	claim_shown(whole_, cap(habits));
}

/*
 * Without margins: the events next to the gap would use up the limit. If an older event is known,
 * the answer must reach it, which shows that no hidden events used up the limit; the second look
 * has the whole limit.
 */
Window
SmallWindows::gap_window(const Habits &habits) const
{
	Window window{.until = habits.until_of(gap_->upper), .limit = looks_ == 0 ? kFew : limit_};
	if (!older_known_)
		window.since = gap_->lower;
	return window;
}

void
SmallWindows::ask_gap()
{
	after_gap_ = std::exchange(stage_, Stage::Gap);
	looks_ = 0;
}

/* A relay that answers with nothing while it is asked too fast may have begun to answer only with
 * the last event. */
void
SmallWindows::claim_gap(const Answer &answer, Habits &habits)
{
	Doubts doubts = doubts_ | answer.doubts();
	if (answer.more() && !older_known_)
		doubts |= Doubt::More;
	repeated_ += answer.raw();
	if (!answer.shown(*gap_).empty()) {
		doubts |= Doubt::Hole;
		habits.silences++;
	} else if (older_known_ && !answer.reached_below(gap_->lower)) {
		if (looks_++ == 0 && !doubts.cut())
			return;
		doubts |= Doubt::Hole;
	}
	claim(*std::exchange(gap_, std::nullopt), doubts, 0);
	stage_ = after_gap_;
}

} // namespace nostr
