/*
 * The sockets of all simulated relays, in one thread. Each relay has an address of 127.0.0.0/8 of
 * its own; all have the same port.
 */
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "conversation.h"
#include "ws_server.h"

namespace simulator {

class Server
{
  public:
	/* Throws std::runtime_error if there is no port that is free at all addresses. */
	Server(const Pool &pool, std::vector<std::unique_ptr<Relay>> &relays);

	const std::string &url(size_t relay) const { return urls_[relay]; }
	/* Until standard input ends; gives its lines to `command`. */
	void run(const std::function<void(const std::string &)> &command);
	/* The first pass is over: relays change, see Change. */
	void change();
	uint64_t requests() const { return requests_; }

  private:
	struct Connection
	{
		int fd;
		size_t relay;
		Conversation conversation;
		std::string in = {};
		ws::Reader reader = {};
		bool open = false; // the handshake is done
		bool stalled = false;
		size_t sent = 0;      // bytes of the first item
		int64_t ready_ms = 0; // when the first item may be sent; 0: not looked at
		uint32_t armed = 0;
	};

	bool listen_at(uint16_t port);
	void watch(int fd, uint32_t events, int operation);
	void accept_all(size_t relay);
	bool receive(Connection &connection);
	bool send(Connection &connection);
	void serve(Connection &connection, uint32_t events);
	void close(int fd);
	int wait_ms();

	const Pool &pool_;
	std::vector<std::unique_ptr<Relay>> &relays_;
	std::vector<std::string> urls_;
	int epoll_ = -1;
	std::map<int, size_t> listeners_;
	std::map<int, std::unique_ptr<Connection>> connections_;
	std::multimap<int64_t, int> timers_; // milliseconds, connection
	std::string commands_;
	uint64_t requests_ = 0;
};

} // namespace simulator
