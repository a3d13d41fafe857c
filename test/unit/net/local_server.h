/* A port of the loopback address: each connection to it is served by a thread of its own. */
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace test {

/* A connection is over: what serves it may throw this. */
struct ConnectionGone
{
};

class LocalServer
{
  public:
	/* The descriptor is closed when the function returns. */
	using Serve = std::function<void(int fd)>;

	explicit LocalServer(Serve serve, bool ipv6 = false);
	/* Ends all connections. */
	~LocalServer();
	LocalServer(const LocalServer &) = delete;

	uint16_t port() const { return port_; }
	int connections() const { return connections_; }

  private:
	void accept_all();
	void run(int fd);

	Serve serve_;
	uint16_t port_;
	int listener_;
	std::atomic<int> connections_{0};
	std::mutex mutex_;
	std::vector<std::thread> threads_; // guarded by mutex_
	std::vector<int> open_;            // guarded by mutex_: descriptors that are served
	std::thread acceptor_;
};

/* A port of 127.0.0.1 without a listener. */
uint16_t closed_port();

} // namespace test
