/* Relays that do what no relay should: cut off with a counted reason, at no cost for others. */
#include <random>

#include <gtest/gtest.h>
#include <zlib.h>

#include "scripted_relay.h"
#include "worker.h"

using namespace test;

/* Runs `script` against one task and expects the session to end with `reason`. */
static void
expect_cut(ScriptedRelay::Script script, const char *reason, wire::Settings settings,
		   ScriptedRelay::Options options = {}, const char *detail = nullptr)
{
	ScriptedRelay relay(
		[&](Peer &peer) {
			peer.receive();
			script(peer);
			peer.linger();
		},
		options);
	Worker worker(settings);
	worker.task(3, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(3)) << reason;
	EXPECT_EQ(worker.ended(3)->reason, reason);
	if (detail) {
		EXPECT_EQ(worker.ended(3)->detail, detail);
	}
	EXPECT_EQ((worker.refusals[{3, reason}]), 1U);
	EXPECT_TRUE(worker.claims.empty());
	/* The process is well: another relay is archived. */
	auto events = make_events(5, 1000);
	ScriptedRelay good(serve_events(events, 10));
	worker.task(4, good.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(4));
	EXPECT_EQ(worker.ended(4)->reason, "");
	EXPECT_EQ(worker.events.size(), 5U);
	EXPECT_EQ(worker.stop(), 0);
}

static void
expect_cut(ScriptedRelay::Script script, const char *reason)
{
	expect_cut(std::move(script), reason, Worker::default_settings());
}

static wire::Settings
impatient()
{
	wire::Settings settings = Worker::default_settings();
	settings.response_timeout_ms = 300;
	return settings;
}

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

TEST(NetHostile, DeflateBomb)
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

TEST(NetHostile, GarbageInsteadOfDeflate)
{
	ScriptedRelay::Options options;
	options.deflate = true;
	expect_cut([&](Peer &peer) { peer.frame(1, std::string(500, '\xfe'), true, true); },
			   "connection_lost", Worker::default_settings(), options);
}

TEST(NetHostile, DeflateStreamThatEnds)
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
	worker.task(1, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_TRUE(worker.events.empty());
}

TEST(NetHostile, ReservedOpcode)
{
	expect_cut([](Peer &peer) { peer.frame(3, "?"); }, "connection_lost");
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

TEST(NetHostile, PageWithoutEnd)
{
	auto event = make_event(1000, "again");
	ScriptedRelay relay([&](Peer &peer) {
		std::string message = event_message(req_id(peer.receive()), event);
		for (;;)
			peer.text(message);
	});
	Worker worker;
	worker.task(1, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "flood");
	EXPECT_EQ(worker.sightings.size(), 1U);
	EXPECT_TRUE(worker.claims.empty());
}

TEST(NetHostile, TheSameLiveEventWithoutEnd)
{
	auto event = make_event(1000, "again");
	ScriptedRelay relay([&](Peer &peer) {
		std::string message = event_message(req_id(peer.receive()), event);
		for (;;)
			peer.text(message);
	});
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
	worker.task(1, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "");
	EXPECT_EQ((worker.refusals[{1, "unexpected_message"}]), 4U);
	EXPECT_EQ(worker.events.size(), 3U);
}

TEST(NetHostile, ManyHugeMessagesThatDoNotEnd)
{
	ScriptedRelay relay([](Peer &peer) {
		peer.receive();
		peer.frame(1, std::string(14 << 20, ' '), false);
		peer.linger();
	});
	wire::Settings settings = Worker::default_settings();
	settings.max_message_bytes = 15 << 20;
	Worker worker(settings);
	for (int32_t id = 1; id <= 5; id++)
		worker.task(id, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until(
		[&] { return !worker.reports.empty() && worker.reports.back().reason != ""; }));
	EXPECT_EQ(worker.reports.back().reason, "assembly_full");
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
	worker.task(1, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(1));
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
	worker.task(1, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(1));
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
	worker.task(1, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(1));
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
	worker.task(1, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "");
	ASSERT_EQ(worker.events.size(), 1U);
	EXPECT_EQ(worker.events.begin()->second.content, event.content);
}

TEST(NetHostile, CompressedEventsOfAllSizes)
{
	std::vector<nostr::Event> events;
	std::mt19937 random(1);
	for (size_t size : {0, 1, 1000, 16000, 16384, 70000, 500000}) {
		std::string content(size, 'a');
		for (char &c : content)
			c = char('a' + random() % 26);
		events.push_back(make_event(1000 + int64_t(size), content));
	}
	ScriptedRelay::Options options;
	options.deflate = true;
	ScriptedRelay relay(
		[&](Peer &peer) {
			for (;;) {
				std::string id = req_id(peer.receive());
				if (id.empty())
					continue;
				for (const auto &event : events)
					peer.frame(1, deflated(event_message(id, event), Z_SYNC_FLUSH), true, true);
				peer.frame(1, deflated(eose_message(id), Z_SYNC_FLUSH), true, true);
			}
		},
		options);
	Worker worker;
	worker.task(1, relay.url(), {{0, 5000000}});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "");
	ASSERT_EQ(worker.events.size(), events.size());
	for (const auto &event : events)
		EXPECT_EQ(worker.events.at(event.id).content, event.content);
}
