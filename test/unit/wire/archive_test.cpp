#include <cstring>
#include <random>
#include <stdexcept>

#include <gtest/gtest.h>

#include "messages.h"
#include "wire/archive.h"

using namespace wire;

namespace {

using Any = std::variant<Hello, Log, Stats, Ack, ArchiveSettings, RelayOpen, RelayMore, RelayStop,
						 Known, Forget, KnownQuestion, SignIn, SignedIn, Batch>;

template <class T>
T
through(const std::string &bytes)
{
	return read_back<Any, T>(bytes);
}

template <class T>
std::string
fault_of(const T &message)
{
	return fault_in<Any>(message);
}

const auto kId = bytes<nostr::Id>(1);
const auto kKey = bytes<nostr::PublicKey>(50);
const auto kSig = bytes<nostr::Signature>(100);

DeliveredEvent
event(std::string_view tags, std::string_view content)
{
	return {&kId, &kKey, &kSig, 1700000000, 1, tags, content, false};
}

const nostr::Claim kClaim{.range = {0, INT64_MAX},
						  .evidence = nostr::Evidence::Reconciled,
						  .doubts = nostr::Doubts(nostr::Doubts::kAll),
						  .events = 5,
						  .refused = 2};
const nostr::Retract kRetract{.range = {7, 9}, .doubt = nostr::Doubt::Unencrypted, .found = 3};

Batch
full_batch()
{
	Batch batch;
	batch.number = 7;
	batch.events.push_back(event("[[\"t\",\"x\"]]", "gr\xc3\xbc\xc3\x9f"));
	batch.events.push_back({&kId, &kKey, &kSig, INT64_MAX, 65535, "[]", {"\0", 1}, true});
	batch.sightings.push_back({{&kId, 1700000000, 30023}, 3, 1700000001, true});
	batch.sightings.push_back({{&kId, INT64_MAX, 65535}, INT32_MAX, 0});
	batch.refusals.push_back({3, "id_mismatch", 12, "id 00ff"});
	batch.traffic.push_back({3, 1ull << 40, 99, 4, 5, 6, 7});
	batch.claims.push_back({.relay_id = 3,
							.filter_id = 9,
							.reader = ReadAs::SignedIn,
							.purpose = Purpose::Audit,
							.claim = kClaim});
	batch.retracts.push_back({.relay_id = 3, .filter_id = 9, .retract = kRetract});
	batch.reports.push_back({3, 2, RelayPhase::Ended, "timeout", "no answer", 1500, 250, 40});
	return batch;
}

} // namespace

TEST(Messages, WorkerToNet)
{
	ArchiveSettings settings;
	settings.dial.allow_local_relays = true;
	settings.buffer_kb = INT32_MAX;
	settings.politeness = Politeness::Sweep;
	settings.dial.user_agent = "agent";
	settings.dial.tls_ca_file = "/a/\xc3\xa4.pem";
	const std::string settings_frame = encode(settings);
	const auto s = through<ArchiveSettings>(settings_frame);
	EXPECT_TRUE(s.dial.allow_local_relays);
	EXPECT_EQ(s.page_limit, 500);
	EXPECT_EQ(s.buffer_kb, INT32_MAX);
	EXPECT_EQ(s.politeness, Politeness::Sweep);
	EXPECT_EQ(s.dial.user_agent, "agent");
	EXPECT_EQ(s.dial.tls_ca_file, "/a/\xc3\xa4.pem");

	const std::string open_frame = encode(RelayOpen{.relay_id = 5,
													.attempt = 7,
													.url = "wss://relay.example.com",
													.page_limit = 250,
													.pace_ms = 40,
													.live = true,
													.sign_in = true,
													.ranges = {{10, 20},
															   {.lower = 30,
																.upper = INT64_MAX,
																.max_pages = 3,
																.filter_id = 4,
																.purpose = Purpose::Confirm,
																.expected = 12}},
													.filters = {{4, R"({"kinds":[1]})"}}});
	const auto open = through<RelayOpen>(open_frame);
	EXPECT_EQ(open.relay_id, 5);
	EXPECT_EQ(open.attempt, 7u);
	EXPECT_EQ(open.url, "wss://relay.example.com");
	EXPECT_EQ(open.page_limit, 250u);
	EXPECT_EQ(open.pace_ms, 40u);
	EXPECT_TRUE(open.live);
	ASSERT_EQ(open.ranges.size(), 2u);
	EXPECT_EQ(open.ranges[1].lower, 30);
	EXPECT_EQ(open.ranges[1].upper, INT64_MAX);
	EXPECT_EQ(open.ranges[1].max_pages, 3u);
	EXPECT_EQ(open.ranges[1].filter_id, 4u);
	EXPECT_EQ(open.ranges[1].purpose, Purpose::Confirm);
	EXPECT_EQ(open.ranges[1].expected, 12u);
	ASSERT_EQ(open.filters.size(), 1u);
	EXPECT_EQ(open.filters[0].filter_id, 4u);
	EXPECT_EQ(open.filters[0].json, R"({"kinds":[1]})");

	EXPECT_TRUE(open.sign_in);

	const std::string more_frame = encode(
		RelayMore{.relay_id = 5, .attempt = 7, .ranges = {{1, 2}}, .reader = ReadAs::SignedIn});
	EXPECT_EQ(through<RelayMore>(more_frame).ranges.at(0).upper, 2);
	EXPECT_EQ(through<RelayMore>(more_frame).reader, ReadAs::SignedIn);
	EXPECT_EQ(through<RelayStop>(encode(RelayStop{8, 9})).attempt, 9u);
	EXPECT_EQ(through<Ack>(encode(Ack{UINT64_MAX})).number, UINT64_MAX);
	const auto known = through<Known>(encode(Known{4, {0, 1, 1}}));
	EXPECT_EQ(known.question, 4u);
	EXPECT_EQ(known.known, (std::vector<uint8_t>{0, 1, 1}));
	const std::string forget_frame = encode(Forget{{&kId, 1}});
	EXPECT_EQ(through<Forget>(forget_frame).ids[0], kId);
}

TEST(Messages, NetToWorker)
{
	const std::string hello_frame = encode(Hello{Role::Sync, build_id(), 4711});
	const auto hello = through<Hello>(hello_frame);
	EXPECT_EQ(hello.build, build_id());
	EXPECT_EQ(hello.pid, 4711);

	const nostr::Id other = bytes<nostr::Id>(9);
	const std::string question_frame =
		encode(KnownQuestion{11, {{&kId, 1700000000, 1}, {&other, INT64_MAX, 65535}}});
	const auto question = through<KnownQuestion>(question_frame);
	EXPECT_EQ(question.question, 11u);
	ASSERT_EQ(question.events.size(), 2u);
	EXPECT_EQ(*question.events[0].id, kId);
	EXPECT_EQ(question.events[0].created_at, 1700000000);
	EXPECT_EQ(*question.events[1].id, other);
	EXPECT_EQ(question.events[1].created_at, INT64_MAX);
	EXPECT_EQ(question.events[1].kind, 65535);

	const std::string log_frame = encode(Log{LogLevel::Warning, 0, "odd"});
	EXPECT_EQ(through<Log>(log_frame).message, "odd");
	EXPECT_EQ(through<Log>(log_frame).level, LogLevel::Warning);

	const std::string stats_frame = encode(Stats{{{"connections", 1}, {"rss_bytes", -5}}});
	const auto stats = through<Stats>(stats_frame);
	ASSERT_EQ(stats.gauges.size(), 2u);
	EXPECT_EQ(stats.gauges[1].name, "rss_bytes");
	EXPECT_EQ(stats.gauges[1].value, -5);
}

/* The type of a message says its direction and its desk. */
TEST(Messages, WrongDirectionIsAFault)
{
	std::string fault;
	const std::string batch = encode(Batch{}), stop = encode(RelayStop{1, 1}), log = encode(Log{});
	EXPECT_TRUE(decode<ArchiveToWorker>(frame_of(batch), fault));
	EXPECT_FALSE(decode<ArchiveToNet>(frame_of(batch), fault));
	EXPECT_EQ(fault, "a message that is not expected here");
	EXPECT_TRUE(decode<ArchiveToNet>(frame_of(stop), fault));
	EXPECT_FALSE(decode<ArchiveToWorker>(frame_of(stop), fault));
	EXPECT_FALSE(decode<ArchiveToWorker>(frame_of(log), fault));
	EXPECT_TRUE(decode<LinkToWorker>(frame_of(log), fault));
}

TEST(Messages, SignIn)
{
	const std::string longest(nostr::kMaxChallenge, 'c');
	const std::string question_frame =
		encode(wire::SignIn{.relay_id = 5, .attempt = 7, .challenge = longest});
	const auto question = through<wire::SignIn>(question_frame);
	EXPECT_EQ(question.relay_id, 5);
	EXPECT_EQ(question.attempt, 7u);
	EXPECT_EQ(question.challenge, longest);
	const std::string zero_frame = encode(wire::SignIn{.relay_id = 5, .challenge = {"a\0b", 3}});
	EXPECT_EQ(through<wire::SignIn>(zero_frame).challenge, std::string_view("a\0b", 3));

	const std::string answer_frame =
		encode(SignedIn{.relay_id = 5, .attempt = 7, .id = &kId, .event = R"({"kind":22242})"});
	const auto answer = through<SignedIn>(answer_frame);
	EXPECT_EQ(answer.relay_id, 5);
	EXPECT_EQ(answer.attempt, 7u);
	EXPECT_EQ(*answer.id, kId);
	EXPECT_EQ(answer.event, R"({"kind":22242})");

	std::string fault;
	EXPECT_FALSE(decode<ArchiveToNet>(frame_of(question_frame), fault));
	EXPECT_FALSE(decode<ArchiveToWorker>(frame_of(answer_frame), fault));
	const std::string too_long = longest + "c";
	EXPECT_EQ(fault_of(wire::SignIn{.relay_id = 5, .challenge = too_long}), "text too long");
	EXPECT_EQ(fault_of(wire::SignIn{.relay_id = 5, .challenge = "\xff"}), "invalid UTF-8");
	EXPECT_EQ(fault_of(wire::SignIn{.relay_id = 0}), "relay id out of range");
	EXPECT_EQ(fault_of(SignedIn{.relay_id = 0, .id = &kId}), "relay id out of range");
}

TEST(Messages, Batch)
{
	const std::string frame = encode(full_batch());
	const auto b = through<Batch>(frame);
	EXPECT_EQ(b.number, 7u);
	ASSERT_EQ(b.events.size(), 2u);
	EXPECT_EQ(*b.events[0].id, kId);
	EXPECT_EQ(*b.events[0].pubkey, kKey);
	EXPECT_EQ(*b.events[0].sig, kSig);
	EXPECT_EQ(b.events[0].tags, "[[\"t\",\"x\"]]");
	EXPECT_EQ(b.events[0].content, "gr\xc3\xbc\xc3\x9f");
	EXPECT_FALSE(b.events[0].has_nul);
	EXPECT_EQ(b.events[1].created_at, INT64_MAX);
	EXPECT_EQ(b.events[1].kind, 65535);
	EXPECT_EQ(b.events[1].content, std::string_view("\0", 1));
	EXPECT_TRUE(b.events[1].has_nul);
	ASSERT_EQ(b.sightings.size(), 2u);
	EXPECT_EQ(*b.sightings[1].event.id, kId);
	EXPECT_EQ(b.sightings[1].event.created_at, INT64_MAX);
	EXPECT_EQ(b.sightings[1].event.kind, 65535);
	EXPECT_EQ(b.sightings[1].relay_id, INT32_MAX);
	EXPECT_EQ(b.sightings[0].seen_at, 1700000001);
	EXPECT_TRUE(b.sightings[0].live);
	EXPECT_FALSE(b.sightings[1].live);
	ASSERT_EQ(b.refusals.size(), 1u);
	EXPECT_EQ(b.refusals[0].reason, "id_mismatch");
	EXPECT_EQ(b.refusals[0].count, 12u);
	ASSERT_EQ(b.traffic.size(), 1u);
	EXPECT_EQ(b.traffic[0].bytes, 1ull << 40);
	ASSERT_EQ(b.claims.size(), 1u);
	EXPECT_EQ(b.claims[0].relay_id, 3);
	EXPECT_EQ(b.claims[0].filter_id, 9u);
	EXPECT_EQ(b.claims[0].reader, ReadAs::SignedIn);
	EXPECT_EQ(b.claims[0].purpose, Purpose::Audit);
	EXPECT_EQ(b.claims[0].claim, kClaim);
	ASSERT_EQ(b.retracts.size(), 1u);
	EXPECT_EQ(b.retracts[0].filter_id, 9u);
	EXPECT_EQ(b.retracts[0].retract, kRetract);
	ASSERT_EQ(b.reports.size(), 1u);
	EXPECT_EQ(b.reports[0].phase, RelayPhase::Ended);
	EXPECT_EQ(b.reports[0].retry_after_ms, 1500u);

	// Bodies are not copied: views point into the frame.
	EXPECT_GE(b.events[0].content.data(), frame.data());
	EXPECT_LT(b.events[0].content.data(), frame.data() + frame.size());
	EXPECT_EQ(encode(b), frame);
}

TEST(Messages, EmptyListsAndTexts)
{
	EXPECT_TRUE(through<Batch>(encode(Batch{})).events.empty());
	EXPECT_TRUE(through<KnownQuestion>(encode(KnownQuestion{})).events.empty());
	EXPECT_TRUE(through<Known>(encode(Known{})).known.empty());
	EXPECT_TRUE(through<RelayOpen>(encode(RelayOpen{.relay_id = 1})).url.empty());
}

TEST(Messages, ForeignTextIsMadePrintable)
{
	Batch batch;
	batch.reports.push_back({1, 0, RelayPhase::Ended, "closed", "a\n\xff\x1b[2Jb"});
	batch.refusals.push_back({1, "bad_json", 1, std::string_view("\0x", 2)});
	const std::string frame = encode(batch);
	const auto b = through<Batch>(frame);
	EXPECT_EQ(b.reports[0].detail, "a???[2Jb");
	EXPECT_EQ(b.refusals[0].detail, "?x");

	const std::string longest(5000, 'l');
	const std::string log_frame = encode(Log{LogLevel::Info, 1, longest});
	EXPECT_EQ(through<Log>(log_frame).message.size(), 1000u);
}

TEST(Messages, SemanticFaults)
{
	EXPECT_EQ(fault_of(RelayStop{0, 1}), "relay id out of range");
	EXPECT_EQ(fault_of(RelayOpen{.relay_id = 1, .url = "wss://r\n"}), "text is not printable");
	EXPECT_EQ(fault_of(RelayMore{1, 1, {{2, 1}}}), "time range out of order");
	EXPECT_EQ(fault_of(RelayMore{1, 1, {{-1, 1}}}), "time range out of order");
	EXPECT_EQ(fault_of(Known{1, {2}}), "flag out of range");
	EXPECT_EQ(fault_of(Known{1, std::vector<uint8_t>(kMaxItems + 1)}), "too many items");
	EXPECT_EQ(fault_of(Log{static_cast<LogLevel>(3), 0, ""}), "unknown enumeration value");
	ArchiveSettings settings;
	settings.page_limit = 0;
	EXPECT_EQ(fault_of(settings), "setting out of range");
	EXPECT_EQ(fault_of(Stats{{{"", 1}}}), "gauge without a name");

	auto batch_with = [](auto Batch::*list, auto item) {
		Batch batch;
		(batch.*list).push_back(item);
		return batch;
	};
	auto changed = [](auto value, auto change) {
		change(value);
		return value;
	};
	const DeliveredEvent good = event("[]", "");
	const auto with_event = [&](const DeliveredEvent &e) { return batch_with(&Batch::events, e); };
	EXPECT_EQ(fault_of(with_event(changed(good, [](DeliveredEvent &e) { e.kind = 65536; }))),
			  "kind out of range");
	EXPECT_EQ(fault_of(with_event(changed(good, [](DeliveredEvent &e) { e.kind = -1; }))),
			  "kind out of range");
	EXPECT_EQ(fault_of(with_event(changed(good, [](DeliveredEvent &e) { e.created_at = -1; }))),
			  "time of an event out of range");
	EXPECT_EQ(fault_of(with_event(event("[]", "\xff"))), "invalid UTF-8");
	EXPECT_EQ(fault_of(with_event(event("[[\"\xed\xa0\x80\"]]", ""))), "invalid UTF-8");
	EXPECT_EQ(fault_of(with_event(event("[]", {"a\0b", 3}))), "unannounced U+0000");

	EXPECT_EQ(fault_of(batch_with(&Batch::sightings, Sighting{{&kId}, 0, 1})),
			  "relay id out of range");
	EXPECT_EQ(fault_of(batch_with(&Batch::sightings, Sighting{{&kId}, 1, -1})),
			  "time of a sighting out of range");
	EXPECT_EQ(fault_of(batch_with(&Batch::sightings, Sighting{{&kId, -1}, 1, 1})),
			  "time of an event out of range");
	EXPECT_EQ(fault_of(batch_with(&Batch::sightings, Sighting{{&kId, 1, 65536}, 1, 1})),
			  "kind out of range");
	EXPECT_EQ(fault_of(batch_with(&Batch::refusals, RelayRefusal{1, "", 1, ""})),
			  "empty reason code");
	EXPECT_EQ(fault_of(batch_with(&Batch::refusals, RelayRefusal{1, "No", 1, ""})),
			  "text is not a code");
	const std::string long_code(41, 'a');
	EXPECT_EQ(fault_of(batch_with(&Batch::refusals, RelayRefusal{1, long_code, 1, ""})),
			  "text too long");
	RelayClaim claim{.relay_id = 1, .claim = {.range = {5, 5}}};
	const auto with_claim = [&](auto change) {
		return batch_with(&Batch::claims, changed(claim, change));
	};
	EXPECT_EQ(fault_of(with_claim([](RelayClaim &c) { c.claim.range.upper = 4; })),
			  "time range out of order");
	EXPECT_EQ(fault_of(with_claim([](RelayClaim &c) { c.claim.events = -1; })),
			  "count of a claim out of range");
	EXPECT_EQ(fault_of(with_claim([](RelayClaim &c) { c.claim.refused = -1; })),
			  "count of a claim out of range");
	EXPECT_EQ(
		fault_of(with_claim([](RelayClaim &c) { c.claim.doubts.bits = 1u << nostr::kDoubts; })),
		"unknown doubt");
	EXPECT_EQ(fault_of(with_claim([](RelayClaim &c) { c.claim.evidence = nostr::Evidence(4); })),
			  "unknown enumeration value");
	EXPECT_EQ(fault_of(with_claim([](RelayClaim &c) { c.purpose = Purpose(5); })),
			  "unknown enumeration value");
	const RelayRetract backwards{.relay_id = 1, .retract = {.range = {5, 4}}};
	EXPECT_EQ(fault_of(batch_with(&Batch::retracts, backwards)), "time range out of order");
	EXPECT_EQ(fault_of(RelayOpen{.relay_id = 1, .filters = {{0, "{}"}}}), "filter id out of range");
	const auto phase = static_cast<RelayPhase>(4);
	EXPECT_EQ(fault_of(RelayMore{.relay_id = 1, .reader = ReadAs(2)}), "unknown enumeration value");
	EXPECT_EQ(fault_of(batch_with(&Batch::reports, RelayReport{1, 1, phase, "", ""})),
			  "unknown enumeration value");

	Batch many;
	many.sightings.assign(kMaxItems + 1, {{&kId, 1, 1}, 1, 1});
	EXPECT_EQ(fault_of(many), "too many items");
	many.sightings.resize(kMaxItems);
	EXPECT_EQ(through<Batch>(encode(many)).sightings.size(), kMaxItems);
}

TEST(Messages, TooLongForAFrame)
{
	const std::string half(kMaxFrame / 2, 'x');
	Batch batch;
	batch.events.assign(2, event("[]", half));
	EXPECT_THROW(encode(batch), std::length_error);
	// The encoder is usable afterwards.
	EXPECT_EQ(through<Ack>(encode(Ack{1})).number, 1u);
}

TEST(Messages, DamagedBodiesDoNoHarm)
{
	const std::string frame = encode(full_batch());
	std::string fault;
	EXPECT_FALSE(decode<Any>({.type = Batch::kType, .body = ""}, fault));
	EXPECT_EQ(fault, "message is cut off");
	EXPECT_FALSE(decode<Any>(frame_of(frame + "x"), fault));
	EXPECT_EQ(fault, "bytes after the message");
	for (size_t size = kHead; size < frame.size(); size++)
		EXPECT_FALSE(decode<Any>(frame_of(frame.substr(0, size)), fault));
	std::mt19937 random(1);
	int accepted = 0;
	for (int round = 0; round < 20000; round++) {
		std::string damaged = frame;
		for (int i = 0; i < 1 + round % 4; i++)
			damaged[kHead + random() % (damaged.size() - kHead)] = static_cast<char>(random());
		if (auto message = decode<Any>(frame_of(damaged), fault)) {
			accepted++;
			EXPECT_EQ(std::visit([](const auto &one) { return encode(one); }, *message), damaged);
		}
	}
	EXPECT_GT(accepted, 0);
}

/* A list that says that it is long costs no memory before its items are there. */
TEST(Messages, ListsThatLieAboutTheirLength)
{
	std::string frame = encode(Batch{});
	frame[kHead + 8] = '\x20', frame[kHead + 9] = '\x4e'; // 20,000 events
	std::string fault;
	EXPECT_FALSE(decode<Any>(frame_of(frame), fault));
	EXPECT_EQ(fault, "message is cut off");
}
