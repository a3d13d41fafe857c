/*
 * The link to the worker: sends and receives frames over one non-blocking stream socket. Frames
 * that the kernel has not taken yet are queued here. The senders bound the queue: batches need
 * credit, and questions count as bytes in flight. Frames that may be lost (send_if_idle) are
 * dropped if more than kIdleBytes are queued.
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

	/* Takes ownership of `fd`. */
	explicit Link(int fd);
	~Link();
	Link(const Link &) = delete;

	int fd() const { return fd_; }
	/*
	 * Reads the available bytes, at most about 1 MiB, and passes on each complete frame. False at
	 * end of file. Throws LinkError if the stream is malformed.
	 */
	bool receive(const std::function<void(const wire::Frame &)> &handle);
	template <class Message> void send(const Message &message) { queue(wire::encode(message)); }
	/* For messages that may be lost, such as log lines and gauges. */
	template <class Message> void send_if_idle(const Message &message)
	{
		if (queued_ < kIdleBytes)
			send(message);
	}
	void log(wire::LogLevel level, int32_t relay_id, std::string_view text);
	/* Writes queued bytes. False if the worker has closed the link. */
	bool flush();
	bool wants_write() const { return !queue_.empty(); }
	size_t queued() const { return queued_; }

  private:
	void queue(std::string frame);

	int fd_;
	wire::FrameBuffer input_;
	std::deque<std::string> queue_;
	size_t sent_ = 0;   // bytes of queue_.front() that were written
	size_t queued_ = 0; // bytes in queue_, including those of the first frame that were written
};

} // namespace net
