/*
 * Frames of the link between a worker and its net process: a head of eight bytes (length of the
 * body, type of the message, two zero bytes; little endian), then the body.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace wire {

constexpr size_t kHead = 8;
constexpr size_t kMaxFrame = 16 << 20; // bytes of a body

struct Frame
{
	uint16_t type; // kType of the message
	std::string_view body;
};

/* The type of a complete frame with its head. */
constexpr uint16_t
type_of(std::string_view frame)
{
	return static_cast<uint16_t>(static_cast<uint8_t>(frame[4]) | static_cast<uint8_t>(frame[5])
																	  << 8);
}

/* Splits a byte stream into frames. */
class FrameBuffer
{
  public:
	/* Returns space for at least `size` more bytes. The caller must call filled() after writing. */
	char *reserve(size_t size);
	void filled(size_t size);
	/* The next complete frame, valid until the next call of any method; nothing if there is
	 * none. */
	std::optional<Frame> next();
	/* Whether the peer has sent an impossible head, after which the stream cannot be read. */
	bool broken() const { return broken_; }
	size_t buffered() const { return end_ - begin_; }

  private:
	std::vector<char> bytes_;
	size_t begin_ = 0, end_ = 0;
	bool broken_ = false;
};

} // namespace wire
