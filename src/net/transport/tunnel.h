/*
 * Asks a proxy for a tunnel on a connection that libwebsockets is opening, before libwebsockets
 * treats the connection as open.
 *
 * libwebsockets identifies a connection by its descriptor number, and treats it as open when that
 * descriptor is writable. So during the exchange with the proxy, the number belongs to a descriptor
 * that is never ready, and the socket has another number. Then the socket gets its number back, and
 * libwebsockets finds an open connection to the relay.
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
		/* The last call, from the event loop. The owner may destroy the tunnel. */
		virtual void on_tunnel_open() = 0;
		virtual void on_tunnel_failed(const char *reason, std::string detail) = 0;
	};

	/* `fd`: the socket that libwebsockets connects to the proxy. Throws std::system_error. */
	Tunnel(Reactor &reactor, int fd, ProxyHandshake handshake, Owner &owner);
	/* Closes the socket, unless libwebsockets owns it again. */
	~Tunnel();
	Tunnel(const Tunnel &) = delete;

	/* Whether the proxy has answered. */
	bool answered() const { return handshake_.answered(); }

  private:
	void ready(uint32_t events);
	bool write();
	bool read();
	void hand_over();
	bool fail(const char *reason, std::string detail);

	Reactor &reactor_;
	const int number_; // the number by which libwebsockets knows the connection
	int socket_;
	ProxyHandshake handshake_;
	Owner &owner_;
};

} // namespace net
