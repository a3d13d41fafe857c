#include "pg/work/net_link.h"

#include <algorithm>

#include "pg/cycle/settings.h"

namespace pg {

using namespace std::chrono_literals;

static constexpr int kMaxLogLines = 100; // a minute; the child may be out of its mind
static constexpr auto kHelloTimeout = 10s;
static constexpr auto kMaxSilence = 30s; // it gives a sign of life every 5 s
static constexpr auto kMaxDelay = 5min;
static constexpr auto kHealthy = 60s; // after that long a failure is the first one again

void
NetLink::start()
{
	started_at_ = worker_.steady_now();
	threads_ = settings::sync_verifier_threads;
	memory_limit_kb_ = settings::net_memory_limit_kb;
	process_.spawn(memory_limit_kb_ * uint64_t{1024});
	phase_ = Phase::Greeting;
	queue(service_.net_settings());
	worker_.gauge("net_pid", process_.pid());
}

/* Ends the child, if it runs. What it was working on is lost; the service is told. */
void
NetLink::stop()
{
	bool was_ready = phase_ == Phase::Ready;
	process_.kill();
	phase_ = Phase::Down;
	overflow_ = false;
	retry_at_ = worker_.steady_now();
	for (const char *gauge : {"net_pid", "net_connections", "net_connecting", "net_rss_bytes"})
		worker_.gauge(gauge, 0);
	if (was_ready)
		service_.on_net_lost(worker_);
}

void
NetLink::give_up(const std::string &reason)
{
	auto now = worker_.steady_now();
	if (now - started_at_ >= kHealthy)
		failures_ = 0;
	auto delay = std::chrono::milliseconds(settings::restart_delay_ms);
	for (int i = 0; i < failures_ && delay < kMaxDelay; i++)
		delay *= 2;
	delay = std::min<std::chrono::milliseconds>(delay, kMaxDelay);
	failures_++;
	stop();
	retry_at_ = now + delay;
	worker_.count("net_restarts", 1);
	worker_.log(failures_ == 1 ? wire::LogLevel::Warning : wire::LogLevel::Debug,
				"net process lost: " + reason +
					"; failures in a row: " + std::to_string(failures_) + ", next start after " +
					std::to_string(delay.count()) + " ms");
}

void
NetLink::tend()
{
	auto now = worker_.steady_now();
	if (phase_ == Phase::Down && now >= retry_at_) {
		try {
			start();
		} catch (const std::exception &error) {
			give_up(error.what());
			return;
		}
	}
	if (phase_ == Phase::Greeting && now - started_at_ >= kHelloTimeout)
		give_up("no greeting within 10 s");
	else if (phase_ != Phase::Down && overflow_)
		give_up("it does not read what it is sent");
	else if (phase_ != Phase::Down && !process_.flush())
		give_up("broken stream");
}

void
NetLink::receive(bool readable, const std::function<bool()> &between)
{
	if (phase_ == Phase::Down)
		return;
	auto now = worker_.steady_now();
	if (readable)
		heard_at_ = now;
	else if (phase_ == Phase::Ready && now - heard_at_ >= kMaxSilence)
		return give_up("no sign of life for 30 s");
	bool open = !readable || process_.receive();
	std::string fault;
	try {
		while (phase_ != Phase::Down && between()) {
			auto frame = process_.next_frame();
			if (!frame)
				break;
			dispatch(*frame);
		}
	} catch (const NetFault &found) {
		fault = found.reason;
	}
	if (phase_ == Phase::Down)
		return;
	if (process_.broken())
		fault = "impossible head of a frame";
	if (!fault.empty()) {
		worker_.count("net_malformed", 1);
		give_up("malformed message: " + fault);
	} else if (!open)
		give_up(process_.bury());
}

void
NetLink::dispatch(const wire::Frame &frame)
{
	if (phase_ != Phase::Ready && frame.type != wire::Hello::kType)
		return give_up("it speaks before its greeting");
	if (!wire::Types<wire::LinkToWorker>::contain(frame.type))
		return service_.on_message(worker_, frame);
	std::string fault;
	auto message = wire::decode<wire::LinkToWorker>(frame, fault);
	if (!message)
		throw NetFault{fault};
	std::visit([this](const auto &one) { take(one); }, *message);
}

void
NetLink::take(const wire::Hello &hello)
{
	if (hello.build != wire::build_id() || hello.pid != process_.pid() ||
		phase_ != Phase::Greeting) {
		give_up("wrong greeting: is the program of the same installation?");
		return;
	}
	phase_ = Phase::Ready;
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
	for (const wire::Gauge &gauge : stats.gauges)
		worker_.gauge(("net_" + std::string(gauge.name)).c_str(), gauge.value);
}

NetLink::Clock::time_point
NetLink::next_deadline() const
{
	if (phase_ == Phase::Down)
		return retry_at_;
	if (phase_ == Phase::Greeting)
		return started_at_ + kHelloTimeout;
	return heard_at_ + kMaxSilence;
}

/* Never gives the child up itself: the service may be in the middle of something. */
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
NetLink::resume()
{
	heard_at_ = worker_.steady_now();
	if (phase_ == Phase::Greeting)
		started_at_ = heard_at_;
}

void
NetLink::reload()
{
	if (phase_ == Phase::Down)
		return;
	if (threads_ != settings::sync_verifier_threads ||
		memory_limit_kb_ != settings::net_memory_limit_kb)
		stop(); // tend() starts the next one
	else
		queue(service_.net_settings());
}

} // namespace pg
