/* Reads one time range with a pager and reports its claims (docs/development/paging.md). */
#pragma once

#include <list>

#include "net/job/open_question.h"
#include "nostr/filter.h"

namespace net {

/* State that all ranges of one filter share while the connection lasts. */
struct FilterReading
{
	nostr::Conditions conditions;
	std::optional<nostr::Filter> filter; // none: all events match
	nostr::Habits habits;

	bool wants(const nostr::Event &event) const { return !filter || matches(*filter, event); }
};

class PageJob final : private OpenQuestion::Asker
{
  public:
	/* Stops after range.max_pages pages; 0: no limit. */
	PageJob(JobContext &context, FilterReading &filter, const wire::Range &range);
	PageJob(const PageJob &) = delete;

	const std::optional<Result> &result() const { return result_; }
	/* Whether ask() has a question to send now. */
	bool waiting();
	/* Sends the next question. False: the budget has no room for the answer. */
	bool ask();
	void tick();
	/* Cuts off the older half of what is left to read and returns it for a new job. */
	std::optional<wire::Range> split();
	void on_notice(std::string_view text);
	void on_stray() { pager_.doubt(nostr::Doubt::Foreign); }
	/* The relay is still answering. */
	void progress();
	/* Bytes of memory held by events that later answers are compared with. */
	size_t memory() const { return pager_.memory(); }

  private:
	/* Whether the range was read before, and is read again to see whether that was true. */
	static bool is_second(const wire::Range &range)
	{
		return range.purpose == wire::Purpose::Confirm || range.purpose == wire::Purpose::Audit;
	}
	static nostr::Pager::Way way_of(const wire::Range &range);
	nostr::Answer *answer(uint32_t number) override { return pager_.answer(number); }
	bool wants(const nostr::Event &event) const override { return filter_.wants(event); }
	bool judges() const override { return is_second(range_); }
	void on_answered(OpenQuestion &question) override;
	void on_dropped(OpenQuestion &question) override { pager_.drop(question.number()); }
	void on_unanswered(OpenQuestion &question) override;
	void on_closed(OpenQuestion &question, std::string_view reason) override;
	void on_failed(const char *reason, std::string_view detail) override;
	void note_stop();
	void claim(const std::vector<nostr::Claim> &claims);
	void retract(nostr::TimeRange range, nostr::Doubt doubt, int64_t found);
	void complain(std::string_view text);
	void slow_down();
	void advance();
	void finish();
	void end(const char *reason, std::string_view detail);

	JobContext &context_;
	const FilterReading &filter_;
	const wire::Range range_;
	nostr::Pager pager_;
	std::list<OpenQuestion> questions_; // ended questions are removed at the next tick or question
	std::optional<nostr::Pager::Question> next_;
	uint32_t pages_ = 0;
	int64_t asked_at_ = INT64_MAX; // Unix second of the first question
	int64_t events_ = 0;           // number of events that were claimed
	int64_t repeated_ = 0;         // number of repeated events that were accounted
	Clock::Time ticked_{};
	std::optional<Result> result_;
};

} // namespace net
