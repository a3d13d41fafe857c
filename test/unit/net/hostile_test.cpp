/* Relays that do what no relay should: cut off with a counted reason, at no cost for others. */
#include <random>

#include <gtest/gtest.h>

#include "expect_cut.h"
#include "scripted_relay.h"
#include "worker.h"

using namespace test;

static void
expect_cut(ScriptedRelay::Script script, const char *reason)
{
	expect_cut(std::move(script), reason, Worker::default_settings());
}

static wire::ArchiveSettings
impatient()
{
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.response_timeout_ms = 2000;
	return settings;
}

TEST(NetHostile, HugeFrame)
{
	expect_cut(
		[](Peer &peer) {
			peer.head(1, 100 << 20);
			std::string piece(1 << 16, ' ');
			for (;;)
				peer.raw(piece);
		},
		"frame_too_large");
}

TEST(NetHostile, HugeMessageOfSmallFrames)
{
	expect_cut(
		[](Peer &peer) {
			std::string piece(1 << 15, ' ');
			peer.frame(1, piece, false);
			for (;;)
				peer.frame(0, piece, false);
		},
		"frame_too_large");
}

TEST(NetHostile, BinaryFrame)
{
	expect_cut([](Peer &peer) { peer.frame(2, "[]"); }, "binary_frame");
}

TEST(NetHostile, BrokenUtf8)
{
	expect_cut([](Peer &peer) { peer.text("[\"NOTICE\",\"\xc3\x28\"]"); }, "bad_utf8");
}

TEST(NetHostile, DeepNesting)
{
	expect_cut([](Peer &peer) { peer.text(std::string(100000, '[')); }, "too_deep");
}

TEST(NetHostile, MaskedFrameOfAServer)
{
	auto event = make_event(1000, "masked");
	ScriptedRelay relay([&](Peer &peer) {
		peer.receive();
		peer.raw(std::string("\x81\x85\x01\x02\x03\x04hello", 11));
		peer.frame(8, "");
		peer.linger();
	});
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_TRUE(worker.events.empty());
}

TEST(NetHostile, ReservedOpcode)
{
	expect_cut([](Peer &peer) { peer.frame(3, "?"); }, "connection_lost");
}

/* Bytes that begin like a frame more often than chance would have it. */
static std::string
noise(std::mt19937 &random)
{
	std::string bytes;
	for (size_t frames = random() % 20; frames > 0; frames--) {
		bytes += char(random() % 2 ? 0x80 | random() % 16 : random());
		size_t size = random() % 126;
		bytes += char(random() % 4 ? size : random());
		for (size_t i = 0; i < size; i++)
			bytes += char(random() % 8 ? ' ' + random() % 95 : random());
	}
	return bytes;
}

TEST(NetHostile, Noise)
{
	std::mt19937 random(7);
	std::mutex mutex;
	ScriptedRelay::Options options;
	options.deflate = true;
	ScriptedRelay relay(
		[&](Peer &peer) {
			std::string bytes;
			{
				std::lock_guard lock(mutex);
				bytes = noise(random);
			}
			peer.raw(bytes);
			peer.frame(8, "");
			peer.linger();
		},
		options);
	constexpr int32_t relays = 200;
	Worker worker(impatient());
	for (int32_t id = 1; id <= relays; id++)
		worker.task(id, relay.url(), {{0, 5000}}, true);
	for (int32_t id = 1; id <= relays; id++)
		ASSERT_TRUE(worker.until_ended(id)) << id;
	EXPECT_TRUE(worker.events.empty());
	EXPECT_TRUE(worker.claims.empty());
	EXPECT_EQ(worker.stop(), 0);
}

TEST(NetHostile, Silence)
{
	expect_cut([](Peer &) {}, "stalled", impatient());
}

TEST(NetHostile, OnlyANotice)
{
	expect_cut([](Peer &peer) { peer.text(R"(["NOTICE","Subscription rejected: \u0007no"])"); },
			   "stalled", impatient(), {}, "Subscription rejected: ?no");
}

TEST(NetHostile, MessageWithoutEnd)
{
	expect_cut(
		[](Peer &peer) {
			for (int i = 0;; i++) {
				peer.frame(i == 0 ? 1 : 0, " ", false);
				peer.frame(9, "");
				peer.receive();
			}
		},
		"stalled", impatient());
}

TEST(NetHostile, FloodOfNotices)
{
	expect_cut(
		[](Peer &peer) {
			for (;;)
				peer.text(R"(["NOTICE","hello"])");
		},
		"flood");
}

/* Sends one event to its first subscription again and again. */
static void
repeat_event(Peer &peer)
{
	std::string message = event_message(req_id(peer.receive()), make_event(1000, "again"));
	for (;;)
		peer.text(message);
}

TEST(NetHostile, PageWithoutEnd)
{
	ScriptedRelay relay(repeat_event);
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "flood");
	EXPECT_EQ(worker.sightings.size(), 1U);
	EXPECT_TRUE(worker.claims.empty());
}

TEST(NetHostile, TheSameLiveEventWithoutEnd)
{
	ScriptedRelay relay(repeat_event);
	Worker worker;
	worker.task(1, relay.url(), {}, true);
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "flood");
	EXPECT_EQ(worker.events.size(), 1U);
}

TEST(NetHostile, AnswersToWhatWasNeverAsked)
{
	const std::string messages[] = {R"(["COUNT","p1",{"count":3}])", R"(["NEG-MSG","p1","61"])",
									R"(["NEG-ERR","p1","closed: no"])",
									"[\"OK\",\"" + std::string(64, 'a') + "\",true,\"\"]"};
	auto events = make_events(3, 1000);
	ScriptedRelay relay([&](Peer &peer) {
		for (const std::string &message : messages)
			peer.text(message);
		peer.text(R"(["AUTH","challenge"])");
		peer.text(R"(["FUTURE",1,2,3])");
		serve_events(events, 10)(peer);
	});
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "");
	EXPECT_EQ((worker.refusals[{1, "unexpected_message"}]), 2U);
	EXPECT_EQ(worker.events.size(), 3U);
}

TEST(NetHostile, ManyHugeMessagesThatDoNotEnd)
{
	ScriptedRelay relay([](Peer &peer) {
		peer.receive();
		peer.frame(1, std::string(14 << 20, ' '), false);
		peer.linger();
	});
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.max_message_size_kb = 15 << 10;
	Worker worker(settings);
	for (int32_t id = 1; id <= 5; id++)
		worker.task(id, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until(
		[&] { return !worker.reports.empty() && worker.reports.back().reason != ""; }));
	EXPECT_EQ(worker.reports.back().reason, "assembly_full");
}

TEST(NetHostile, ManyEventsOfOneSecondThatAreToBeCompared)
{
	std::vector<nostr::Event> events;
	for (int i = 0; i < 5000; i++)
		events.push_back(make_event(1000, std::to_string(i)));
	ScriptedRelay relay([&](Peer &peer) {
		const std::string id = req_id(peer.receive());
		for (const nostr::Event &event : events)
			peer.text(event_message(id, event));
		peer.linger();
	});
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.paging_kb = 256;
	settings.page_limit = 5000;
	Worker worker(settings);
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "paging_full");
}

TEST(NetHostile, EventsBeyondOurLimitsThatNobodyAskedFor)
{
	auto event = make_event(1000, "true");
	event.tags = R"([["t","a"],["t","b"]])";
	event.id = nostr::compute_id(event);
	ScriptedRelay relay([&](Peer &peer) {
		peer.receive();
		for (;;)
			peer.text(event_message("other", event));
	});
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.max_event_tags = 1;
	Worker worker(settings);
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "flood");
	EXPECT_GE((worker.refusals[{1, "too_many_tags"}]), 1000U);
}

TEST(NetHostile, WrongIds)
{
	auto event = make_event(1000, "true");
	event.content = "false";
	ScriptedRelay relay([&](Peer &peer) {
		std::string message = event_message(req_id(peer.receive()), event);
		for (;;)
			peer.text(message);
	});
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "too_many_invalid");
	EXPECT_EQ((worker.refusals[{1, "id_mismatch"}]), 1000U);
	EXPECT_TRUE(worker.events.empty());
}

TEST(NetHostile, WrongSignaturesWithoutEnd)
{
	ScriptedRelay relay([&](Peer &peer) {
		std::string id = req_id(peer.receive());
		for (int i = 0;; i++) {
			nostr::Event event;
			event.pubkey = make_event(1, "").pubkey;
			event.created_at = 1000;
			event.tags = "[]";
			event.content = std::to_string(i);
			event.id = nostr::compute_id(event);
			peer.text(event_message(id, event));
		}
	});
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "too_many_invalid");
	EXPECT_GE((worker.refusals[{1, "bad_signature"}]), 1000U);
	EXPECT_TRUE(worker.events.empty());
}

TEST(NetHostile, RefusedEventsDoNotMakeAPageEmpty)
{
	auto bad = make_event(1500, "bad");
	bad.content = "changed";
	auto good = make_event(1400, "good");
	/* One event a page: the bad one hides the good one unless paging goes on below it. */
	ScriptedRelay relay(serve_events({bad, good}, 1));
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	for (const auto &claim : worker.claims) {
		if (claim.claim.range.lower <= 1400 && claim.claim.range.upper >= 1400) {
			EXPECT_TRUE(worker.events.count(good.id));
		}
	}
}

TEST(NetHostile, EventInManyFramesWithPingsBetween)
{
	auto event = make_event(1000, std::string(50000, 'y') + "\xf0\x9f\x90\x98");
	ScriptedRelay relay([&](Peer &peer) {
		for (;;) {
			std::string id;
			while (id.empty())
				id = req_id(peer.receive());
			std::string message = event_message(id, event);
			for (size_t at = 0, n = 0; at < message.size(); at += 997, n++) {
				bool last = at + 997 >= message.size();
				peer.frame(n == 0 ? 1 : 0, std::string_view(message).substr(at, 997), last);
				if (n % 7 == 0)
					peer.frame(9, "are you there");
			}
			peer.text(eose_message(id));
		}
	});
	Worker worker;
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "");
	ASSERT_EQ(worker.events.size(), 1U);
	EXPECT_EQ(worker.events.begin()->second.content, event.content);
}
