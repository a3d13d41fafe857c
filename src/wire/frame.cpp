#include "frame.h"

#include <cstring>

namespace wire {

char *
FrameBuffer::reserve(size_t size)
{
	if (bytes_.size() - end_ < size) {
		if (begin_ > 0)
			memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
		end_ -= begin_;
		begin_ = 0;
		if (bytes_.size() - end_ < size)
			bytes_.resize(end_ + size);
	}
	return bytes_.data() + end_;
}

void
FrameBuffer::filled(size_t size)
{
	end_ += size;
}

std::optional<Frame>
FrameBuffer::next()
{
	if (broken_ || buffered() < kHead)
		return std::nullopt;
	const char *head = bytes_.data() + begin_;
	auto byte = [&](size_t i) { return uint32_t{static_cast<uint8_t>(head[i])}; };
	const uint32_t length = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
	if (length > kMaxFrame || byte(6) != 0 || byte(7) != 0) {
		broken_ = true;
		return std::nullopt;
	}
	if (buffered() - kHead < length)
		return std::nullopt;
	begin_ += kHead + length;
	return Frame{.type = static_cast<uint16_t>(byte(4) | byte(5) << 8),
				 .body = std::string_view(head + kHead, length)};
}

} // namespace wire
