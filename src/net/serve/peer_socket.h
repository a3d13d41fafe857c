/*
 * One accepted connection, with TLS or without: bytes in, bytes out, and its end. What the peer
 * does not take is queued; the owner bounds the queue by looking at unsent().
 */
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "net/core/clock.h"
#include "net/core/reactor.h"
#include "net/serve/tls_certificate.h"

namespace net {

class PeerSocket
{
  public:
	/* During a call the owner must not destroy the socket. */
	class Owner
	{
	  public:
		virtual ~Owner() = default;
		virtual void on_bytes(std::string_view bytes) = 0;
		/* Everything that was queued has been sent. */
		virtual void on_sent() = 0;
		/* The peer sends nothing more: it has closed its side, or both. Called when that is
		 * noticed, and again when everything before it has been read (at_end()). */
		virtual void on_half_closed() = 0;
		/* The last call. */
		virtual void on_gone() = 0;
	};

	/* Takes over `fd`, which does not block, and `tls`; null: there is no TLS. */
	PeerSocket(Reactor &reactor, const Clock &clock, Owner &owner, int fd, TlsConnection tls);
	~PeerSocket();
	PeerSocket(const PeerSocket &) = delete;

	void send(std::string bytes);
	/* Bytes that the peer's side has not taken. */
	size_t unsent() const { return unsent_; }
	/* Since when nothing of what is queued was taken; now if nothing is queued. */
	Clock::Time stuck_since() const { return unsent_ > 0 ? last_taken_ : clock_.now(); }
	/* Is it still within the handshake of TLS? */
	bool in_handshake() const;
	/* No bytes are read while it is deaf; it still notices that the peer has closed. */
	void be_deaf(bool deaf);
	bool half_closed() const { return half_closed_; }
	/* Everything that the peer has sent is read, and nothing more will come. */
	bool at_end() const { return at_end_; }
	/* Ends it when everything is sent. */
	void finish();
	/* Ends it at once. */
	void cut();

  private:
	void ready(uint32_t events);
	void read();
	bool write();
	void watch();
	bool has_unread() const;
	ssize_t receive(char *to, size_t size);
	ssize_t transmit(const char *from, size_t size);
	ssize_t tls_result(int result);

	Reactor &reactor_;
	const Clock &clock_;
	Owner &owner_;
	const int fd_;
	const TlsConnection tls_;
	std::deque<std::string> queue_;
	size_t sent_ = 0; // bytes of queue_.front() that are sent
	size_t unsent_ = 0;
	Clock::Time last_taken_{};
	uint32_t watched_ = 0;
	bool sent_due_ = false; // on_sent() is to be called when everything is sent
	bool deaf_ = false;
	bool half_closed_ = false, at_end_ = false;
	bool tls_wants_write_ = false; // to go on with what is read
	bool tls_broken_ = false;
	bool finishing_ = false;
	bool gone_ = false;
};

} // namespace net
