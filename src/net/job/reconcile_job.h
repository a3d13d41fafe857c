/*
 * Compares what a relay has with what it has shown us (NIP-77), window by window, and fetches what
 * is missing:
 *
 *     SeenQuestion -> Seen     our side of the window; too much of it: two windows of half the time
 *     NEG-OPEN … NEG-MSG       until the difference is known
 *     REQ {"ids":[…]}          some of what the relay does not name any more: if it serves one of
 *                              them, what it compares is not what it has
 *     NeedQuestion -> Wanted   the worker has written down what is needed
 *     REQ {"ids":[…]} …        what the relay then does not serve is asked for once more
 *     claim                    reconciled; read only, if the relay withholds something
 *
 * A relay that always agrees would prove anything. So until it has shown that it compares, a few
 * events are kept back, which it must offer; before that nothing is claimed.
 *
 * A relay that cannot do it ends the job without a claim: the worker is told, and lets the range be
 * paged.
 */
#pragma once

#include <deque>

#include "net/job/id_fetch.h"
#include "nostr/negentropy.h"
#include "wire/archive.h"

namespace net {

class ReconcileJob final : private Requests::Handler, private IdFetch::Owner
{
  public:
	/* Records of a window: half of it is compared where there are more. */
	static constexpr size_t kMostRecords = 50000;
	/* Ids needed of one window; with more, paging is cheaper. A single second has no such bound:
	 * pages may not show all of it. */
	static constexpr size_t kMostNeeds = 2000, kMostNeedsOfSecond = wire::kMaxNeeds;
	/* Events that are kept back as a test, and events without a name that are asked for. */
	static constexpr size_t kKeptBack = 3, kSuspects = 10;
	/* Windows in memory at a time, 6 MB each, of all relays. */
	static constexpr int kMostAtOnce = 8;

	/* `members`: of the filter's JSON object, without since, until and limit. */
	ReconcileJob(JobContext &context, Link &link, uint32_t attempt, const wire::Range &range,
				 std::string members);
	~ReconcileJob() override { free_window(); }
	ReconcileJob(const ReconcileJob &) = delete;

	const std::optional<Result> &result() const { return result_; }
	/* There is something to be asked now: ask() does it. */
	bool waiting() const
	{
		return !result_ &&
			   ((step_ == Step::Window && context_.client.host().comparisons < kMostAtOnce) ||
				fetch_.waiting());
	}
	/* False: there is no room for it in the budget. */
	bool ask();
	void tick();
	/* The relay is busy with what was asked before. */
	void on_late_event();
	/* The connection was ended by the relay. */
	void on_ended();

	/* Whether an answer of the worker is still to come. */
	bool awaits_worker() const
	{
		return !result_ && (step_ == Step::Seen || step_ == Step::Wanted);
	}
	/* The worker's answers. Throw LinkError if nothing was asked. */
	void answered(const wire::Seen &seen);
	void answered(const wire::Wanted &wanted);

  private:
	enum class Step : uint8_t
	{
		Window,  // the next window is to be begun
		Seen,    // the worker is asked what the relay has shown
		Compare, // the relay is asked
		Probe,   // suspects are fetched
		Wanted,  // the worker is asked what to fetch
		Fetch    // needs are fetched
	};

	void on_event(nostr::Event &event, std::string_view text) override;
	void on_refused_event(std::string_view) override {}
	void on_end_of_stored(bool more) override;
	void on_closed(std::string_view text) override { on_neg_error(text); }
	void on_notice(std::string_view text) override;
	void on_neg_message(std::string_view message) override;
	void on_neg_error(std::string_view text) override;

	void on_fetched() override;
	void on_failed(const char *reason, std::string_view detail) override { end(reason, detail); }

	nostr::Window window_of(const nostr::TimeRange &range) const;
	void begin_window();
	void split();
	void compare();
	void compared();
	void ask_wanted();
	void claim_compared();
	void give_up(wire::Comparison outcome, std::string_view detail);
	void end_window();
	void say(wire::Comparison outcome, std::string_view detail);
	void free_window();
	void end(const char *reason, std::string_view detail);

	JobContext &context_;
	Link &link_;
	const uint32_t attempt_;
	const wire::Range asked_;
	const std::string members_;
	std::optional<Result> result_;
	std::deque<nostr::TimeRange> windows_; // still to be compared; the first one is at work
	Step step_ = Step::Window;
	std::string id_;         // of the comparison at the relay; empty: there is none
	int64_t asked_at_ = 0;   // Unix second in which the window was begun
	Clock::Time since_{};    // when the relay was asked
	Clock::Time progress_{}; // last sign of it
	size_t bytes_ = 0;       // of its messages
	bool answered_ = false;  // it took part in the comparison
	bool in_memory_ = false; // the window counts among the comparisons of the process
	nostr::negentropy::RecordSet own_;
	std::optional<nostr::negentropy::Client> comparison_;

	std::vector<nostr::Id> kept_back_; // were shown, and are not in `own_`
	std::vector<nostr::Id> needs_;
	size_t held_ = 0;     // events of the window that the relay has and we had before
	size_t lost_ = 0;     // events that it has shown and has no more
	size_t withheld_ = 0; // needs that were not served lately
	IdFetch fetch_;
};

} // namespace net
