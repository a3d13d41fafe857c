/*
 * The handle of a worker's child process: spawn, bytes in and out, end. Knows framing, not meaning.
 * The child may crash, hang or be taken over: everything it says is bounded and checked, and every
 * way out of the worker ends it. One per process at a time.
 */
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/frame.h"

namespace pg {

class NetProcess
{
  public:
	NetProcess() = default;
	~NetProcess() { kill(); }
	NetProcess(const NetProcess &) = delete;

	/* Starts the program; throws pg::Error if the system will not. */
	void spawn(uint64_t memory_limit_bytes);
	/* Ends the child, if there is one, and waits for its end. */
	void kill();
	/* The same for one that has closed its stream: gives it a moment to end by itself and says how.
	 */
	std::string bury();

	bool running() const { return pid_ != 0; }
	pid_t pid() const { return pid_; }
	int socket() const { return socket_; }

	/* False if the child is gone or takes nothing: to be killed. */
	bool queue(std::string_view frame);
	bool flush();
	bool has_output() const { return sent_ < output_.size(); }

	/* Reads what is there, at most 1 MB. False at the end of the stream. */
	bool receive();
	/* The next whole frame received, valid until the next call; nothing if there is none. */
	std::optional<wire::Frame> next_frame() { return input_.next(); }
	bool broken() const { return input_.broken(); }

  private:
	void forget();

	pid_t pid_ = 0;
	int socket_ = -1;
	wire::FrameBuffer input_;
	std::string output_; // from sent_ on still to be sent
	size_t sent_ = 0;
};

} // namespace pg
