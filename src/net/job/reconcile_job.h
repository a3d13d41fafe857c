/*
 * Compares the events that a relay has with those that it has shown us (NIP-77), window by window,
 * and fetches the missing ones:
 *
 *     SeenQuestion -> SeenAnswer     our set of the window; a window with too many events is halved
 *     NEG-OPEN … NEG-MSG       until the difference is known
 *     REQ {"ids":[…]}          a sample of the events that the relay no longer names: if the relay
 *                              serves one, its set is not what it has
 *     NeedQuestion -> Wanted   the worker has noted which events are needed
 *     REQ {"ids":[…]} …        events that were not served are asked for a second time
 *     SeenQuestion …           each half once more, if the relay has named what it had not shown:
 *                              a set that was cut off shows more events of a half
 *     claim                    reconciled; only paged if the relay withholds an event, or if it
 *                              showed only a part before and its set holds few of those events
 *
 * A relay that always agrees would prove nothing. So the job keeps back a few events, which the
 * relay must offer; until the relay has shown that it compares, nothing is claimed.
 *
 * If a relay does not support NIP-77, the job ends without a claim and tells the worker, which has
 * the range paged.
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
	/* Largest number of records in a window. A window with more records is split. Its halves may
	 * hold as many more as were fetched for it. */
	static constexpr size_t kMostRecords = 50000;
	/* Largest number of ids needed of one window; if more are needed, paging is cheaper. A window
	 * of one second has a higher limit, because pages may not show all events of a second. */
	static constexpr size_t kMostNeeds = 2000, kMostNeedsOfSecond = wire::kMaxNeeds;
	/* Number of events kept back as a test, and number of lost ids that are asked for as a test. */
	static constexpr size_t kKeptBack = 3, kSuspects = 10;
	/* Number of events that pages have shown and that the set of the relay must hold, before a
	 * comparison proves a range of which the relay showed only a part. */
	static constexpr size_t kWitnesses = 10;
	/* Largest number of windows in memory for all relays together; a window takes up to 6 MB. */
	static constexpr int kMostAtOnce = 8;

	/* `members`: members of the filter's JSON object without since, until and limit. */
	ReconcileJob(JobContext &context, Link &link, uint32_t attempt, const wire::Range &range,
				 std::string members);
	~ReconcileJob() override { free_window(); }
	ReconcileJob(const ReconcileJob &) = delete;

	const std::optional<Result> &result() const { return result_; }
	/* Whether ask() can begin a window or send a question now. */
	bool waiting() const
	{
		return !result_ &&
			   ((step_ == Step::Window && context_.client.host().comparisons < kMostAtOnce) ||
				fetch_.waiting());
	}
	/* Begins the next window or sends the next question. False: the budget has no room for the
	 * answer. */
	bool ask();
	void tick();
	/* An event came for an earlier question: the relay is alive and still busy. */
	void on_late_event();
	/* The relay closed the connection. */
	void on_ended();

	/* Whether an answer of the worker is still to come. */
	bool awaits_worker() const
	{
		return !result_ && (step_ == Step::Seen || step_ == Step::Wanted);
	}
	/* Take the worker's answers. Throw LinkError if no question was asked. */
	void answered(const wire::SeenAnswer &seen);
	void answered(const wire::Wanted &wanted);

  private:
	enum class Step : uint8_t
	{
		Window,  // the next window, or a half of it, can begin
		Seen,    // the worker is asked which events the relay has shown
		Compare, // the relay compares its set with ours
		Probe,   // some lost ids are fetched as a test
		Wanted,  // the worker is asked which needed events to fetch
		Fetch    // the needed events are fetched
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

	size_t most_needs() const
	{
		return window_.lower == window_.upper ? kMostNeedsOfSecond : kMostNeeds;
	}
	size_t most_records() const { return kMostRecords + (judged_ ? wire::kMaxNeeds : 0); }
	nostr::Window window_of(const nostr::TimeRange &range) const;
	void begin(const nostr::TimeRange &window);
	void split();
	void compare();
	void compared();
	void compared_half(const std::vector<nostr::Id> &offered);
	void ask_wanted();
	void judge();
	void halve();
	void claim_judged();
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
	std::deque<nostr::TimeRange> windows_; // to compare; the first one is under way
	nostr::TimeRange window_;              // compared now: the first one, or a half of it
	std::vector<nostr::TimeRange> halves_; // of the first one, still to compare once more
	std::optional<nostr::Claim> judged_;   // the claim of the first one, once it was compared
	Step step_ = Step::Window;
	std::string id_;         // id of the comparison at the relay; empty: none is open
	int64_t asked_at_ = 0;   // Unix second in which the window was begun
	Clock::Time since_{};    // when the relay was asked
	Clock::Time progress_{}; // when the relay last showed progress
	size_t bytes_ = 0;       // bytes of the relay's messages
	bool answered_ = false;  // the relay took part in the comparison
	bool in_memory_ = false; // the window counts in ClientHost::comparisons
	nostr::negentropy::RecordSet own_;
	std::optional<nostr::negentropy::Client> comparison_;

	std::vector<nostr::Id> kept_back_; // shown by the relay and left out of `own_`
	std::vector<nostr::Id> needs_;
	std::optional<nostr::TimeRange> named_; // from the oldest to the newest event of its set
	size_t held_ = 0;                       // events that the relay has and had shown us before
	size_t lost_ = 0;                       // events that the relay has shown and no longer has
	size_t withheld_ = 0;                   // needed events that the relay did not serve lately
	IdFetch fetch_;
};

} // namespace net
