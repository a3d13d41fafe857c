#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "wire/messages.h"

using wire::FrameBuffer;

namespace {

std::string
framed(const std::string &body)
{
	const auto size = static_cast<uint32_t>(body.size());
	std::string frame;
	for (int shift = 0; shift < 32; shift += 8)
		frame += static_cast<char>(size >> shift);
	return frame + body;
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
			bodies.push_back(std::string(1 + random() % 500, static_cast<char>('a' + i % 26)));
			stream += framed(bodies.back());
		}
		FrameBuffer buffer;
		std::vector<std::string> got;
		for (size_t at = 0; at < stream.size();) {
			const size_t size = std::min<size_t>(1 + random() % 900, stream.size() - at);
			feed(buffer, std::string_view(stream).substr(at, size));
			at += size;
			while (auto body = buffer.next())
				got.emplace_back(*body);
		}
		EXPECT_EQ(got, bodies);
		EXPECT_EQ(buffer.buffered(), 0u);
		EXPECT_FALSE(buffer.broken());
	}
}

TEST(FrameBuffer, PartOfAFrameWaits)
{
	FrameBuffer buffer;
	EXPECT_FALSE(buffer.next());
	feed(buffer, {"\5\0\0", 3});
	EXPECT_FALSE(buffer.next());
	feed(buffer, {"\0abcd", 5});
	EXPECT_FALSE(buffer.next());
	EXPECT_EQ(buffer.buffered(), 8u);
	feed(buffer, "e");
	EXPECT_EQ(buffer.next(), "abcde");
	EXPECT_FALSE(buffer.broken());
}

TEST(FrameBuffer, ImpossibleLengthsBreakIt)
{
	FrameBuffer empty;
	feed(empty, framed(""));
	EXPECT_FALSE(empty.next());
	EXPECT_TRUE(empty.broken());

	FrameBuffer huge;
	feed(huge, framed("x"));
	feed(huge, {"\1\0\0\1x", 5});
	EXPECT_EQ(huge.next(), "x");
	EXPECT_FALSE(huge.next());
	EXPECT_TRUE(huge.broken());
	EXPECT_FALSE(huge.next());

	FrameBuffer longest;
	feed(longest, framed(std::string(wire::kMaxFrame, 'x')));
	EXPECT_EQ(longest.next().value().size(), wire::kMaxFrame);
}
