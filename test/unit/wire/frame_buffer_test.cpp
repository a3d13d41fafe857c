#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "wire/messages.h"

using wire::FrameBuffer;

namespace {

std::string
framed(const std::string &body)
{
	std::string frame;
	for (int shift = 0; shift < 64; shift += 8)
		frame += static_cast<char>(body.size() >> shift);
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
			bodies.push_back(std::string(8 + random() % 60 * 8, static_cast<char>('a' + i % 26)));
			stream += framed(bodies.back());
		}
		FrameBuffer buffer;
		std::vector<std::string> got;
		for (size_t at = 0; at < stream.size();) {
			const size_t size = std::min<size_t>(1 + random() % 900, stream.size() - at);
			feed(buffer, std::string_view(stream).substr(at, size));
			at += size;
			while (auto body = buffer.next()) {
				EXPECT_EQ(reinterpret_cast<uintptr_t>(body->data()) % wire::kAlignment, 0u);
				got.emplace_back(*body);
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
	EXPECT_EQ(buffer.next(), "abcdefgh");
	EXPECT_FALSE(buffer.next());
	EXPECT_FALSE(buffer.broken());
}

TEST(FrameBuffer, ImpossibleLengthsBreakIt)
{
	const std::string body(8, 'x');
	for (const uint64_t length : {uint64_t{0}, uint64_t{12}, wire::kMaxFrame + 8, UINT64_MAX}) {
		FrameBuffer buffer;
		feed(buffer, framed(body));
		std::string impossible;
		for (int shift = 0; shift < 64; shift += 8)
			impossible += static_cast<char>(length >> shift);
		feed(buffer, impossible);
		EXPECT_EQ(buffer.next(), body);
		EXPECT_FALSE(buffer.broken());
		EXPECT_FALSE(buffer.next());
		EXPECT_TRUE(buffer.broken());
		feed(buffer, framed(body));
		EXPECT_FALSE(buffer.next());
	}
	FrameBuffer longest;
	feed(longest, framed(std::string(wire::kMaxFrame, 'x')));
	EXPECT_EQ(longest.next().value().size(), wire::kMaxFrame);
}
