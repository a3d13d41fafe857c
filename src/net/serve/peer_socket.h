/*
 * One accepted connection, with or without TLS. Bytes that the peer does not read are queued; the
 * owner limits the queue by checking unsent().
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
	/* The owner must not destroy the socket during a call. */
	class Owner
	{
	  public:
		virtual ~Owner() = default;
		virtual void on_bytes(std::string_view bytes) = 0;
		/* Everything that was queued has been sent. */
		virtual void on_sent() = 0;
		/* The peer has closed its side or both. This is called when it is noticed, and again when
		 * all bytes before it were read (at_end()). */
		virtual void on_half_closed() = 0;
		/* The last call. */
		virtual void on_gone() = 0;
	};

	/* Takes ownership of `fd`, which must be non-blocking, and of `tls`, which is null without
	 * TLS. */
	PeerSocket(Reactor &reactor, const Clock &clock, Owner &owner, int fd, TlsConnection tls);
	~PeerSocket();
	PeerSocket(const PeerSocket &) = delete;

	void send(std::string bytes);
	/* Bytes queued and not yet taken by the kernel. */
	size_t unsent() const { return unsent_; }
	/* Since when none of the queued bytes were taken; the current time if the queue is empty. */
	Clock::Time stuck_since() const { return unsent_ > 0 ? last_taken_ : clock_.now(); }
	/* Whether the TLS handshake is under way. */
	bool in_handshake() const;
	/* Stops or continues reading. A deaf socket still notices that the peer has closed. */
	void be_deaf(bool deaf);
	bool half_closed() const { return half_closed_; }
	/* Whether the peer has closed its side and everything that it sent was read. */
	bool at_end() const { return at_end_; }
	/* Closes the connection after everything was sent. */
	void finish();
	/* Closes the connection at once. */
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
	size_t sent_ = 0; // bytes of queue_.front() that were sent
	size_t unsent_ = 0;
	Clock::Time last_taken_{};
	uint32_t watched_ = 0;
	bool sent_due_ = false; // on_sent() must be called when the queue is empty
	bool deaf_ = false;
	bool half_closed_ = false, at_end_ = false;
	bool tls_wants_write_ = false; // TLS must write before it can read on
	bool tls_broken_ = false;
	bool finishing_ = false;
	bool gone_ = false;
};

} // namespace net
