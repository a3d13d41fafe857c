/*
 * A relay on 127.0.0.1 that does what a test tells it, well-behaved or not: WebSocket handshake and
 * frames by hand over a plain or TLS socket, one thread per connection.
 */
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "local_server.h"
#include "nostr/event.h"

struct ssl_ctx_st;
struct ssl_st;

namespace test {

/* The relay's end of one connection. Reads and writes throw ConnectionGone when it is over. */
class Peer
{
  public:
	Peer(int fd, ssl_st *ssl) : fd_(fd), ssl_(ssl) {}

	/* The next text message; pings are answered, a close frame ends the connection. */
	std::string receive();
	void text(std::string_view payload) { frame(1, payload); }
	/* One frame: opcode, whether it is the last of its message, whether RSV1 (compressed) is set.
	 */
	void frame(int opcode, std::string_view payload, bool final = true, bool compressed = false);
	/* Only the head of a frame that announces `size` bytes. */
	void head(int opcode, uint64_t size, bool final = true, bool compressed = false);
	void raw(std::string_view bytes);
	/* Reads and discards until the connection is gone. */
	void linger();
	bool answers_pings = true;
	int pings = 0;
	std::function<void()> on_pong;
	int close_code = 0;   // of the close frame that ended the connection; 0: there was none
	bool deflate = false; // permessage-deflate was offered and accepted
	std::string request;  // the HTTP request

  private:
	friend class ScriptedRelay;
	void exactly(char *out, size_t size);
	size_t some(char *out, size_t size);

	int fd_;
	ssl_st *ssl_;
};

class ScriptedRelay
{
  public:
	using Script = std::function<void(Peer &)>;
	struct Options
	{
		std::string http_answer; // instead of the WebSocket handshake
		std::string document;    // the answer to requests that are no such handshakes
		bool at_once = false;    // does not wait for the request before that answer
		bool deflate = false;    // accept permessage-deflate if offered
		std::string headers;     // more of them in the handshake, each with its end of line
		bool ipv6 = false;       // on ::1 instead
		std::string tls_cert;    // PEM file with certificate and key: TLS
	};

	explicit ScriptedRelay(Script script) : ScriptedRelay(std::move(script), Options{}) {}
	ScriptedRelay(Script script, Options options);
	~ScriptedRelay();

	uint16_t port() const { return server_->port(); }
	/* ws://127.0.0.1:PORT or ws://[::1]:PORT; with TLS wss://localhost:PORT */
	std::string url() const;
	int connections() const { return server_->connections(); }

  private:
	void serve(int fd);
	bool shake_hands(Peer &peer);

	Script script_;
	Options options_;
	ssl_ctx_st *tls_ = nullptr;
	std::optional<LocalServer> server_;
};

/* Answers each REQ as told: its subscription and all of the message. */
using Answer = std::function<void(Peer &, const std::string &id, const std::string &message)>;
ScriptedRelay::Script answer_each(Answer answer);
/* Answers REQ as a good relay does, newest first, at most `cap` events a page, until told to close.
 */
ScriptedRelay::Script serve_events(std::vector<nostr::Event> events, int cap);
/* The answer to one message of that; to anything but a REQ: none. */
void serve_one(Peer &peer, const std::vector<nostr::Event> &events, int cap,
			   const std::string &message, bool eose = true);

std::string event_message(std::string_view subscription, const nostr::Event &event);
std::string eose_message(std::string_view subscription);
/* Subscription id of a REQ; "" for other messages. */
std::string req_id(std::string_view message);

} // namespace test
