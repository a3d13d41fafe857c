/*
 * One outgoing WebSocket: connects to a numeric address in the name of a host, directly or through
 * a proxy, checks the host's certificate, and joins frames to messages. The class knows nothing of
 * Nostr.
 */
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "net/transport/connection.h"

namespace net {

class WebSocket final : public Connection
{
  public:
	class Handler : public Connection::Handler
	{
	  public:
		/* A complete text message; `text` is valid during the call. */
		virtual void on_message(std::string_view text) = 0;
		/*
		 * A message is larger than allowed. Its bytes, this number of them, would be read and
		 * discarded. False: the connection is closed.
		 */
		virtual bool on_too_large(size_t) { return false; }
		/* A message that was too large was read to its end. */
		virtual void on_skipped() {}
		/* A pong or another sign of life that is not a message. */
		virtual void on_life() = 0;
	};

	/* `opener` is told that the connection is open, or why it failed. */
	WebSocket(Transport &transport, Connection::Handler &opener, size_t max_message_bytes)
		: Connection(transport, opener, nullptr), max_message_(max_message_bytes)
	{
	}
	~WebSocket() override { close(); }

	/* When the last message was written. */
	Clock::Time written_at() const { return written_at_; }

	/* Sets the handler of all later calls. Must be called during on_open(). */
	void handle_by(Handler &handler) { handler_ = messages_ = &handler; }
	void send(std::string text);
	void ping();

	/* Number of messages that the kernel has not taken yet. */
	size_t unsent() const { return unsent_.size(); }
	/* Since when the current message is incomplete, also if it is being skipped; zero if none
	 * is. */
	Clock::Time incomplete_since() const { return incomplete_since_; }
	/* Bytes of the incomplete message. */
	size_t incomplete() const { return accounted_; }
	uint64_t bytes_received() const { return bytes_; }

  private:
	int handle(lws *wsi, lws_callback_reasons reason, std::string_view bytes) override;
	void released() override { drop_buffer(); }
	Fault ended() const override { return {"connection_lost", peer_close_}; }
	void receive(lws *wsi, std::string_view piece);
	int write_one(lws *wsi);
	void skip(lws *wsi, std::string_view piece);
	void keep(std::string_view piece);
	void drop_buffer();
	void account_buffer(size_t bytes);

	Handler *messages_ = nullptr; // set while the connection is open
	const size_t max_message_;    // bytes
	std::string peer_close_;      // code and text of the peer's close frame
	std::deque<std::string> unsent_;
	Clock::Time written_at_{};
	bool ping_due_ = false;
	std::string buffer_;
	size_t accounted_ = 0;  // bytes of buffer_ counted in half_received
	bool skipping_ = false; // the current message is too large
	size_t skippable_ = 0;  // bytes of the message that may be discarded
	Clock::Time incomplete_since_{};
	uint64_t bytes_ = 0;
};

} // namespace net
