/* Reads one time range, page after page, and says what was proven (docs/development/paging.md). */
#pragma once

#include "net/job/job.h"
#include "nostr/paging.h"

namespace net {

class PageJob final : public Requests::Handler
{
  public:
	/* Stops after `max_pages` pages unless that is 0. */
	PageJob(JobContext &context, nostr::TimeRange range, uint32_t max_pages);
	~PageJob() override { give_back(SIZE_MAX); }
	PageJob(const PageJob &) = delete;

	const std::optional<Result> &result() const { return result_; }
	/* The next page is to be asked: ask() does it. */
	bool waiting() const { return !result_ && id_.empty(); }
	/* False: there is no room for it in the budget. */
	bool ask();
	/* Time-outs of the page that is awaited. */
	void tick();
	/* The relay is busy with what was asked before. */
	void on_late_event() { progress_ = context_.client.now(); }

  private:
	void on_event(nostr::Event &event, std::string_view text) override;
	void on_refused_event(std::string_view text) override;
	void on_end_of_stored(bool finish) override;
	void on_closed(std::string_view reason) override;
	void on_notice(std::string_view text) override;
	void pass_on(nostr::Event &event);
	int limit() const;
	void prove(std::vector<nostr::Claim> claims);
	void drop_page();
	void forget_page();
	void complain();
	void stalled(std::string_view detail);
	void give_back(size_t bytes);
	void learn();
	void end(const char *reason, std::string_view detail);

	JobContext &context_;
	nostr::Pager pager_;
	uint32_t pages_left_;
	std::optional<Result> result_;
	std::string id_;                // of the page that is awaited; empty: none is
	int64_t asked_at_ = 0;          // Unix second
	Clock::Time since_{};           // when the page was asked
	Clock::Time progress_{};        // last sign of it
	size_t promised_ = 0;           // room for what the page has not sent yet
	size_t events_ = 0, bytes_ = 0; // of the page so far
	int complaints_ = 0;            // "too fast", since the last page that was answered
	bool slowed_ = false;           // by a notice, since the page was asked
	std::string notice_;            // last complaint or notice since a page was answered
};

} // namespace net
