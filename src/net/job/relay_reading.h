/* Reads all wanted ranges of a relay over one connection; several ranges at the same time if the
 * relay tolerates it. */
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>

#include "net/job/page_job.h"
#include "net/job/reconcile_job.h"

namespace net {

class RelayReading
{
  public:
	RelayReading(JobContext &context, Link &link, uint32_t attempt)
		: context_(context), link_(link), attempt_(attempt)
	{
	}

	/* Sets the filters that ranges refer to by their ids. */
	void set_filters(const std::vector<wire::SyncFilter> &filters);
	/* The windows of the subscription to new events, one for each filter, or one for all events if
	 * there is no filter. Each also asks for the newest stored event. */
	std::vector<nostr::Window> live_windows() const;
	/* Whether the event matches one of the filters, if there are any. */
	bool wants(const nostr::Event &event) const;
	void add(const std::vector<wire::Range> &ranges);
	/* Drops all ranges that are not completely read. Must not be called from within a job. */
	void drop();
	/* Whether all ranges were read. */
	bool done() const { return all_paged() && !comparison_ && to_compare_.empty(); }
	/* The failure of a job, after which the connection must be closed; null: none. */
	const Result *failure() const;
	/* Whether ask() has a question to send now. */
	bool waiting();
	/* Sends the next question. False: the budget has no room for the answer yet. */
	bool ask();
	void tick();
	/* Bytes of memory held by events that later answers are compared with. */
	size_t memory() const
	{
		size_t bytes = 0;
		for (const PageJob &job : jobs_)
			bytes += job.memory();
		return bytes;
	}
	void on_notice(std::string_view text);
	/* A message came that may be an answer and names no open question, so the answer to any of them
	 * may be incomplete. */
	void on_stray();
	void on_late_event(const nostr::Event &event, const std::string &subscription);
	/* The connection has ended, by the relay or by a failure. */
	void on_ended()
	{
		if (comparison_)
			comparison_->on_ended();
	}
	/* The worker's answer to the comparison that is under way. Throws LinkError if there is no
	 * comparison. */
	void answered(const wire::SeenAnswer &seen);
	void answered(const wire::Wanted &wanted);
	/* Removes ended ranges and begins the next ones. Must not be called from within a job. */
	void advance();

  private:
	bool all_paged() const { return jobs_.empty() && ranges_.empty(); }
	void start(const wire::Range &range);
	void compare();
	/* Whether the answer is for a comparison that was dropped. `last`: the answer is complete. */
	bool is_stale(bool last);

	JobContext &context_;
	Link &link_;
	const uint32_t attempt_;
	std::deque<wire::Range> ranges_; // ranges that have not begun
	std::map<uint32_t, FilterReading> filters_;
	bool limited_ = false; // only what matches a filter is read
	std::list<PageJob> jobs_;
	/* Ranges to compare one after the other, once all others are read. */
	std::deque<wire::Range> to_compare_;
	std::optional<ReconcileJob> comparison_;
	int stale_answers_ = 0; // answers still to come for comparisons that were dropped
};

} // namespace net
