/* The worker's end of the link: what ends the process, and how. */
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/core/link.h"
#include "scripted_relay.h"
#include "worker.h"

using namespace test;

TEST(NetLink, EndOfFileEndsTheProcess)
{
	ScriptedRelay relay([](Peer &peer) { peer.linger(); });
	Worker worker;
	worker.task(1, relay.url(), {{0, 5000}}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, wire::RelayPhase::Connected); }));
	EXPECT_EQ(worker.stop(), 0);
}

TEST(NetLink, MalformedFrameEndsTheProcess)
{
	Worker worker;
	ASSERT_TRUE(worker.until([&] { return worker.hello; }));
	ASSERT_EQ(write(worker.fd(), "\x08\0\0\0\0\0\0\0abcdefgh", 16), 16);
	EXPECT_EQ(worker.join(), 1);
}

TEST(NetLink, ImpossibleLengthEndsTheProcess)
{
	Worker worker;
	ASSERT_EQ(write(worker.fd(), "\xff\xff\xff\xff\xff\xff\xff\xff", 8), 8);
	EXPECT_EQ(worker.join(), 1);
}

TEST(NetLink, AnswersToNothingEndTheProcess)
{
	auto expect_end = [](const auto &message) {
		Worker worker;
		worker.send(message);
		EXPECT_EQ(worker.join(), 1);
	};
	expect_end(wire::Known{1, {1}});
	expect_end(wire::Ack{1});
	expect_end(wire::Hello{});
}

TEST(NetLink, StopOfAnUnknownRelayIsNoError)
{
	ScriptedRelay relay(serve_events({}, 10));
	Worker worker;
	worker.send(wire::RelayStop{5, 1});
	worker.task(5, relay.url(), {{0, 10}});
	EXPECT_TRUE(worker.until_ended(5));
}

TEST(NetLink, StopEndsARelayInAnyState)
{
	ScriptedRelay relay([](Peer &peer) { peer.linger(); });
	Worker worker;
	worker.task(1, relay.url(), {{0, 5000}}, true);
	worker.send(wire::RelayStop{1, 1});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "");
	worker.task(2, relay.url(), {{0, 5000}}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(2, wire::RelayPhase::Connected); }));
	worker.send(wire::RelayStop{2, 1});
	ASSERT_TRUE(worker.until_ended(2));
	EXPECT_EQ(worker.ended(2)->reason, "");
	EXPECT_EQ(worker.stats["connections"], 0U);
}

TEST(NetLink, LogLinesAreDroppedRatherThanQueued)
{
	int pair[2];
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	net::Link link(pair[0]);
	for (int i = 0; i < 100000; i++)
		link.log(wire::LogLevel::Debug, 0, std::string(150, 'x'));
	EXPECT_LT(link.queued(), net::Link::kIdleBytes + 4096);
	EXPECT_TRUE(link.flush());
	close(pair[1]);
	EXPECT_FALSE(link.flush());
}
