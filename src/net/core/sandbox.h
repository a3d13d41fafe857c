/*
 * The rights that the process gives up before it reads the first byte from the network, in two
 * steps.
 *
 * First, enter_sandbox(): the process dies with its parent, gains no privileges, dumps no core,
 * writes no file, has bounded memory, keeps only the link and the descriptors up to `last`, has an
 * empty environment, and is the first that the kernel ends when memory is short. Second, when its
 * libraries are initialised (Wall): the process can open only a few files, for reading, can make
 * only the system calls that it needs, and can reach no other process.
 */
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "wire/link.h"

namespace net {

/*
 * `link`: one end of a socketpair; the parent has created it and holds the other end. Descriptors
 * above `last` are closed. `memory`: limit of the address space, in bytes. Throws
 * std::system_error, or std::runtime_error if the parent has ended.
 */
void enter_sandbox(int link, int last, size_t memory);

/* The files that are read later: those of the resolver, and the trusted certificates. */
std::vector<std::string> files_to_read(const std::string &ca_file);

class Wall
{
  public:
	enum class Mode
	{
		Require, // raise() throws if the kernel lacks a feature
		Prefer
	};

	/* `mode`: "require" or "prefer"; otherwise throws std::invalid_argument. */
	Wall(std::string_view mode, std::vector<std::string> readable);

	/*
	 * Must be called in the only thread, or in the thread that creates the others. `role`: of the
	 * process. Returns the features that the kernel lacks; "": none. Throws std::runtime_error.
	 */
	std::string raise(wire::Role role);
	/* After this call, no thread can be created: by seccomp, and by RLIMIT_NPROC. That limit counts
	 * all processes and threads of the user, so it cannot be set before the threads are there. */
	void close_threads();
	/*
	 * Landlock's rules belong to files, not to their names, and the resolver and TLS read their
	 * files at the start. Returns the name of a file that was replaced by one with other content,
	 * which only a new process can read; "": none.
	 */
	std::string replaced();

  private:
	using FileId = std::pair<dev_t, ino_t>;
	struct Watched
	{
		std::string path;
		FileId id;
		std::optional<size_t> content;
	};
	static FileId file_id(const std::string &path);
	static std::optional<size_t> content_of(const std::string &path);

	Mode mode_;
	std::vector<std::string> readable_;
	std::vector<Watched> watched_; // the files in readable_
	bool filtered_ = false;
};

} // namespace net
