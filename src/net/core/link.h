/*
 * The link to the worker: frames in, frames out, over one non-blocking stream socket. Frames
 * that the kernel has not taken yet are queued here. The senders bound the queue (credit for
 * batches, bytes in flight for questions); frames that may be lost (send_if_idle) are dropped past
 * kIdleBytes.
 */
#pragma once

#include <deque>
#include <functional>
#include <stdexcept>
#include <string>

#include "wire/link.h"

namespace net {

/* The worker sent a message that no worker of this build sends. */
class LinkError : public std::runtime_error
{
	using std::runtime_error::runtime_error;
};

class Link
{
  public:
	static constexpr size_t kIdleBytes = 256 << 10;

	/* Takes `fd` over. */
	explicit Link(int fd);
	~Link();
	Link(const Link &) = delete;

	int fd() const { return fd_; }
	/*
	 * Reads what is there, at most about 1 MiB, and hands over each whole frame. False at end of
	 * file. Throws LinkError if the stream is broken.
	 */
	bool receive(const std::function<void(const wire::Frame &)> &handle);
	template <class Message> void send(const Message &message) { queue(wire::encode(message)); }
	/* For messages that may be lost: log lines and gauges. */
	template <class Message> void send_if_idle(const Message &message)
	{
		if (queued_ < kIdleBytes)
			send(message);
	}
	void log(wire::LogLevel level, int32_t relay_id, std::string_view text);
	/* Writes what is queued. False if the worker is gone. */
	bool flush();
	bool wants_write() const { return !queue_.empty(); }
	size_t queued() const { return queued_; }

  private:
	void queue(std::string frame);

	int fd_;
	wire::FrameBuffer input_;
	std::deque<std::string> queue_;
	size_t sent_ = 0;   // bytes of queue_.front() that are written
	size_t queued_ = 0; // bytes in queue_, with the written ones of the first
};

} // namespace net
