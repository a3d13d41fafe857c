/*
 * Reads a range in windows that are smaller than the relay's limit: from a relay that does not send
 * the newest events first or leaves events out, and for a second reading. With halves, a window
 * counts as read if its two halves, asked for separately, show exactly the events that the whole
 * window showed.
 */
#pragma once

#include "dense_second.h"

namespace nostr {

class SmallWindows
{
  public:
	/* `length`: seconds of the first window. */
	SmallWindows(TimeRange range, int64_t length, int limit, Conditions conditions, bool halves);
	SmallWindows(const SmallWindows &) = delete; // dense_ refers to conditions_
	SmallWindows &operator=(const SmallWindows &) = delete;

	bool done() const { return stage_ == Stage::Done; }
	/* Whether the next question is about a whole window. */
	bool reads() const { return stage_ == Stage::Whole; }
	Window next(const Habits &habits) const;
	std::vector<Claim> end(Answer &answer, Habits &habits);
	/* The question was not answered. */
	std::vector<Claim> fail(Habits &habits);
	/* The newest second that is not claimed yet. */
	int64_t upper() const
	{
		return std::max({range_.upper, emptied_.value_or(0), gap_ ? gap_->upper : 0});
	}
	/* Number of events that were shown again so far. */
	int64_t repeated() const { return repeated_; }
	/* Bytes of memory held by events. */
	size_t memory() const
	{
		return (whole_.capacity() + halves_.capacity()) * sizeof(SeenEvent) +
			   named_.size() * (sizeof(Window) + kMostNamed * sizeof(PublicKey)) +
			   (dense_ ? dense_->memory() : 0);
	}

  private:
	enum class Stage : uint8_t
	{
		Whole,
		Again, // the window was empty, so it is asked again
		Upper,
		Lower,
		Below,   // asks for events below the window; if one comes, the window was not cut
		Named,   // asks for the kinds and authors of the window by name
		Kinds,   // kinds, in the time that was empty down to the end of the range
		Control, // a question that must show an event, to prove the same time
		Dense,   // a second that the relay may have cut is asked for in parts
		Gap,     // asks once more about time that was empty, now that the relay has shown an event
		Done
	};

	TimeRange window() const;
	Window window_below(const Habits &habits) const;
	Window gap_window(const Habits &habits) const;
	TimeRange asked() const;
	bool may_name_kinds(const Habits &habits) const
	{
		return habits.takes_kinds && !conditions_.kinds;
	}
	void look(const Answer &answer, SeenSet shown, Habits &habits);
	int cap(const Habits &habits) const;
	void compare(Habits &habits);
	void read_dense(int raw, SeenSet shown, Habits &habits);
	void end_dense();
	void look_below(const Answer &answer, Habits &habits);
	void settle(SeenSet shown, Habits &habits);
	std::vector<Window> named_windows(const Habits &habits);
	bool asks_fewer_names();
	void end_named(const Answer &answer, Habits &habits);
	void next_named(const Habits &habits);
	void fail_named(Habits &habits);
	void claim_shown(const SeenSet &shown, int cap);
	void claim_emptied(Doubts doubts);
	void ask_gap();
	bool asks_gap_again(const Answer &answer, const Habits &habits);
	void end_gap(const Answer &answer, Habits &habits);
	void claim_gap();
	void grow(int64_t times);
	void shrink();
	void forget_window();
	void step_below(int64_t lower);
	void claim(TimeRange range, Doubts doubts, int64_t events);

	/* Values of looks_ in stage Gap. */
	static constexpr int kGapKinds = 2, kGapAuthors = 3;

	TimeRange range_; // the part still to read
	int64_t length_;
	int limit_;
	Conditions conditions_;
	bool by_halves_;
	Stage stage_ = Stage::Whole;
	SeenSet whole_, halves_;
	int hollow_ = 0;           // windows in a row that showed events of named kinds only
	bool leaves_out_ = false;  // nothing is believed: Habits::leaves_out()
	int looks_ = 0;            // questions about what is below the window, or about the gap
	bool ended_ = false;       // nothing older than the oldest event of the window came
	bool asked_twice_ = false; // the whole window was asked for twice: more was shown by name
	bool overflowed_ = false;  // an answer about the window had more events than were asked for
	std::optional<TimeRange> crowded_; // seconds of the window that may hold more than was shown
	bool shown_again_ = false;         // a look below showed the oldest second of the window
	size_t bytes_ = 0;                 // largest size of the answers to the first two looks below
	std::vector<Window> named_;        // questions with names still to ask; the last one is next
	size_t own_authors_ = 0; // number of authors of the window in named_.back(); others follow
	Habits::Names names_ = Habits::Names::All; // of named_.back()
	int64_t middle_ = 0;                       // first second of the upper half
	std::optional<int64_t> emptied_; // newest second that was empty and is not claimed yet
	std::optional<TimeRange> gap_;   // time that was empty and is asked for once more
	bool older_known_ = false;       // the relay has shown an event below the gap
	Stage after_gap_ = Stage::Done;
	Doubts gap_doubts_;
	std::optional<DenseSecond> dense_;
	Doubts doubts_;    // doubts about the window
	size_t group_ = 0; // index of the group of kinds that is asked for at the end
	bool found_ = false;
	int64_t repeated_ = 0, refused_ = 0;
	std::vector<Claim> claims_;
};

} // namespace nostr
