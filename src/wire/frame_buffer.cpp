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
	uint64_t length = 0;
	if (broken_ || buffered() < sizeof length)
		return std::nullopt;
	const char *body = bytes_.data() + begin_ + sizeof length;
	for (const char *byte = body; byte != bytes_.data() + begin_;)
		length = length << 8 | static_cast<uint8_t>(*--byte);
	if (length == 0 || length > kMaxFrame || length % kAlignment != 0) {
		broken_ = true;
		return std::nullopt;
	}
	if (buffered() - sizeof length < length)
		return std::nullopt;
	begin_ += sizeof length + length;
	return std::string_view(body, length);
}

} // namespace wire
