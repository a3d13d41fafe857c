/*
 * The handle of a worker's child process: spawn, bytes in and out, end. Knows framing, not meaning.
 * The child may crash, hang or be taken over: its messages are bounded and checked. The child ends
 * when the worker ends, for whatever reason. A worker has one child at a time.
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

	/* What the program is started with; it cannot be changed later. */
	struct Arguments
	{
		std::string role;
		uint64_t memory_limit_bytes = 0; // of its address space
		std::string sandbox;             // "require" or "prefer"
		std::string tls_ca_file;         // it may read this file; "": the system's certificates
		std::vector<std::string> geoip_files; // it may read these, too
		std::vector<int> descriptors;         // it has copies of these; they stay ours, too
		bool operator==(const Arguments &) const = default;
	};

	/*
	 * Starts bigbrotr-net, which lies beside this module. It has the link to us as descriptor 3,
	 * then `descriptors`, and no other. Throws pg::Error if the system refuses.
	 */
	void spawn(Arguments arguments);
	/* Ends the child, if there is one, and waits for its end. */
	void kill();
	/* The same for a child that has closed its stream: waits 50 ms for it to exit by itself, and
	 * returns how it ended. */
	std::string wait_for_end();

	pid_t pid() const { return pid_; }
	/* The path of the program that spawn() starts. */
	static std::string program();
	int socket() const { return socket_; } // -1: none
	/* The number of this child: the next one may have a socket with the same number. */
	uint64_t generation() const { return generation_; }

	/* These two return false if the child is gone or does not read: then kill it. */
	bool queue(std::string_view frame);
	bool flush();
	bool has_output() const { return sent_ < output_.size(); }

	/* Reads what is available, at most 1 MB, and returns how many bytes; nothing at the end of the
	 * stream. */
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
