/*
 * What decoding demands of a verified buffer beyond its shape. Inner part of messages.cpp.
 */
#pragma once

#include <string>
#include <string_view>

namespace wire {

constexpr size_t kMaxReason = 40;
constexpr size_t kMaxDetail = 200;
constexpr size_t kMaxLog = 1000;
constexpr size_t kMaxUrl = 2048;
constexpr size_t kMaxPath = 4096;

/* Thrown while decoding: what is wrong with the body. */
struct Fault
{
	const char *what;
};

inline void
demand(bool held, const char *otherwise)
{
	if (!held)
		throw Fault{otherwise};
}

/* `text` cut to `limit` bytes, everything but printable ASCII as "?". */
std::string made_printable(std::string_view text, size_t limit);

/*
 * Checks the texts of one body. Together they may not be longer than the body: texts that share
 * bytes would make a small buffer cost without bound.
 */
class Texts
{
  public:
	explicit Texts(size_t body) : unread_(body) {}

	std::string_view utf8(std::string_view text, size_t limit);
	std::string_view printable(std::string_view text, size_t limit);
	/* A reason code, or nothing. */
	std::string_view code(std::string_view text);

  private:
	void take(std::string_view text, size_t limit);

	size_t unread_;
};

} // namespace wire
