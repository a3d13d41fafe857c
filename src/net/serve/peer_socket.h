/*
 * One accepted connection: bytes in, bytes out, and its end. What the peer does not take is queued;
 * the owner bounds the queue by looking at unsent().
 */
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "net/core/clock.h"
#include "net/core/reactor.h"

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
		/* The last call. */
		virtual void on_gone() = 0;
	};

	/* Takes `fd` over, which does not block. */
	PeerSocket(Reactor &reactor, const Clock &clock, Owner &owner, int fd);
	~PeerSocket();
	PeerSocket(const PeerSocket &) = delete;

	void send(std::string bytes);
	/* Bytes that the peer's side has not taken. */
	size_t unsent() const { return unsent_; }
	/* Since when nothing of what is queued was taken; now if nothing is queued. */
	Clock::Time stuck_since() const { return unsent_ > 0 ? last_taken_ : clock_.now(); }
	/* No bytes are read while it is deaf; it still notices that the peer has gone. */
	void be_deaf(bool deaf);
	/* Ends it when everything is sent. */
	void finish();
	/* Ends it at once. */
	void cut();

  private:
	void ready(uint32_t events);
	void read();
	bool write();
	void watch();

	Reactor &reactor_;
	const Clock &clock_;
	Owner &owner_;
	const int fd_;
	std::deque<std::string> queue_;
	size_t sent_ = 0; // bytes of queue_.front() that are sent
	size_t unsent_ = 0;
	Clock::Time last_taken_{};
	uint32_t watched_ = 0;
	bool deaf_ = false;
	bool finishing_ = false;
	bool gone_ = false;
};

} // namespace net
