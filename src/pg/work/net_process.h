/*
 * A worker's child process: start, bytes in and out, end. This code knows frames, but not their
 * meaning. The child may crash, hang or be taken over, so its messages are bounded and checked. The
 * child ends when the worker ends, for any reason. A worker has one child at a time.
 */
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/frame.h"

namespace pg {

class NetProcess
{
  public:
	NetProcess() = default;
	~NetProcess() { kill(); }
	NetProcess(const NetProcess &) = delete;

	/* Arguments of the program, which cannot change while it runs. */
	struct Arguments
	{
		std::string role;
		uint64_t memory_limit_bytes = 0; // limit of the child's address space
		std::string sandbox;             // "require" or "prefer"
		std::string tls_ca_file;         // the child may read it; "": the system's certificates
		std::vector<std::string> geoip_files; // more files that the child may read
		std::vector<int> descriptors;         // the child gets copies; the caller keeps its own
		bool operator==(const Arguments &) const = default;
	};

	/*
	 * Starts bigbrotr-net from the directory of this module. The child has the link as descriptor
	 * 3, then `descriptors`, and no others. Throws pg::Error if the system refuses.
	 */
	void spawn(Arguments arguments);
	/* Ends the child, if there is one, and reaps it. */
	void kill();
	/* Ends a child that has closed its stream: waits 50 ms for its exit, then ends it. Returns a
	 * description of the exit. */
	std::string wait_for_end();

	pid_t pid() const { return pid_; }
	/* The path of the program that spawn() starts. */
	static std::string program();
	int socket() const { return socket_; } // -1: none
	/* The number of this child, because the next child's socket may have the same descriptor. */
	uint64_t generation() const { return generation_; }

	/* queue() and flush() return false if the child has ended or does not read; then the caller
	 * must end the child. */
	bool queue(std::string_view frame);
	bool flush();
	bool has_output() const { return sent_ < output_.size(); }

	/* Reads the available bytes, at most 1 MB, and returns their number; nothing at the end of the
	 * stream. */
	std::optional<size_t> receive();
	/* The next complete frame, valid until the next call; nothing if there is none. */
	std::optional<wire::Frame> next_frame() { return input_.next(); }
	bool broken() const { return input_.broken(); }

  private:
	void forget();

	pid_t pid_ = 0;
	int socket_ = -1;
	uint64_t generation_ = 0;
	wire::FrameBuffer input_;
	std::string output_; // bytes from sent_ on are still to be sent
	size_t sent_ = 0;
};

} // namespace pg
