#include "net/desk/probe_desk.h"

#include <algorithm>

#include <sys/resource.h>

namespace net {

/* Largest number of visits under way, if there are enough file descriptors. A visit needs two: for
 * two connections, or for a name server by UDP and then by TCP. Without a free descriptor a relay
 * would look unreachable. */
constexpr size_t kMaxVisits = 4096;
constexpr size_t kDescriptorsOfVisit = 2;
constexpr size_t kOtherDescriptors = 100;
/* Limit for the bytes of results that the worker has not acknowledged. Above it, no visit
 * begins. */
constexpr size_t kMaxUntaken = 64 << 20;
/* Limits of one batch. */
constexpr size_t kMaxBatchVisits = 500;
constexpr size_t kMaxBatchBytes = 4 << 20;
/* Time between the beginnings of two visits. If many visits began at once, this process would delay
 * their answers, and the measured times would be too long. If the process got no CPU for a longer
 * time, several visits begin at once. */
constexpr std::chrono::microseconds kBetweenBegins{1000};
constexpr int64_t kMaxBegins = 20;
/* Visits that try again for a place at their address in each tick of 100 ms. */
constexpr size_t kMaxRetries = 200;
/* Limit of one message in bytes; a larger message is read and discarded. */
constexpr size_t kMaxMessage = 128 << 10;
/* Limit for the bytes in half-received messages of all visits. Above it, the visit with the largest
 * message ends. */
constexpr size_t kMaxAssembly = 64 << 20;

static size_t
most_visits()
{
	rlimit limit{};
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= kOtherDescriptors)
		return 1;
	return std::clamp<size_t>((limit.rlim_cur - kOtherDescriptors) / kDescriptorsOfVisit, 1,
							  kMaxVisits);
}

bool
ProbeDesk::Found::full() const
{
	return visits.size() >= kMaxBatchVisits || bytes >= kMaxBatchBytes;
}

ProbeDesk::ProbeDesk(const Transport &transport, Link &link,
					 const std::vector<std::string> &geoip_files)
	: link_(link), host_{transport}, geo_ip_(geoip_files), most_visits_(most_visits()),
	  beginner_(transport.reactor, [this] { begin_waiting(); }),
	  results_(
		  transport.reactor, [this](uint64_t number, Found &found) { send(number, found); },
		  [this](Found &found) { untaken_ -= found.bytes; })
{
}

void
ProbeDesk::handle(const wire::Frame &frame)
{
	std::visit([this](const auto &message) { take(message); },
			   desk_message<wire::ProbeToNet, wire::ProbeSettings>(frame, settled_));
}

void
ProbeDesk::take(const wire::ProbeSettings &settings)
{
	Config &config = host_.config;
	config = {};
	set_dialling(config, settings.dial);
	config.response_timeout = std::chrono::milliseconds(settings.response_timeout_ms);
	config.max_per_address = settings.max_per_address;
	config.max_message_bytes = kMaxMessage;
	max_document_ = size_t(settings.max_document_size_kb) * 1024;
	settled_ = true;
}

void
ProbeDesk::take(const wire::Visit &visit)
{
	drop(visit.relay_id);
	waiting_.push_back({.relay_id = visit.relay_id,
						.attempt = visit.attempt,
						.url = std::string(visit.url),
						.try_nips = visit.try_nips,
						.event = std::string(visit.event)});
}

void
ProbeDesk::take(const wire::VisitStop &stop)
{
	auto meant = [&](const VisitTask &task) {
		return task.relay_id == stop.relay_id && task.attempt == stop.attempt;
	};
	std::erase_if(waiting_, meant);
	std::erase_if(crowded_, meant);
	auto found = jobs_.find(stop.relay_id);
	if (found != jobs_.end() && meant(found->second->task()))
		drop(stop.relay_id);
}

void
ProbeDesk::drop(int32_t relay_id)
{
	auto found = jobs_.find(relay_id);
	if (found == jobs_.end())
		return;
	std::erase(finished_, found->second.get());
	jobs_.erase(found);
}

void
ProbeDesk::begin(VisitTask task)
{
	const int32_t relay_id = task.relay_id;
	auto job = std::make_unique<ProbeJob>(host_, *this, max_document_, std::move(task));
	ProbeJob &started = *job;
	jobs_[relay_id] = std::move(job);
	started.start();
}

void
ProbeDesk::begin_waiting()
{
	if (beginner_.armed())
		return;
	const Clock::Time now = host_.transport.clock.now();
	int64_t left = std::clamp<int64_t>((now - began_) / kBetweenBegins, 1, kMaxBegins);
	for (; left > 0 && !waiting_.empty() && jobs_.size() < most_visits_ && untaken_ < kMaxUntaken;
		 left--) {
		began_ = now;
		beginner_.arm(kBetweenBegins);
		VisitTask task = std::move(waiting_.front());
		waiting_.pop_front();
		begin(std::move(task));
	}
}

void
ProbeDesk::tick()
{
	for (const std::string &line : geo_ip_.take_faults())
		link_.log(wire::LogLevel::Warning, 0, line);
	for (auto &[relay_id, job] : jobs_)
		job->tick();
	bound_assembly();
	/* Visits that have waited longest come first. */
	const size_t retries = std::min(crowded_.size(), kMaxRetries);
	for (size_t i = retries; i > 0; i--)
		waiting_.push_front(std::move(crowded_[i - 1]));
	crowded_.erase(crowded_.begin(), crowded_.begin() + int64_t(retries));
}

void
ProbeDesk::bound_assembly()
{
	if (host_.transport.half_received <= kMaxAssembly)
		return;
	std::ranges::max_element(jobs_, {}, [](const auto &one) {
		return one.second->incomplete();
	})->second->give_up_message();
}

void
ProbeDesk::end_of_turn()
{
	for (ProbeJob *job : finished_)
		collect(*job);
	finished_.clear();
	begin_waiting();
}

void
ProbeDesk::collect(ProbeJob &job)
{
	const int32_t relay_id = job.task().relay_id;
	if (job.crowded()) {
		crowded_.push_back(job.task());
	} else {
		visits_++;
		job.record().location = geo_ip_.find(job.record().address);
		Found &found = results_.open();
		found.visits.push_back(std::move(job.record()));
		found.bytes += found.visits.back().bytes();
		untaken_ += found.visits.back().bytes();
		results_.added();
	}
	jobs_.erase(relay_id);
}

void
ProbeDesk::send(uint64_t number, const Found &found)
{
	wire::VisitBatch batch{.number = number};
	for (const VisitRecord &visit : found.visits)
		batch.visits.push_back(visit.message());
	link_.send(batch);
}

std::vector<wire::Gauge>
ProbeDesk::gauges() const
{
	return {{"visits_under_way", int64_t(jobs_.size())},
			{"visits_waiting", int64_t(waiting_.size() + crowded_.size())},
			{"visits", visits_}};
}

} // namespace net
