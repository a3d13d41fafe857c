/* Reads all ranges that are wanted of a relay over one connection, several at the same time where
 * the relay bears it. */
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>

#include "net/job/page_job.h"
#include "net/job/reconcile_job.h"

namespace net {

class Reading
{
  public:
	Reading(JobContext &context, Link &link, uint32_t attempt)
		: context_(context), link_(link), attempt_(attempt)
	{
	}

	/* The filters that ranges name. */
	void set_filters(const std::vector<wire::Filter> &filters);
	void add(const std::vector<wire::Range> &ranges);
	/* Forgets what was added and is not read yet. Not to be called from within a job. */
	void drop();
	/* Whether everything was read. */
	bool done() const { return all_paged() && !comparison_ && to_compare_.empty(); }
	/* The connection has to be closed. */
	const Result *failure() const;
	/* There is something to be asked now: ask() does it. */
	bool waiting();
	/* False: there is no room for it yet. */
	bool ask();
	void tick();
	void on_notice(std::string_view text);
	void on_late_event(const nostr::Event &event, const std::string &subscription);
	/* The relay ended the connection, or it failed. */
	void on_ended()
	{
		if (comparison_)
			comparison_->on_ended();
	}
	/* What the worker knows of the comparison of sets at work; throws LinkError if there is none.
	 */
	void answered(const wire::Seen &seen);
	void answered(const wire::Wanted &wanted);
	/* Ended ranges make room for the next ones. Not to be called from within a job. */
	void advance();

  private:
	bool all_paged() const { return jobs_.empty() && ranges_.empty(); }
	void start(const wire::Range &range);
	void compare();
	/* Is this for a comparison that was dropped? `last`: no more of that answer will come. */
	bool is_stale(bool last);

	JobContext &context_;
	Link &link_;
	const uint32_t attempt_;
	std::deque<wire::Range> ranges_; // not begun
	std::map<uint32_t, FilterReading> filters_;
	std::list<PageJob> jobs_;
	/* Ranges that are compared, one after the other, when all else is read. */
	std::deque<wire::Range> to_compare_;
	std::optional<ReconcileJob> comparison_;
	int stale_answers_ = 0; // of the worker, still to come, for comparisons that were dropped
};

} // namespace net
