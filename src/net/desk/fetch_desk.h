/* The desk of role fetch: fetches lists of relays and tells the worker the names in these lists. */
#pragma once

#include <memory>
#include <vector>

#include "net/core/link.h"
#include "net/desk/desk.h"
#include "net/job/list_job.h"

namespace net {

class FetchDesk final : public Desk
{
  public:
	FetchDesk(const Transport &transport, Link &link) : link_(link), transport_(transport) {}

	void handle(const wire::Frame &frame) override;
	void tick() override;
	void end_of_turn() override {}
	std::vector<wire::Gauge> gauges() const override;
	bool threads_made() const override { return settled_; }

  private:
	void take(const wire::FetchSettings &settings);
	void take(const wire::Fetch &fetch);

	Link &link_;
	Transport transport_;
	Config config_;
	bool settled_ = false; // the settings have arrived
	std::vector<std::unique_ptr<ListJob>> jobs_;
	int64_t fetches_ = 0; // number of fetches since the start
};

} // namespace net
