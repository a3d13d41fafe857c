#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "wire/frame.h"

using wire::FrameBuffer;

namespace {

std::string
framed(const std::string &body)
{
	std::string head;
	for (int shift = 0; shift < 32; shift += 8)
		head += static_cast<char>(body.size() >> shift);
	return head + std::string("\x34\x12\0\0", 4) + body;
}

void
feed(FrameBuffer &buffer, std::string_view bytes)
{
	memcpy(buffer.reserve(bytes.size()), bytes.data(), bytes.size());
	buffer.filled(bytes.size());
}

} // namespace

TEST(FrameBuffer, AnyCutsGiveTheSameBodies)
{
	std::mt19937 random(7);
	for (int round = 0; round < 200; round++) {
		std::vector<std::string> bodies;
		std::string stream;
		for (int i = 0; i < 30; i++) {
			bodies.push_back(std::string(random() % 500, static_cast<char>('a' + i % 26)));
			stream += framed(bodies.back());
		}
		FrameBuffer buffer;
		std::vector<std::string> got;
		for (size_t at = 0; at < stream.size();) {
			const size_t size = std::min<size_t>(1 + random() % 900, stream.size() - at);
			feed(buffer, std::string_view(stream).substr(at, size));
			at += size;
			while (auto frame = buffer.next()) {
				EXPECT_EQ(frame->type, 0x1234);
				got.emplace_back(frame->body);
			}
		}
		EXPECT_EQ(got, bodies);
		EXPECT_EQ(buffer.buffered(), 0u);
		EXPECT_FALSE(buffer.broken());
	}
}

TEST(FrameBuffer, PartOfAFrameWaits)
{
	const std::string frame = framed("abcdefgh");
	FrameBuffer buffer;
	for (const char byte : frame) {
		EXPECT_FALSE(buffer.next());
		feed(buffer, {&byte, 1});
	}
	EXPECT_EQ(buffer.buffered(), frame.size());
	EXPECT_EQ(buffer.next().value().body, "abcdefgh");
	EXPECT_FALSE(buffer.next());
	EXPECT_FALSE(buffer.broken());
}

TEST(FrameBuffer, ImpossibleHeadsBreakIt)
{
	const std::string body(8, 'x');
	const std::string_view heads[] = {{"\x01\0\0\x01\x01\0\0\0", 8},     // 16 MiB and one byte
									  {"\xff\xff\xff\xff\x01\0\0\0", 8}, // 4 GiB
									  {"\x08\0\0\0\x01\0\x01\0", 8},
									  {"\x08\0\0\0\x01\0\0\x80", 8}};
	for (const std::string_view head : heads) {
		FrameBuffer buffer;
		feed(buffer, framed(body));
		feed(buffer, head);
		EXPECT_EQ(buffer.next().value().body, body);
		EXPECT_FALSE(buffer.broken());
		EXPECT_FALSE(buffer.next());
		EXPECT_TRUE(buffer.broken());
		feed(buffer, framed(body));
		EXPECT_FALSE(buffer.next());
	}
	FrameBuffer longest;
	feed(longest, framed(std::string(wire::kMaxFrame, 'x')));
	EXPECT_EQ(longest.next().value().body.size(), wire::kMaxFrame);
}
