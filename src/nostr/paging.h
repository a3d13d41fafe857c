/*
 * Paging: reads a time range from a relay that answers REQ with the newest events first, up to an
 * unknown number (NIP-01), and decides how much of the answers to believe. The pager does no I/O:
 * it returns questions, takes answers, and returns claims with evidence and doubts.
 *
 * The `until` of the next page is the oldest second received, without subtracting one, because the
 * limit may have cut the page inside that second. A short or empty page proves nothing. A range
 * ends with an event from below the range, or with probes that find no event and a control question
 * that finds one. docs/development/paging.md has the whole argument.
 */
#pragma once

#include <climits>
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
 * A page and small questions about earlier pages may be under way at the same time. The pager keeps
 * the events of all open questions in memory, so the caller must cut an answer that grows far
 * beyond its limit.
 */
class Pager
{
  public:
	static constexpr int64_t kOpenEnd = INT64_MAX; // asked without `until`

	struct Question
	{
		uint32_t number;
		Window window;
		bool page; // else a small question that checks or probes
	};

	/*
	 * How the range is read. A second reading uses windows, because a fault that pages do not
	 * notice may show in windows.
	 */
	enum class Way : uint8_t
	{
		Pages,
		Windows
	};

	Pager(TimeRange range, int limit, Conditions conditions, Habits &habits, Way way = Way::Pages);

	bool done() const { return stage_ == Stage::Done && checks_.empty(); }
	/* The question to ask now; nothing if an answer must come first. */
	std::optional<Question> next();
	/* The answer to a question; null if the answer is no longer needed and the question can be
	 * closed. */
	Answer *answer(uint32_t number);
	/* The answer is complete or was cut. Returns new claims. */
	std::vector<Claim> end(uint32_t number);
	/* The question will not be answered. A page is asked again. Returns new claims. */
	std::vector<Claim> fail(uint32_t number);
	/* The question must be asked again. */
	void drop(uint32_t number);
	/* Adds a doubt to all open questions, because its cause names no question. */
	void doubt(Doubt doubt);
	void set_limit(int limit) { limit_ = std::max(limit, 1); }
	/* Cuts off the older half of what is left to read and returns it for another pager; nothing if
	 * the rest is too short. */
	std::optional<TimeRange> split();

	/* Number of events that came again after they had been shown to this pager. */
	int64_t repeated() const { return repeated_ + (small_ ? small_->repeated() : 0); }
	/* Bytes of memory held by events. */
	size_t memory() const;

  private:
	enum class Stage : uint8_t
	{
		Page,
		Neighbour, // asks for an older event below the range
		Probes,    // asks in other ways for events that the relay may have left out
		Control,   // asks for events that the relay has, which a working relay must show
		Again,     // asks once more for older events, after the relay has answered Control
		Dense,
		Small,
		Done
	};
	struct Asked
	{
		uint32_t number;
		Answer answer;
	};
	/* Parts of a page that are asked for a second time. The claims of the page wait until the
	 * answers show no other events. */
	struct Check
	{
		std::vector<TimeRange> parts; // parts still to ask for; the last one is next
		std::vector<int32_t> kinds;   // kinds to ask for; empty: all
		SeenSet shown;                // events that the page showed
		TimeRange span;               // range of the page
		std::vector<Claim> claims;
		Doubts doubts;
		std::optional<Asked> asked;

		SeenSet expected() const { return of_kinds(within(shown, parts.back()), kinds); }
		std::vector<Claim> told() const;
	};

	bool reads() const;
	bool shows_newer_only(const Answer &answer) const;
	std::optional<Window> next_window();
	Window page_window() const;
	Window neighbour_window() const;
	Window again_window() const;
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
	void end_again(const Answer &answer);
	SeenSet below_boundary(const Answer &answer) const;
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
	void claim_bottom(int64_t refused, int cap);
	void read_small(TimeRange range, int64_t length);
	void read_dense(int raw, int cap = INT_MAX);
	void read_without_until(const Answer &answer);
	void leave_unread();
	void go_on(int64_t upper, SeenSet boundary);
	void step_below(int64_t second);
	void finish();

	TimeRange range_; // the part still to read
	int limit_;
	const Conditions conditions_;
	Habits &habits_;
	Way way_;
	Stage stage_ = Stage::Page;
	uint32_t last_number_ = 0;
	std::optional<Asked> main_; // the open page, or the open question of another stage
	std::deque<Check> checks_;  // checks of pages above `range_`, newest first
	std::vector<Claim> claims_; // returned by the next end() or fail()
	SeenSet boundary_;          // events shown of second range_.upper
	bool wider_ = true;         // ask one second higher
	int retries_ = 0;
	int64_t last_span_ = 0; // seconds covered by the last page
	std::vector<Window> probes_;
	size_t probe_ = 0;
	SeenSet found_; // events that probes found
	int false_ends_ = 0;
	Doubts end_doubts_; // doubts about the end of the range
	std::optional<DenseSecond> dense_;
	std::optional<SmallWindows> small_;
	int64_t small_lower_ = 0; // lowest second for small windows
	int64_t repeated_ = 0;
};

} // namespace nostr
