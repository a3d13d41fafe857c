#include "pg/work/net_link.h"

#include "pg/border/error.h"
#include "pg/cycle/back_off.h"
#include "pg/cycle/settings.h"

namespace pg {

using namespace std::chrono_literals;

static constexpr int kMaxLogLines = 100; // per minute, because the child may be compromised
static constexpr size_t kMaxGauges = 32;
static constexpr auto kHelloTimeout = 10s;
static constexpr auto kMaxSilence = 30s; // a child sends Stats at least every 5 s

NetProcess::Arguments
NetLink::arguments(const NetSettings &settings) const
{
	return {.role = std::string(wire::role_name(role_)),
			.memory_limit_bytes = settings::net_memory_limit_kb * uint64_t{1024},
			.sandbox = settings::sandbox == static_cast<int>(settings::Sandbox::Require) ? "require"
																						 : "prefer",
			.tls_ca_file = settings.tls_ca_file,
			.geoip_files = settings.geoip_files,
			.descriptors = settings.descriptors};
}

void
NetLink::start()
{
	NetSettings settings = service_.net_settings();
	started_at_ = worker_.steady_now();
	/* Prometheus sees no increase where a counter begins with 1. */
	for (const char *counter : {"net_restarts", "net_lies", "net_malformed"})
		worker_.count(counter, 0);
	arguments_ = arguments(settings);
	process_.spawn(arguments_);
	phase_ = Phase::Greeting;
	fixed_settings_ = std::move(settings.fixed);
	queue(settings.frame);
	worker_.gauge("net_pid", process_.pid());
}

/* Ends the child if it runs, and tells the service that its tasks are lost. */
void
NetLink::stop()
{
	bool was_ready = phase_ == Phase::Ready;
	process_.kill();
	phase_ = Phase::Down;
	overflow_ = false;
	retry_at_ = worker_.steady_now();
	worker_.gauge("net_pid", 0);
	for (const std::string &gauge : gauges_)
		worker_.gauge(gauge.c_str(), 0);
	if (was_ready)
		service_.on_net_lost(worker_);
}

void
NetLink::give_up(const std::string &reason)
{
	auto now = worker_.steady_now();
	if (now - started_at_ >= kHealthyRun)
		failures_ = 0;
	if (failures_ == 0)
		failing_since_ = now;
	auto delay = back_off(failures_++);
	stop();
	fault_ = "bigbrotr-net: " + reason;
	retry_at_ = now + delay;
	worker_.count("net_restarts", 1);
	worker_.log(failures_ == 1 ? wire::LogLevel::Warning : wire::LogLevel::Debug,
				"the net process is lost: " + reason + "; another one starts after " +
					std::to_string(delay.count()) +
					" ms (failures in a row: " + std::to_string(failures_) + ")");
}

void
NetLink::tend()
{
	if (!service_.needs_net()) {
		if (phase_ != Phase::Down)
			stop();
		fault_.clear();
		return;
	}
	if (phase_ == Phase::Down && worker_.steady_now() >= retry_at_) {
		try {
			start();
		} catch (const std::exception &error) {
			give_up(error.what());
			return;
		}
	}
	if (phase_ == Phase::Down)
		return;
	if (overflow_)
		give_up("it does not read what it is sent");
	else if (!process_.flush())
		give_up("it closed its link");
}

/* The time limit that the child has exceeded; null: none. */
const char *
NetLink::why_late() const
{
	auto now = worker_.steady_now();
	if (phase_ == Phase::Greeting && now - started_at_ >= kHelloTimeout)
		return "it did not greet within 10 s";
	if (phase_ == Phase::Ready && now - heard_at_ >= kMaxSilence)
		return "it sent nothing for 30 s";
	return nullptr;
}

void
NetLink::receive(bool readable, const std::function<bool()> &between)
{
	if (phase_ == Phase::Down)
		return;
	/* The worker may have been busy or paused for a long time. So it reads messages before it
	 * decides that the child was silent, and the time of that work does not count. */
	const char *late = why_late();
	std::optional<size_t> size = 0;
	if (readable || late)
		size = process_.receive();
	if (size && *size > 0) {
		heard_at_ = worker_.steady_now();
		if (phase_ == Phase::Ready)
			late = nullptr;
	}
	try {
		while (phase_ != Phase::Down && between()) {
			auto frame = process_.next_frame();
			if (!frame)
				break;
			dispatch(*frame);
		}
		if (process_.broken())
			throw NetFault{.reason = "impossible head of a frame", .malformed = true};
	} catch (const NetFault &fault) {
		worker_.count(fault.malformed ? "net_malformed" : "net_lies", 1);
		give_up(fault.malformed ? "it sent a malformed message: " + fault.reason : fault.reason);
	}
	if (phase_ == Phase::Down)
		return;
	if (!size)
		give_up(process_.wait_for_end());
	else if (late && why_late())
		give_up(late);
}

void
NetLink::dispatch(const wire::Frame &frame)
{
	if (phase_ != Phase::Ready && frame.type != wire::Hello::kType)
		return give_up("it sent a message before its greeting");
	if (!wire::Types<wire::LinkToWorker>::contain(frame.type))
		return service_.on_message(worker_, frame);
	std::string fault;
	auto message = wire::decode<wire::LinkToWorker>(frame, fault);
	if (!message)
		throw NetFault{.reason = fault, .malformed = true};
	std::visit([this](const auto &one) { take(one); }, *message);
}

void
NetLink::take(const wire::Hello &hello)
{
	if (hello.build != wire::build_id())
		return give_up("the program \"" + process_.program() + "\" is of another build (" +
					   std::string(hello.build) + ") than the server's module (" +
					   std::string(wire::build_id()) +
					   "); after an installation, restart the server");
	if (hello.role != role_ || hello.pid != process_.pid() || phase_ != Phase::Greeting)
		throw NetFault{.reason = "its greeting is not that of this process"};
	phase_ = Phase::Ready;
	fault_.clear();
	heard_at_ = worker_.steady_now();
	service_.on_net_start(worker_);
}

void
NetLink::take(const wire::Log &log)
{
	auto now = worker_.steady_now();
	if (now - log_window_ >= 1min) {
		log_window_ = now;
		log_lines_ = 0;
	}
	if (++log_lines_ > kMaxLogLines) {
		worker_.count("net_log_lines_dropped", 1);
		return;
	}
	std::string text = "net process: ";
	if (log.relay_id > 0)
		text += "relay " + std::to_string(log.relay_id) + ": ";
	text += log.message;
	worker_.log(log.level, text);
}

void
NetLink::take(const wire::Stats &stats)
{
	for (const wire::Gauge &gauge : stats.gauges) {
		std::string name = "net_" + std::string(gauge.name);
		gauges_.insert(name);
		if (gauges_.size() > kMaxGauges)
			throw NetFault{.reason = "it reports more figures than any net process has"};
		worker_.gauge(name.c_str(), gauge.value);
	}
}

NetLink::Clock::time_point
NetLink::next_deadline() const
{
	if (phase_ == Phase::Down)
		return service_.needs_net() ? retry_at_ : Clock::time_point::max();
	if (phase_ == Phase::Greeting)
		return started_at_ + kHelloTimeout;
	return heard_at_ + kMaxSilence;
}

/* Does not end the child here if its queue is full, because a callback of the service may be on
 * the stack. */
void
NetLink::queue(std::string_view frame)
{
	overflow_ |= !process_.queue(frame);
}

void
NetLink::send(std::string_view frame)
{
	if (phase_ == Phase::Ready)
		queue(frame);
}

void
NetLink::reload()
{
	if (phase_ == Phase::Down)
		return;
	NetSettings settings = service_.net_settings();
	if (settings.fixed != fixed_settings_ || arguments(settings) != arguments_)
		stop(); // tend() starts the next one
	else
		queue(settings.frame);
}

} // namespace pg
