/*
 * Paging: how a time range is read from a relay that answers REQ with at most some unknown number
 * of events, newest first (NIP-01), and how much of that may be believed. Sans I/O: says what to
 * ask, is told what came, says what is claimed, with which evidence and which doubts.
 *
 * The next page asks `until` = the oldest second received, again and not minus one, because the
 * page may have been cut inside that second. A short or empty page proves nothing: what ends a
 * range is an event from below it, or probes that find none and a control question that finds one.
 * The whole argument: docs/development/paging.md.
 */
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "dense_second.h"
#include "small_windows.h"

namespace nostr {

/*
 * Reads one range. Use: while (!done()) { while (next()) send it; for each event of the answer:
 * answer(number)->add(); at EOSE: claims = end(number). }
 *
 * A page and small questions about earlier pages may be under way at the same time. Keeps the
 * events of what is under way: an answer that grows far beyond its limit is to be cut.
 */
class Pager
{
  public:
	static constexpr int64_t kOpenEnd = INT64_MAX; // asked without `until`

	struct Question
	{
		uint32_t number;
		Window window;
		bool page; // else one of the small ones that check
	};

	/*
	 * How the range is read. A second reading is by windows, so that what fools pages does not
	 * fool it as well.
	 */
	enum class Way : uint8_t
	{
		Pages,
		Windows
	};

	Pager(TimeRange range, int limit, Conditions conditions, Habits &habits, Way way = Way::Pages);

	bool done() const { return stage_ == Stage::Done && checks_.empty(); }
	/* What is to be asked now; nothing: an answer is awaited. */
	std::optional<Question> next();
	/* The answer to a question; null if it is of no more use: close it. */
	Answer *answer(uint32_t number);
	/* The answer is whole, or was cut. */
	std::vector<Claim> end(uint32_t number);
	/* There will be none. A page that is not answered is asked again. */
	std::vector<Claim> fail(uint32_t number);
	/* The question is to be asked again. */
	void drop(uint32_t number);
	/* Something that names no question speaks against all that are under way. */
	void doubt(Doubt doubt);
	void set_limit(int limit) { limit_ = std::max(limit, 1); }
	/* Gives the older half of what is left away, to be read by another one at the same time, if it
	 * is worth it. */
	std::optional<TimeRange> split();

	/* Events that came again, which had been shown to this pager before. */
	int64_t repeated() const { return repeated_ + (small_ ? small_->repeated() : 0); }
	/* Bytes of memory held. */
	size_t memory() const;

  private:
	enum class Stage : uint8_t
	{
		Page,
		Neighbour, // is there an older event below the range?
		Probes,    // is there really none?
		Control,   // does the relay answer at all?
		Dense,
		Small,
		Done
	};
	struct Asked
	{
		uint32_t number;
		Answer answer;
	};
	/* Parts of a page that are asked for once more. The claims of the page wait until they show
	 * nothing else. */
	struct Check
	{
		std::vector<TimeRange> parts; // still to be asked for, the last one first
		std::vector<int32_t> kinds;   // only these; empty: all
		SeenSet shown;                // by the page
		TimeRange span;               // of the page
		std::vector<Claim> claims;
		Doubts doubts;
		std::optional<Asked> asked;

		SeenSet expected() const { return of_kinds(within(shown, parts.back()), kinds); }
		std::vector<Claim> told() const;
	};

	bool reads() const;
	std::optional<Window> next_window();
	Window page_window() const;
	Window neighbour_window() const;
	std::vector<Claim> end_main(Answer &answer);
	void end_page(Answer &answer);
	void end_empty_page(Answer &answer);
	void pass_over_top();
	void look_below(const Answer &answer);
	void end_neighbour(Answer &answer);
	void end_probe(Answer &answer);
	void end_probes();
	bool asks_fewer_kinds();
	void end_control(const Answer &answer);
	void end_dense();
	void end_small();
	static bool brought_no_kind(const Check &check);
	std::vector<Claim> end_check(std::deque<Check>::iterator check);
	void distrust(TimeRange span);
	bool asks_again(const Answer &answer);
	bool boundary_lost(const Answer &answer, const SeenSet &shown);
	void hold(TimeRange span, const SeenSet &shown, Claim read, const Answer &answer);
	void claim(TimeRange range, Doubts doubts, const SeenSet &shown, int64_t refused = 0);
	void claim_ended(int64_t refused);
	void claim_bottom(int64_t refused);
	void read_small(TimeRange range, int64_t length);
	void read_dense(int raw);
	void go_on(int64_t upper, SeenSet boundary);
	void step_below(int64_t second);
	void finish();

	TimeRange range_; // still to be read
	int limit_;
	const Conditions conditions_;
	Habits &habits_;
	Way way_;
	Stage stage_ = Stage::Page;
	uint32_t last_number_ = 0;
	std::optional<Asked> main_; // page, or question of another stage
	std::deque<Check> checks_;  // of pages above `range_`, newest first
	std::vector<Claim> claims_; // to be handed out
	SeenSet boundary_;          // what was shown of second range_.upper
	bool wider_ = true;         // ask one second higher
	int retries_ = 0;
	int64_t last_span_ = 0; // seconds of the last page
	std::vector<Window> probes_;
	size_t probe_ = 0;
	SeenSet found_; // by probes
	int false_ends_ = 0;
	Doubts end_doubts_; // against the end of the range
	std::optional<DenseSecond> dense_;
	std::optional<SmallWindows> small_;
	int64_t small_lower_ = 0; // where small windows end
	int64_t repeated_ = 0;
};

} // namespace nostr
