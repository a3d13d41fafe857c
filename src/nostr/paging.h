/*
 * Paging: how a whole time range is read from a relay that answers REQ with at most some unknown
 * number of events, newest first (NIP-01). Sans I/O: says what to ask, is told what came, says
 * what is proven.
 *
 * The next page asks `until` = the oldest second received, again and not minus one, because
 * the page may have been cut inside that second. A short page proves nothing (relays count hidden
 * events against their cap before they filter them out): only an empty page below ends the range,
 * or the hint "finish" of NIP-67. The whole argument: docs/development/paging.md.
 */
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "evidence.h"
#include "message.h"

namespace nostr {

/*
 * Reads one range, newest page first. Use: while (!done()) { send window(); for each event that
 * passed shape and id checks: on_event(); at EOSE: claims = on_end_of_page(). }
 * A range whose upper bound is open (kOpenEnd) is asked without `until`.
 *
 * Keeps the events of one page, repeats included: a page that grows far beyond the limit is to be
 * ended with on_cut().
 */
class Pager
{
  public:
	static constexpr int64_t kOpenEnd = INT64_MAX;

	Pager(TimeRange range, int limit);

	bool done() const { return done_; }
	/* The window of the page to ask now. `since` only if lower > 0. */
	Window window() const;
	/* False if the event is outside the asked window (then it does not count). */
	bool on_event(const Id &id, int64_t created_at);
	/*
	 * An event of the page was refused: a page of nothing else is not the end. Only for such a page
	 * `created_at`, as far as it can be read, says how far down it reached; it is not trusted
	 * where events say it.
	 */
	void on_refused(std::optional<int64_t> created_at);
	/* The page ended. `finish` is the NIP-67 hint. Returns what this page proved, maybe nothing. */
	std::vector<Claim> on_end_of_page(bool finish);
	/* For the pages to be asked from now on. */
	void set_limit(int limit) { limit_ = limit; }
	/*
	 * We ended the page before the relay did. What came proves something only if it came newest
	 * first: then the relay had shown all down to the oldest second. If it did not, or nothing
	 * came, the pass is over, since the same question would be answered in the same way.
	 */
	std::vector<Claim> on_cut();
	/* Did the page so far come newest first, all of it inside the window, nothing twice in a row?
	 */
	bool in_order() const { return in_order_; }
	/* Forgets what came of the current page: the same window is to be asked again. */
	void drop_page();
	/* Events of the current page so far, repeats and refused ones included: the bound against
	 * floods is the caller's. */
	int page_events() const { return page_events_; }
	/* Bytes of memory held. */
	size_t memory() const { return (page_.capacity() + boundary_.capacity()) * sizeof(Seen); }

  private:
	using Seen = std::pair<int64_t, Id>; // created_at first: sorted means by time

	bool inside(int64_t created_at) const;
	bool may_be_cut() const;
	std::vector<Claim> end_page(bool finish, bool cut);

	TimeRange range_; // what is still to be read
	int limit_;
	bool done_ = false;
	int page_events_ = 0;
	int refused_ = 0; // of the current page
	std::optional<int64_t> oldest_refused_;
	bool refused_in_order_ = true; // the times of refused events did not rise
	std::optional<Seen> last_;     // the last event of the current page
	bool in_order_ = true;
	std::vector<Seen> page_;     // events of the current page, repeats included
	std::vector<Seen> boundary_; // what earlier pages showed of second range_.upper
	size_t largest_page_ = 0;    // size of the largest page of several seconds
};

} // namespace nostr
