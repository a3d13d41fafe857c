/*
 * The sockets of all relays of the farm, and of its name server, in one thread. Each relay has an
 * address of 127.0.0.0/8 of its own.
 */
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "certificates.h"
#include "kind.h"
#include "name_server.h"
#include "script.h"
#include "ws_server.h"

namespace farm {

class Server
{
  public:
	/* Gives the relays their addresses and URLs. They must not move. `port`: the first of three; 0:
	 * some that are free. Throws std::runtime_error. */
	Server(std::vector<Relay> &relays, const Certificates &certificates, uint16_t port);

	/* "127.0.0.1:PORT" */
	const std::string &name_server() const { return name_server_; }
	/* Until standard input ends; calls `asked` for each of its lines. */
	void run(const std::function<void()> &asked);

  private:
	struct FreeSession
	{
		void operator()(SSL *session) const { SSL_free(session); }
	};
	struct Connection
	{
		int fd = -1;
		Relay *relay = nullptr;
		std::unique_ptr<SSL, FreeSession> tls = {};
		bool told = false;    // what answers the first bytes was sent
		bool open = false;    // as a WebSocket
		std::string in = {};  // without TLS
		std::string out = {}; // with TLS
		ws::Reader reader = {};
		int64_t arrived_us = 0; // the last bytes, by the kernel
		int64_t ready_us = 0;   // the first of the answers; 0: not known yet
		std::vector<Answer> answers = {};
		bool closing = false;
		uint32_t armed = 0; // events
	};

	int listen_at(const std::string &address, uint16_t port, int backlog);
	void listen(uint16_t port);
	void open_name_server();
	void answer_names();
	void watch(int fd, uint64_t id, uint32_t events, int operation) const;
	void accept_all(int listener, bool tls);
	void ready(uint64_t id, uint32_t events);
	bool receive(Connection &connection);
	bool decrypt(Connection &connection, std::string_view bytes);
	void read(Connection &connection);
	void put(Connection &connection, const std::string &bytes);
	void take_answers(uint64_t id, Connection &connection);
	bool send(Connection &connection);
	void close(uint64_t id);
	int wait_ms();

	std::vector<Relay> &relays_;
	const Certificates &certificates_;
	NameServer names_;
	std::string name_server_;
	int epoll_ = -1, plain_ = -1, tls_ = -1, names_fd_ = -1;
	std::unordered_map<uint32_t, Relay *> by_address_;
	std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
	uint64_t last_id_ = 1000;                 // below: other descriptors
	std::multimap<int64_t, uint64_t> timers_; // microseconds, connection
};

} // namespace farm
