#include "messages.h"

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

std::optional<std::string_view>
FrameBuffer::next()
{
	const auto *at = reinterpret_cast<const uint8_t *>(bytes_.data()) + begin_;
	uint32_t length;
	if (broken_ || buffered() < sizeof length)
		return std::nullopt;
	length = at[0] | at[1] << 8 | at[2] << 16 | static_cast<uint32_t>(at[3]) << 24;
	if (length == 0 || length > kMaxFrame) {
		broken_ = true;
		return std::nullopt;
	}
	if (buffered() - sizeof length < length)
		return std::nullopt;
	begin_ += sizeof length + length;
	return std::string_view(reinterpret_cast<const char *>(at) + sizeof length, length);
}

} // namespace wire
