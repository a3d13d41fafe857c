/*
 * The handle of a worker's child process: spawn, bytes in and out, end. Knows framing, not meaning.
 * The child may crash, hang or be taken over: everything it says is bounded and checked, and
 * however the worker ends, the child ends too. A worker has one child at a time.
 */
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
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

	/* What the program is started with; it cannot be changed later. */
	struct Arguments
	{
		std::string role;
		uint64_t memory_limit_bytes = 0; // of its address space
		std::string sandbox;             // "require" or "prefer"
		std::string tls_ca_file;         // it may read this file; "": the system's certificates
		bool operator==(const Arguments &) const = default;
	};

	/*
	 * Starts bigbrotr-net, which lies beside this module. It has the link to us as descriptor 3,
	 * then `descriptors`, which stay ours too, and no other. Throws pg::Error if the system
	 * refuses.
	 */
	void spawn(Arguments arguments, std::span<const int> descriptors = {});
	/* Ends the child, if there is one, and waits for its end. */
	void kill();
	/* The same for one that has closed its stream: gives it a moment to end by itself and says how.
	 */
	std::string bury();

	pid_t pid() const { return pid_; }
	/* The path of the program that spawn() starts. */
	static std::string program();
	int socket() const { return socket_; } // -1: none
	/* Which child this is: the next one may well have the same socket number. */
	uint64_t generation() const { return generation_; }

	/* False if the child is gone or takes nothing: to be killed. */
	bool queue(std::string_view frame);
	bool flush();
	bool has_output() const { return sent_ < output_.size(); }

	/* Reads what is there, at most 1 MB: how many bytes. Nothing at the end of the stream. */
	std::optional<size_t> receive();
	/* The next whole frame received, valid until the next call; nothing if there is none. */
	std::optional<wire::Frame> next_frame() { return input_.next(); }
	bool broken() const { return input_.broken(); }

  private:
	void forget();

	pid_t pid_ = 0;
	int socket_ = -1;
	uint64_t generation_ = 0;
	wire::FrameBuffer input_;
	std::string output_; // from sent_ on still to be sent
	size_t sent_ = 0;
};

} // namespace pg
