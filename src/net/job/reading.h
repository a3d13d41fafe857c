/* Reads all ranges that are wanted of a relay over one connection, several at the same time where
 * the relay bears it. */
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>

#include "net/job/page_job.h"

namespace net {

class Reading
{
  public:
	explicit Reading(JobContext &context) : context_(context) {}

	/* The filters that ranges name. */
	void set_filters(const std::vector<wire::Filter> &filters);
	void add(const std::vector<wire::Range> &ranges);
	/* Nothing is left to be read. */
	bool done() const { return jobs_.empty() && ranges_.empty(); }
	/* The connection is of no more use. */
	const Result *failure() const;
	/* There is something to be asked now: ask() does it. */
	bool waiting();
	/* False: there is no room for it yet. */
	bool ask();
	void tick();
	void on_notice(std::string_view text);
	void on_late_event(const nostr::Event &event, const std::string &subscription);
	/* Ended ranges make room for the next ones. Not to be called from within a job. */
	void advance();

  private:
	void start(const wire::Range &range);

	JobContext &context_;
	std::deque<wire::Range> ranges_; // not begun
	std::map<uint32_t, FilterReading> filters_;
	std::list<PageJob> jobs_;
};

} // namespace net
