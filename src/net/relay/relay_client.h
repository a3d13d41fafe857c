/*
 * One Nostr connection: opens the WebSocket of a URL, reads messages, and gives each message to the
 * handler of its subscription. The client knows nothing of the archive.
 *
 *   Connecting -> Open -> Ended
 */
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/core/config.h"
#include "net/relay/clock_watch.h"
#include "net/relay/heartbeat.h"
#include "net/relay/places.h"
#include "net/relay/requests.h"
#include "net/transport/dialer.h"
#include "net/transport/web_socket.h"

namespace net {

/* State that all connections of the process share. */
struct ClientHost
{
	Transport transport;
	Config config{};
	nostr::MessageParser parser{};
	nostr::RelayMessage message{}; // reused for each message, to keep its memory
	Places places{};
	ClockWatch clocks{};
	int comparisons = 0;   // set comparisons under way; each keeps a set in memory
	uint64_t messages = 0; // number of messages since the start
};

class RelayClient final : public Dialer::Handler, public WebSocket::Handler
{
  public:
	enum class State : uint8_t
	{
		Connecting,
		Open,
		Ended
	};

	/* Receives the events of a connection. The owner must not destroy the client during a call. */
	class Owner
	{
	  public:
		virtual ~Owner() = default;
		virtual void on_open() = 0;
		/* The event came after its subscription was closed. */
		virtual void on_late_event(nostr::Event &event, const std::string &subscription) = 0;
		/* The relay asks for authentication (NIP-42). */
		virtual void on_auth(std::string_view challenge) = 0;
		/* The relay's answer to authenticate(). A refusal is reported only if no other answer is
		 * awaited, because a new challenge may replace an answered one. */
		virtual void on_authenticated(bool accepted, std::string_view text) = 0;
		/* The relay sent OK: its answer to publish(), or an OK that nothing asked for. */
		virtual void on_ok(const nostr::Id &id, bool accepted, std::string_view text) = 0;
		virtual void on_notice(std::string_view text) = 0;
		/* A message was refused, for this reason code. on_refused(): by a fault of the relay.
		 * on_not_taken(): without a fault that counts, because this archive does not accept such
		 * events, or because they belong to no subscription. */
		virtual void on_refused(const char *reason, std::string_view detail) = 0;
		virtual void on_not_taken(const char *reason, std::string_view detail) = 0;
		/* The refused message may have been an answer, but names no subscription of this
		 * connection. */
		virtual void on_stray() {}
		/* Whether this number of bytes of a message that is too large may be read and discarded. */
		virtual bool may_skip(size_t bytes) = 0;
		/* A message came that was not asked for or has no content. */
		virtual void on_ignored() = 0;
		/* A message was handled completely. */
		virtual void on_handled() = 0;
		/* The last call. It does not come after end(). */
		virtual void on_ended(const char *reason, std::string_view detail) = 0;
	};

	RelayClient(ClientHost &host, Owner &owner) : host_(host), owner_(owner) {}
	~RelayClient() override;

	void start(std::string_view url);
	/* Checks timeouts and sends pings; must be called every 100 ms. */
	void tick();
	/* Ends the connection without a callback. `politely`: sends a close frame. */
	void end(bool politely);

	State state() const { return state_; }
	ClientHost &host() { return host_; }
	/* Time to wait before the next connection, because the relay asked for it or its address has no
	 * free place; else zero. */
	std::chrono::seconds retry_after() const { return retry_after_; }
	Clock::Time now() const { return host_.transport.clock.now(); }

	/* Sends REQ. The handler must live until close() or the end of the connection. */
	void ask(const std::string &id, const nostr::Window &window, Requests::Handler &handler)
	{
		ask(id, std::span(&window, 1), handler);
	}
	/* The same for events that one of the windows asks for; all have the same times. */
	void ask(const std::string &id, std::span<const nostr::Window> windows,
			 Requests::Handler &handler);
	/* Sends AUTH; `event` is JSON. */
	void authenticate(const nostr::Id &id, std::string_view event);
	/* Sends EVENT; `event` is JSON. */
	void publish(std::string_view event);
	/* Sends CLOSE and forgets the handler. */
	void close(const std::string &id);
	/* Set reconciliation (NIP-77): these three send NEG-OPEN, NEG-MSG and NEG-CLOSE. `message`: the
	 * bytes before hexadecimal encoding. */
	void open_reconciliation(const std::string &id, const nostr::Window &window,
							 std::string_view message, Requests::Handler &handler);
	void go_on(const std::string &id, std::string_view message);
	void close_reconciliation(const std::string &id);
	std::string new_id(char kind) { return requests_.new_id(kind); }
	/* For handlers: refuse() says that the event is refused, ignore() that it was not asked for. */
	void refuse(const char *reason, std::string_view detail) { owner_.on_refused(reason, detail); }
	void ignore() { owner_.on_ignored(); }

	/* Whether too many of our messages wait because the relay does not read. */
	bool blocked() const;
	/* Size of the message that is only partly received, in bytes. */
	size_t incomplete() const { return socket_ ? socket_->incomplete() : 0; }
	uint64_t bytes_received() const { return socket_ ? socket_->bytes_received() : 0; }

  private:
	bool may_connect(const std::string &place) override;
	Connection &new_connection(Connection::Handler &dialer) override;
	void on_connected(const ConnectFacts &facts) override;
	void on_failed(const char *reason, std::string detail, const ConnectFacts &facts) override;
	/* The dialer calls it; on_connected() does the work. */
	void on_open() override {}
	void on_message(std::string_view text) override;
	bool on_too_large(size_t bytes) override { return owner_.may_skip(bytes); }
	void on_skipped() override;
	void on_life() override;
	void on_closed(const char *reason, std::string detail) override;

	void dispatch(std::string_view text);
	void on_event(std::string_view text);
	void on_end_of_stored();
	void on_subscription_closed();
	void on_neg_message();
	void on_neg_error();
	void on_ok();
	void on_notice();
	void on_unreadable(nostr::Reject reason, std::string_view text);
	void fail(const char *reason, std::string_view detail);

	ClientHost &host_;
	Owner &owner_;
	State state_ = State::Connecting;
	std::optional<Dialer> dialer_; // exists while connecting
	Place place_{host_.places};
	std::string local_address_; // to which the relay's public name led; empty: none
	std::chrono::seconds retry_after_{0};
	std::unique_ptr<WebSocket> socket_;
	Requests requests_;
	std::vector<nostr::Id> authentications_; // ids of AUTH events whose OK is awaited
	Heartbeat heartbeat_;
};

} // namespace net
