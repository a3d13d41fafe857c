/*
 * How a proxy is asked for a tunnel to a host, and what it answers: SOCKS5 (RFC 1928, 1929) or the
 * method CONNECT of HTTP (RFC 9110). Without input, output and clock: bytes go in and out.
 *
 * The name of the relay's host goes to the proxy as it is, and is the user name, too: Tor lets the
 * connections of different users share no circuit.
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
	/* Bytes of the longest answer to CONNECT that is read. */
	static constexpr size_t kMaxAnswer = 8 << 10;

	enum class State : uint8_t
	{
		Talking,
		Open, // the tunnel stands: all further bytes are those of the relay
		Failed
	};

	/* `host` is a name. */
	ProxyHandshake(nostr::ProxyKind kind, std::string_view host, uint16_t port);

	State state() const { return state_; }
	/* To be sent; empty: an answer is awaited. */
	std::string_view unsent() const { return unsent_; }
	void sent(size_t bytes) { unsent_.erase(0, bytes); }
	/* The proxy sent this, or, if it is empty, ended the connection. */
	void received(std::string_view bytes);
	/* Has the proxy said anything? */
	bool answered() const { return answered_; }

	/* Once failed. "proxy_failed": the proxy is to blame, or its setting; "connection_refused": it
	 * says that the relay cannot be reached. */
	const char *reason() const { return reason_; }
	const std::string &detail() const { return detail_; }

  private:
	enum class Step : uint8_t
	{
		Method,   // which of the methods offered is taken
		Password, // is the user accepted
		Reply,    // to the question for a connection
		Head      // of the answer to CONNECT
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
	std::string input_; // not yet read
	const char *reason_ = "";
	std::string detail_;
};

} // namespace net
