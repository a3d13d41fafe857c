/*
 * Asks a proxy for a tunnel on a connection that libwebsockets is opening, before libwebsockets
 * knows that it is open.
 *
 * libwebsockets knows a connection by the number of its descriptor, and takes it for open when that
 * can be written to. So while the proxy is spoken to, the number stands for a descriptor that never
 * is ready, and the socket has another number. Then the socket gets its number back, and what
 * libwebsockets finds open is the way to the relay.
 */
#pragma once

#include "net/core/reactor.h"
#include "net/transport/proxy_handshake.h"

namespace net {

class Tunnel
{
  public:
	class Owner
	{
	  public:
		virtual ~Owner() = default;
		/* The last call, from the event loop; the tunnel may be destroyed. */
		virtual void on_tunnel_open() = 0;
		virtual void on_tunnel_failed(const char *reason, std::string detail) = 0;
	};

	/* `fd` is the socket that libwebsockets connects to the proxy. Throws std::system_error. */
	Tunnel(Reactor &reactor, int fd, ProxyHandshake handshake, Owner &owner);
	/* Closes the socket, unless libwebsockets has it. */
	~Tunnel();
	Tunnel(const Tunnel &) = delete;

	/* Has the proxy said anything? */
	bool answered() const { return handshake_.answered(); }

  private:
	void ready(uint32_t events);
	bool write();
	bool read();
	void hand_over();
	bool fail(const char *reason, std::string detail);

	Reactor &reactor_;
	const int number_; // by which libwebsockets knows the connection
	int socket_;
	ProxyHandshake handshake_;
	Owner &owner_;
};

} // namespace net
