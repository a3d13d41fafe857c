/*
 * Framing of the link between a worker and its net process: a head of eight bytes (length of the
 * body, type of the message, two bytes zero; little endian), then the body.
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

/* The type of a whole frame, with its head. */
constexpr uint16_t
type_of(std::string_view frame)
{
	return static_cast<uint16_t>(static_cast<uint8_t>(frame[4]) | static_cast<uint8_t>(frame[5])
																	  << 8);
}

/* Cuts a byte stream into frames. */
class FrameBuffer
{
  public:
	/* Room for at least `size` more bytes, to read into; then call filled(). */
	char *reserve(size_t size);
	void filled(size_t size);
	/* The next whole frame, valid until the next call of any method; nothing if none is whole. */
	std::optional<Frame> next();
	/* The peer sent an impossible head: the stream has no meaning any more. */
	bool broken() const { return broken_; }
	size_t buffered() const { return end_ - begin_; }

  private:
	std::vector<char> bytes_;
	size_t begin_ = 0, end_ = 0;
	bool broken_ = false;
};

} // namespace wire
