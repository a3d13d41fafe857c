/* The desk of role publish: sends the worker's events to relays, listens to relays for events, and
 * posts documents. */
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "net/desk/desk.h"
#include "net/job/listen_job.h"
#include "net/job/post_job.h"
#include "net/job/publish_job.h"

namespace net {

class PublishDesk final : public Desk
{
  public:
	PublishDesk(const Transport &transport, Link &link) : link_(link), host_{transport} {}

	void handle(const wire::Frame &frame) override;
	void tick() override;
	void end_of_turn() override {}
	std::vector<wire::Gauge> gauges() const override;
	bool threads_made() const override { return has_settings_; }

  private:
	void take(const wire::PublishSettings &settings);
	void take(const wire::Publish &task);
	void take(const wire::Listen &task);
	void take(const wire::StopListening &message);
	void take(const wire::SignedIn &answer);
	void take(const wire::Post &task);

	Link &link_;
	ClientHost host_;
	bool has_settings_ = false;
	nostr::Verifier verifier_;
	std::map<int32_t, PublishJob> jobs_; // by relay_id
	std::map<int32_t, ListenJob> listeners_;
	std::vector<std::unique_ptr<PostJob>> posts_;
};

} // namespace net
