/*
 * Asks a proxy for a tunnel to a host and reads its answer, by SOCKS5 (RFC 1928, 1929) or by the
 * HTTP method CONNECT (RFC 9110). The class has no I/O and no clock: it takes and returns bytes.
 *
 * The name of the relay's host is sent unchanged to the proxy, and is also the user name, because
 * Tor uses separate circuits for different users.
 */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nostr/proxy_url.h"

namespace net {

class ProxyHandshake
{
  public:
	/* Size limit of an answer to CONNECT, bytes. */
	static constexpr size_t kMaxAnswer = 8 << 10;

	enum class State : uint8_t
	{
		Talking,
		Open, // the tunnel is open: all further bytes are the relay's
		Failed
	};

	/* `host` is a name, not an address. */
	ProxyHandshake(nostr::ProxyKind kind, std::string_view host, uint16_t port);

	State state() const { return state_; }
	/* The bytes to send; empty while an answer is awaited. */
	std::string_view unsent() const { return unsent_; }
	void sent(size_t bytes) { unsent_.erase(0, bytes); }
	/* Takes bytes from the proxy; empty: the proxy has closed the connection. */
	void received(std::string_view bytes);
	/* Whether the proxy has answered. */
	bool answered() const { return answered_; }

	/* Valid in state Failed. "proxy_failed": the proxy or its setting is at fault;
	 * "overlay_unreachable": the proxy does not reach the relay, or does not reach the network;
	 * "connection_refused": the relay or its descriptor was reached, and refuses. */
	const char *reason() const { return reason_; }
	const std::string &detail() const { return detail_; }

  private:
	enum class Step : uint8_t
	{
		Method,   // awaits which method the proxy chose
		Password, // awaits if the user was accepted
		Reply,    // awaits the reply to the request for a connection
		Head      // awaits the head of the answer to CONNECT
	};

	void read_method();
	void read_password();
	void read_reply();
	void read_head();
	void ask_for_connection();
	void fail(const char *reason, std::string detail);

	const std::string host_;
	const uint16_t port_;
	Step step_;
	State state_ = State::Talking;
	bool answered_ = false;
	std::string unsent_;
	std::string input_; // bytes not processed yet
	const char *reason_ = "";
	std::string detail_;
};

} // namespace net
