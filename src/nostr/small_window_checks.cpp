/* Whether a small window may be believed: was it cut, does the relay leave events out of it, and
 * was empty time really empty? */
#include <utility>

#include "facts.h"
#include "probes.h"
#include "small_windows.h"

namespace nostr {

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
		crowded_ = part;
		return claim_shown(whole_, cap(habits));
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
	} else if (below) {
		/* The relay has older events, and its answers end before them. */
		crowded_ = {oldest, oldest};
		ended_ = looks_ == 3;
		return settle(std::move(whole_), habits);
	}
	if (looks_++ < (may_name_kinds(habits) ? 3 : 2)) {
		stage_ = Stage::Below;
		return;
	}
	if (!shown_again_)
		/* The relay did not show the oldest second again, so an empty answer proves nothing. */
		doubts_ |= Doubt::EndUnprobed;
	else if (second.size() > 1 && 2 * bytes_ > habits.largest_bytes && bytes_ > 0)
		/* The relay may end its answers here because of their size. */
		crowded_ = {oldest, oldest};
	else if (may_lack_events(whole_, part, kFew))
		return part.lower < part.upper ? shrink() : read_dense(answer.raw(), whole_, habits);
	ended_ = true;
	settle(std::move(whole_), habits);
}

/* What the window showed is claimed after its kinds and authors were asked for by name, unless a
 * doubt speaks against it anyway. */
void
SmallWindows::settle(SeenSet shown, Habits &habits)
{
	whole_ = std::move(shown);
	named_.clear();
	names_ = habits.names;
	if (!doubts_.cut())
		named_ = named_windows(habits);
	if (named_.empty())
		return claim_shown(whole_, cap(habits));
	stage_ = Stage::Named;
}

static bool
contains(const auto &list, const auto &value)
{
	return std::find(list.begin(), list.end(), value) != list.end();
}

/* Values of `known` that a question has room for beside those of `list`. */
template <class Value>
static std::vector<Value>
others(const std::vector<Value> &list, const std::vector<Value> &known, size_t most)
{
	std::vector<Value> others;
	for (const Value &value : known)
		if ((list.size() + others.size()) % most != 0 && !contains(list, value))
			others.push_back(value);
	return others;
}

/*
 * The questions for the events of the window that name their kinds and authors. A relay that limits
 * the events of each author leaves some out of the window, and no older event tells, because the
 * older event is of another author. Such a relay does not limit what is asked for by name. All
 * events of a kind or an author may be left out, so others that the relay has shown are named as
 * well. Sets own_authors_.
 */
std::vector<Window>
SmallWindows::named_windows(const Habits &habits)
{
	std::vector<int32_t> kinds;
	std::vector<PublicKey> authors;
	for (const SeenEvent &event : whole_)
		if (!is_private(event.kind)) { // gift wraps have an author each
			kinds.push_back(event.kind);
			authors.push_back(event.author);
		}
	if (habits.refused_names > 1 || kinds.empty())
		return {};
	const auto sort = [](auto &list) {
		std::sort(list.begin(), list.end());
		list.erase(std::unique(list.begin(), list.end()), list.end());
	};
	sort(kinds);
	sort(authors);
	if (!may_name_kinds(habits) || kinds.size() > kMostKinds)
		kinds.clear();
	if (conditions_.authors)
		authors.clear();
	if (names_ != Habits::Names::All && !authors.empty())
		kinds.clear();
	if (kinds.empty() && authors.empty())
		return {};
	if (!kinds.empty())
		for (int32_t kind : others(kinds, open_kinds(habits), kMostKinds))
			kinds.push_back(kind);
	const TimeRange part = window();
	Window named{.until = part.upper + 1, .limit = limit_, .kinds = std::move(kinds)};
	if (part.lower > 0)
		named.since = part.lower - 1;
	std::vector<Window> windows;
	for (size_t i = 0; i == 0 || i < authors.size(); i += kMostNamed) {
		windows.push_back(named);
		const size_t end = std::min(i + kMostNamed, authors.size());
		windows.back().authors.assign(authors.begin() + long(i), authors.begin() + long(end));
	}
	std::vector<PublicKey> &last = windows.back().authors;
	own_authors_ = last.size();
	if (!authors.empty() && names_ != Habits::Names::OwnAuthors)
		for (const PublicKey &author : others(last, habits.authors, kMostNamed))
			if (!contains(authors, author))
				last.push_back(author);
	return windows;
}

/* If an answer with names showed no event, the same question is asked with fewer names, because
 * some relays show nothing where kinds are named, or many authors. False: it has no fewer. */
bool
SmallWindows::asks_fewer_names()
{
	Window &asked = named_.back();
	if (!asked.kinds.empty() && !asked.authors.empty()) {
		asked.kinds.clear();
		names_ = Habits::Names::Authors;
	} else if (asked.authors.size() > own_authors_ && own_authors_ > 0) {
		asked.authors.resize(own_authors_);
		names_ = Habits::Names::OwnAuthors;
	} else
		return false;
	return true;
}

/*
 * If the answer shows more than the window did, the relay leaves events out, unless they came to it
 * in between. If the answer lacks events of the window, it was cut: hidden events used up the
 * limit. Smaller windows hold fewer of them.
 */
void
SmallWindows::end_named(const Answer &answer, Habits &habits)
{
	const TimeRange part = window();
	const SeenSet shown = answer.shown(part);
	const Window &asked = named_.back();
	SeenSet expected = of_kinds(whole_, asked.kinds);
	std::erase_if(expected, [&](const SeenEvent &event) {
		return is_private(event.kind) ||
			   (!asked.authors.empty() && !contains(asked.authors, event.author));
	});
	const bool more = !includes(whole_, shown), cut = !includes(shown, expected);
	if (more && !asked_twice_) {
		forget_window();
		asked_twice_ = true;
		stage_ = Stage::Whole;
		return;
	}
	if (cut && answer.raw() == 0 && asks_fewer_names())
		return;
	if (answer.raw() > 0)
		habits.names = std::max(habits.names, names_);
	habits.left_out += more;
	if ((more || cut) && part.lower < part.upper && habits.halves_more())
		return shrink();
	if (more || cut)
		doubts_ |= Doubt::Hole;
	next_named(habits);
}

/* Goes on to the next question with names, or claims the window. */
void
SmallWindows::next_named(const Habits &habits)
{
	named_.pop_back();
	own_authors_ = 0;
	names_ = habits.names;
	if (!named_.empty())
		return;
	stage_ = Stage::Whole;
	claim_shown(whole_, cap(habits));
}

/* Relays refuse questions that are too long, or do not answer them. Then the window is believed
 * without it. */
void
SmallWindows::fail_named(Habits &habits)
{
	if (asks_fewer_names())
		return;
	habits.refused_names++;
	next_named(habits);
}

/* The relay has shown an event again. The time that was empty down to this window is claimed, or
 * asked for once more if nothing speaks against it. */
void
SmallWindows::claim_emptied(Doubts doubts)
{
	if (!emptied_)
		return;
	const TimeRange gap{range_.upper + 1, *std::exchange(emptied_, std::nullopt)};
	if (!doubts.cut()) {
		gap_ = gap;
		older_known_ = true;
		return;
	}
	const int64_t refused = std::exchange(refused_, 0);
	claim(gap, doubts, 0);
	refused_ = refused;
}

/*
 * Without margins: the events next to the gap would use up the limit. If an older event is known,
 * the answer must reach it, which shows that no hidden events used up the limit. The second look
 * has the whole limit; the third one names kinds, because private events are not counted then. The
 * last one names authors, because a relay may limit the events of each.
 */
Window
SmallWindows::gap_window(const Habits &habits) const
{
	Window window{.until = habits.until_of(gap_->upper),
				  .limit = looks_ == 0 || looks_ == kGapKinds ? kFew : limit_};
	if (!older_known_ || looks_ == kGapAuthors)
		window.since = gap_->lower;
	if (looks_ >= kGapKinds && may_name_kinds(habits))
		window.kinds = open_kinds(habits);
	if (looks_ == kGapAuthors)
		window.authors = habits.authors;
	return window;
}

void
SmallWindows::ask_gap()
{
	after_gap_ = std::exchange(stage_, Stage::Gap);
	looks_ = 0;
	gap_doubts_ = doubts_;
}

/* Whether the gap is asked for once more, after this answer showed no event of it. */
bool
SmallWindows::asks_gap_again(const Answer &answer, const Habits &habits)
{
	if (looks_ == kGapAuthors || gap_doubts_.cut())
		return false;
	if (older_known_ && !answer.reached_below(gap_->lower)) {
		if (++looks_ < kGapKinds || (looks_ == kGapKinds && may_name_kinds(habits)))
			return true;
		gap_doubts_ |= Doubt::Hole;
		return false;
	}
	looks_ = kGapAuthors;
	return !conditions_.authors && !habits.authors.empty() && habits.refused_names < 2;
}

/* A relay that answers with nothing while it is asked too fast may have begun to answer only with
 * the last event. */
void
SmallWindows::end_gap(const Answer &answer, Habits &habits)
{
	gap_doubts_ |= answer.doubts();
	repeated_ += answer.raw();
	if (!answer.shown(*gap_).empty()) {
		gap_doubts_ |= Doubt::Hole;
		habits.silences += looks_ < kGapKinds;
	} else if (answer.more() && (!older_known_ || looks_ == kGapAuthors)) {
		/* The relay may have private events, which are not counted where kinds are named. */
		if (looks_ == 0 && may_name_kinds(habits)) {
			looks_ = kGapKinds;
			return;
		}
		gap_doubts_ |= Doubt::More;
	}
	if (!asks_gap_again(answer, habits))
		claim_gap();
}

void
SmallWindows::claim_gap()
{
	claim(*std::exchange(gap_, std::nullopt), gap_doubts_, 0);
	overflowed_ = false;
	stage_ = after_gap_;
}

} // namespace nostr
