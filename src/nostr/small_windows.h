/*
 * Reads a range in windows so small that they stay under the relay's cap: from a relay that does
 * not send the newest events first, or leaves some out, and for a second reading. With halves, a
 * window counts as read when its two halves, asked for separately, show exactly what the whole one
 * showed.
 */
#pragma once

#include "habits.h"

namespace nostr {

class SmallWindows
{
  public:
	/* `length`: seconds of the first window. */
	SmallWindows(TimeRange range, int64_t length, int limit, Conditions conditions, bool halves);

	bool done() const { return stage_ == Stage::Done; }
	/* The next question is about a whole window. */
	bool reads() const { return stage_ == Stage::Whole; }
	Window next(const Habits &habits) const;
	std::vector<Claim> end(Answer &answer, Habits &habits);
	/* The question was not answered. */
	std::vector<Claim> fail(Habits &habits);
	/* Events that were shown again, so far. */
	int64_t repeated() const { return repeated_; }

  private:
	enum class Stage : uint8_t
	{
		Whole,
		Again, // it was empty
		Upper,
		Lower,
		Kinds,   // of what was empty down to the end of the range
		Control, // likewise
		Done
	};

	TimeRange window() const;
	TimeRange asked() const;
	void look(const Answer &answer, SeenSet shown, const Habits &habits);
	int cap(const Habits &habits) const;
	void compare(Habits &habits);
	void claim_shown(const SeenSet &shown, int cap);
	void claim_emptied(Doubts doubts);
	void grow(int64_t times);
	void shrink();
	void step_below(int64_t lower);
	void claim(TimeRange range, Doubts doubts, int64_t events);

	TimeRange range_; // still to be read
	int64_t length_;
	int limit_;
	Conditions conditions_;
	bool by_halves_;
	Stage stage_ = Stage::Whole;
	SeenSet whole_, halves_;
	int64_t middle_ = 0;             // first second of the upper half
	std::optional<int64_t> emptied_; // newest second of what was empty and is not claimed yet
	Doubts doubts_;                  // of the window
	size_t group_ = 0;               // of kinds, that is asked for at the end
	bool found_ = false;
	int64_t repeated_ = 0, refused_ = 0;
	std::vector<Claim> claims_;
};

} // namespace nostr
