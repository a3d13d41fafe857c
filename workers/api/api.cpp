/*
 * The api service: owns the sockets and gives them to its net process, which speaks HTTP. Requests
 * become calls of the net process, which executors answer.
 */
#include <algorithm>
#include <memory>

#include "archive/news.h"
#include "workers/api/calls.h"
#include "workers/api/keys.h"
#include "workers/api/listeners.h"
#include "workers/api/settings.h"
#include "workers/api/tls_files.h"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kCycle = 5s;  // interval of reading keys and of trying failed sockets again
constexpr auto kStart = 10s; // time limit for executors to connect

class Api : public pg::Service
{
  public:
	void start(pg::Worker &worker) override
	{
		started_ = worker.steady_now();
		// Prometheus sees no increase where a counter begins with 1.
		for (const char *counter : {"calls", "calls_failed", "calls_refused"})
			worker.count(counter, 0);
		calls_ = std::make_unique<CallQueue>(routes_, worker);
		follower_ = std::make_unique<archive::Follower>();
		routes_.read(worker);
		keys_.read(worker);
		listen(worker);
	}

	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &delay) override
	{
		listen(worker);
		if (!tls_files_.fault().empty())
			send_certificate(worker);
		std::string before = keys_.frame();
		keys_.read(worker);
		if (keys_.frame() != before)
			worker.send_frame(keys_.frame());
		keys_.write(worker);
		worker.gauge("executors", calls_->ready());
		delay = kCycle;
		return pg::Next::Continue;
	}

	void on_reload(pg::Worker &worker) override
	{
		std::string before = routes_.frame();
		routes_.read(worker);
		if (routes_.frame() != before) {
			worker.send_frame(routes_.frame());
			calls_->end_waiting(worker);
		}
		listen(worker);
		send_certificate(worker);
	}

	bool healthy(pg::Worker &worker) override
	{
		bool is_starting = worker.steady_now() < started_ + kStart;
		return fault().empty() && (calls_->ready() > 0 || is_starting);
	}

	pg::NetSettings net_settings() const override
	{
		wire::ServeSettings message = api_settings.net;
		message.trusted_proxies = api_settings.trusted_proxies;
		message.metrics_networks = api_settings.metrics_networks;
		message.public_urls = api_settings.public_urls;
		message.anonymous_scopes = api_settings.anonymous_scopes;
		message.name = api_settings.name;
		message.description = api_settings.description;
		message.contact = api_settings.contact;
		message.version = BIGBROTR_VERSION;
		const std::string tls = listeners_.tls();
		message.tls = tls;
		return {.frame = wire::encode(message),
				.fixed = std::to_string(listeners_.generation()),
				.descriptors = listeners_.descriptors()};
	}

	void on_net_start(pg::Worker &worker) override
	{
		worker.send_frame(keys_.frame());
		worker.send_frame(routes_.frame());
		send_certificate(worker);
	}

	void on_net_lost(pg::Worker &) override { calls_->forget_all(); }

	void on_message(pg::Worker &worker, const wire::Frame &frame) override
	{
		std::visit([&](const auto &one) { take(worker, one); },
				   pg::net_message<wire::ServeToWorker>(frame));
	}

	Clock::time_point turn(pg::Worker &worker) override
	{
		tell_news(worker);
		return calls_->turn(worker);
	}

  private:
	/* ---- sockets ---- */

	void listen(pg::Worker &worker)
	{
		if (listeners_.follow(api_settings.listen))
			worker.renew_net_settings();
		show_fault(worker);
	}

	void send_certificate(pg::Worker &worker)
	{
		if (worker.net_running())
			tls_files_.send(worker, listeners_.tls().find('1') != std::string::npos);
		show_fault(worker);
	}

	const std::string &fault() const
	{
		return listeners_.fault().empty() ? tls_files_.fault() : listeners_.fault();
	}

	void show_fault(pg::Worker &worker)
	{
		if (fault() == shown_)
			return;
		shown_ = fault();
		worker.show_waiting(shown_);
		if (shown_.empty())
			worker.log(wire::LogLevel::Info, "all sockets of bigbrotr.api_listen are served");
		else
			worker.log(wire::LogLevel::Warning, shown_);
	}

	/* ---- messages of the net process ---- */

	void take(pg::Worker &worker, const wire::CertificateTaken &message)
	{
		tls_files_.taken(message);
		show_fault(worker);
	}
	void take(pg::Worker &, const wire::KeyUses &message) { keys_.take(message); }
	template <class Message> void take(pg::Worker &worker, const Message &message)
	{
		calls_->take(worker, message);
	}

	/* ---- new events ---- */

	void tell_news(pg::Worker &worker)
	{
		std::vector<int64_t> eids;
		const bool complete = follower_->read(eids);
		if (!worker.net_running() || (complete && eids.empty()))
			return;
		wire::NewEvents news{.missed = !complete || eids.size() > wire::kMaxItems};
		if (!news.missed)
			for (int64_t eid : eids)
				news.events.push_back({.eid = eid});
		worker.send(news);
	}

	RouteBook routes_;
	KeyBook keys_;
	std::unique_ptr<CallQueue> calls_;
	std::unique_ptr<archive::Follower> follower_;
	Listeners listeners_;
	TlsFiles tls_files_;
	std::string shown_; // the fault that bigbrotr.services shows
	Clock::time_point started_{};
};

} // namespace

std::unique_ptr<pg::Service>
make_api()
{
	return std::make_unique<Api>();
}
