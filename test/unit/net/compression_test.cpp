/* permessage-deflate (RFC 7692): used as it should be, and as a weapon. */
#include <random>

#include <gtest/gtest.h>
#include <zlib.h>

#include "expect_cut.h"
#include "scripted_relay.h"
#include "worker.h"

using namespace test;

static std::string
deflated(std::string_view text, int flush)
{
	z_stream stream{};
	deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	std::string out(deflateBound(&stream, text.size()) + 64, '\0');
	stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(text.data()));
	stream.avail_in = uInt(text.size());
	stream.next_out = reinterpret_cast<Bytef *>(out.data());
	stream.avail_out = uInt(out.size());
	deflate(&stream, flush);
	out.resize(stream.total_out);
	deflateEnd(&stream);
	if (flush == Z_SYNC_FLUSH)
		out.resize(out.size() - 4); // 00 00 ff ff, as RFC 7692 wants it
	return out;
}

TEST(NetCompression, DeflateBomb)
{
	ScriptedRelay::Options options;
	options.deflate = true;
	std::string bomb = deflated(std::string(100 << 20, ' '), Z_SYNC_FLUSH);
	ASSERT_LT(bomb.size(), 200U << 10);
	expect_cut(
		[&](Peer &peer) {
			ASSERT_TRUE(peer.deflate);
			peer.frame(1, bomb, true, true);
		},
		"frame_too_large", Worker::default_settings(), options);
}

TEST(NetCompression, GarbageInsteadOfDeflate)
{
	ScriptedRelay::Options options;
	options.deflate = true;
	expect_cut([&](Peer &peer) { peer.frame(1, std::string(500, '\xfe'), true, true); },
			   "connection_lost", Worker::default_settings(), options);
}

TEST(NetCompression, DeflateStreamThatEnds)
{
	ScriptedRelay::Options options;
	options.deflate = true;
	std::string ended = deflated(R"(["NOTICE","a"])", Z_FINISH) + std::string(20000, 'x');
	expect_cut(
		[&](Peer &peer) {
			for (int i = 0; i < 10; i++)
				peer.frame(1, ended, true, true);
			peer.frame(8, "");
		},
		"connection_lost", Worker::default_settings(), options);
}

TEST(NetCompression, CompressedEventsOfAllSizes)
{
	std::vector<nostr::Event> events;
	std::mt19937 random(1);
	for (size_t size : {0, 1, 1000, 16000, 16384, 70000, 500000}) {
		std::string content(size, 'a');
		for (char &c : content)
			c = char('a' + random() % 26);
		events.push_back(make_event(1000 + int64_t(size), content));
	}
	ScriptedRelay relay(answer_each([&](Peer &peer, auto &id, auto &) {
							for (const auto &event : events)
								peer.frame(1, deflated(event_message(id, event), Z_SYNC_FLUSH),
										   true, true);
							peer.frame(1, deflated(eose_message(id), Z_SYNC_FLUSH), true, true);
						}),
						{.deflate = true});
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000000}));
	EXPECT_EQ(worker.ended(1)->reason, "");
	ASSERT_EQ(worker.events.size(), events.size());
	for (const auto &event : events)
		EXPECT_EQ(worker.events.at(event.id).content, event.content);
}

TEST(NetCompression, FramesThatAreNotCompressedAmongThoseThatAre)
{
	auto events = make_events(20, 1000, std::string(300, 'z'));
	ScriptedRelay relay(answer_each([&](Peer &peer, auto &id, auto &) {
							for (size_t i = 0; i < events.size(); i++) {
								std::string message = event_message(id, events[i]);
								bool compressed = i % 3 == 0;
								peer.frame(1,
										   compressed ? deflated(message, Z_SYNC_FLUSH) : message,
										   true, compressed);
								peer.frame(i % 2 ? 9 : 10, "alive");
							}
							peer.text(eose_message(id));
						}),
						{.deflate = true});
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "");
	EXPECT_EQ(worker.events.size(), events.size());
}
