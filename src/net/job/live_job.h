/* The subscription to new events. */
#pragma once

#include "net/job/relay_reading.h"

namespace net {

class LiveJob final : public Requests::Handler
{
  public:
	LiveJob(JobContext &context, const RelayReading &reading);

	const std::optional<Result> &result() const { return result_; }
	/* Checks the timeout: a relay may refuse the subscription with a NOTICE, which does not name
	 * the subscription, or with silence. */
	void tick();

  private:
	void on_event(nostr::Event &event, std::string_view text) override;
	void on_refused_event(std::string_view text) override;
	void on_end_of_stored(bool more) override;
	void on_closed(std::string_view reason) override;
	void on_notice(std::string_view text) override;

	JobContext &context_;
	const RelayReading &reading_; // of the filters
	Clock::Time asked_at_;
	bool answered_ = false;
	std::optional<Result> result_;
};

} // namespace net
