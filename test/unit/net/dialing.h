/* One dialer in an event loop of its own, for tests. */
#pragma once

#include <gtest/gtest.h>

#include "net/transport/dialer.h"
#include "net/transport/web_socket.h"
#include "worker.h"

namespace test {

inline net::Config
test_config()
{
	net::Config config;
	config.allow_local = true;
	config.connect_timeout = config.response_timeout = std::chrono::seconds(20);
	config.max_message_bytes = 2 << 20;
	return config;
}

/* One dialer in an event loop of its own. */
class Dialing final : public net::Dialer::Handler, public net::WebSocket::Handler
{
  public:
	explicit Dialing(const std::string &name_servers = "", net::Config config = test_config())
		: config(std::move(config)), reactor([](const char *) {}),
		  resolver(reactor, clock, name_servers),
		  hosts(reactor, [this](const std::string &line) { warnings.push_back(line); }),
		  transport{reactor, clock, resolver, hosts}, ticker(reactor, [this] { tick(); })
	{
		ticker.arm(std::chrono::microseconds(1));
	}

	/* Dials until it has worked or failed. */
	Dialing &dial(const std::string &url)
	{
		socket.reset();
		reason.clear();
		dialer = std::make_unique<net::Dialer>(transport, config, *this);
		dialer->start(url);
		EXPECT_TRUE(reason.empty()) << "called from within start()";
		run_until([this] { return !dialer; });
		return *this;
	}

	void run_until(const std::function<bool()> &done)
	{
		auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
		while (!done()) {
			ASSERT_LT(std::chrono::steady_clock::now(), deadline);
			lws_service(reactor.context(), 0);
		}
	}

	net::Config config;
	TestClock clock;
	std::vector<std::string> warnings;
	std::string reason, detail;
	net::ConnectFacts facts;
	int messages = 0;
	/* What is left of these times without our delay, at the last one. */
	std::chrono::microseconds left_of_second{0}, left_of_millisecond{0};
	net::Reactor reactor;
	net::Resolver resolver;
	net::ClientHosts hosts;
	net::Transport transport;
	std::unique_ptr<net::Dialer> dialer;
	std::unique_ptr<net::WebSocket> socket;
	net::Timer ticker;

  private:
	void tick()
	{
		ticker.arm(std::chrono::milliseconds(5));
		resolver.tick();
		if (dialer)
			dialer->tick();
	}
	net::Connection &new_connection(net::Connection::Handler &opener) override
	{
		socket = std::make_unique<net::WebSocket>(transport, opener, config.max_message_bytes);
		return *socket;
	}
	void on_connected(const net::ConnectFacts &met) override
	{
		socket->handle_by(*this);
		facts = met;
		dialer.reset();
	}
	void on_failed(const char *why, std::string text, const net::ConnectFacts &met) override
	{
		reason = why;
		detail = std::move(text);
		facts = met;
		dialer.reset();
		socket.reset();
	}
	void on_open() override {}
	void on_message(std::string_view) override
	{
		messages++;
		left_of_second = socket->without_our_delay(std::chrono::seconds(1));
		left_of_millisecond = socket->without_our_delay(std::chrono::milliseconds(1));
	}
	void on_life() override {}
	void on_closed(const char *, std::string) override { socket.reset(); }
};

} // namespace test
