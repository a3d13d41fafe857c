/*
 * The desk of role probe, which visits relays and tells the worker what it found. Visits wait while
 * there are too many, for their address, or because the worker has not taken what was found before.
 */
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/desk/desk.h"
#include "net/intake/result_stream.h"
#include "net/job/probe_job.h"
#include "net/transport/geo_ip.h"

namespace net {

class ProbeDesk final : public Desk, public ProbeJob::Owner
{
  public:
	/* `geoip_files`: see geo_ip.h. */
	ProbeDesk(const Transport &transport, Link &link, const std::vector<std::string> &geoip_files);

	void handle(const wire::Frame &frame) override;
	void tick() override;
	void end_of_turn() override;
	std::vector<wire::Gauge> gauges() const override;
	bool threads_made() const override { return settled_; }

  private:
	/* One transaction of the worker. */
	struct Found
	{
		std::vector<VisitRecord> visits;
		size_t bytes = 0;

		bool empty() const { return visits.empty(); }
		bool full() const;
	};

	void take(const wire::ProbeSettings &settings);
	void take(const wire::Visit &visit);
	void take(const wire::VisitStop &stop);
	void take(const wire::Ack &ack) { results_.acknowledged(ack.number); }
	void on_visited(ProbeJob &job) override { finished_.push_back(&job); }
	void begin(VisitTask task);
	void collect(ProbeJob &job);
	void begin_waiting();
	void bound_assembly();
	void drop(int32_t relay_id);
	void send(uint64_t number, const Found &found);

	Link &link_;
	ClientHost host_;
	GeoIp geo_ip_;
	bool settled_ = false;                                        // there are settings
	const size_t most_visits_;                                    // under way at a time
	size_t max_document_ = 0;                                     // bytes
	std::unordered_map<int32_t, std::unique_ptr<ProbeJob>> jobs_; // under way, by relay
	std::deque<VisitTask> waiting_;
	std::deque<VisitTask> crowded_; // wait for a place at their address
	std::vector<ProbeJob *> finished_;
	Timer beginner_;      // armed: not yet the next visit
	Clock::Time began_{}; // the last one
	ResultStream<Found> results_;
	size_t untaken_ = 0; // bytes of results that the worker has not acknowledged
	int64_t visits_ = 0; // since start
};

} // namespace net
