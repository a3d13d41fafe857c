/*
 * The rights that the process gives up before it reads the first byte from the network, in two
 * steps.
 *
 * At once: it dies with its parent, gains no privilege, dumps no core, writes no file, is bounded
 * in memory, has no descriptor but the link and those below it, an empty environment, and is the
 * first to go when the machine runs out of memory. After its libraries are initialised (Wall): it
 * can open a handful of files for reading and no other, make only the system calls of its work, and
 * reach no other process.
 */
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace net {

/*
 * `link` is one end of a socketpair whose other end is held by the parent, who made it; all
 * descriptors above `last` are closed. `memory` bounds the address space, in bytes. Throws
 * std::system_error, or std::runtime_error if the parent is gone already.
 */
void enter_sandbox(int link, int last, size_t memory);

/* The files that are read later: the resolver's, and the certificates that are trusted. */
std::vector<std::string> files_to_read(const std::string &ca_file);

class Wall
{
  public:
	enum class Mode
	{
		Require, // raise() throws if the kernel lacks something
		Prefer
	};

	/* Throws std::invalid_argument if `mode` is neither "require" nor "prefer". */
	Wall(std::string_view mode, std::vector<std::string> readable);

	/*
	 * Call it in the only thread, or the one that makes the others. Gives what the kernel lacks,
	 * "" if nothing. Throws std::runtime_error.
	 */
	std::string raise();
	/* No more threads after this. */
	void close_threads();
	/*
	 * Rules hold for a file, not for its name: the name of a file that was replaced since, and
	 * must be read by a new process; "" if there is none.
	 */
	std::string replaced() const;

  private:
	using FileId = std::pair<dev_t, ino_t>;
	static FileId file_id(const std::string &path);

	Mode mode_;
	std::vector<std::string> readable_;
	std::vector<FileId> ids_; // of readable_
	bool filtered_ = false;
};

} // namespace net
