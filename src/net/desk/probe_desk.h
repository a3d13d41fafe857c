/*
 * The desk of role probe: visits relays and tells the worker the results. A visit waits while too
 * many visits are under way, while its address has no free place, or while the worker has too many
 * results to acknowledge.
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
	/* A batch of results; the worker stores it in one transaction. */
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
	bool settled_ = false;                                        // the settings have arrived
	const size_t most_visits_;                                    // that may be under way
	size_t max_document_ = 0;                                     // bytes
	std::unordered_map<int32_t, std::unique_ptr<ProbeJob>> jobs_; // visits under way, by relay_id
	std::deque<VisitTask> waiting_;
	std::deque<VisitTask> crowded_; // visits that wait for a place at their address
	std::vector<ProbeJob *> finished_;
	Timer beginner_;      // while armed, no visit begins
	Clock::Time began_{}; // start of the last visit
	ResultStream<Found> results_;
	size_t untaken_ = 0; // bytes of results that the worker has not acknowledged
	int64_t visits_ = 0; // number of visits since the start
};

} // namespace net
