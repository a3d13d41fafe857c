/* Set reconciliation: the bytes of the protocol, its rules one by one, and hostile messages. */
#include "nostr/negentropy.h"

#include <random>

#include "../../tools/slow_negentropy.h"
#include "hex.h"
#include "shared_data.h"

using namespace nostr::negentropy;
using namespace test;
using nostr::Id;

namespace {

std::string
text(const Id &id)
{
	return nostr::to_hex(id.data(), id.size());
}

std::vector<std::string>
texts(const std::vector<Id> &ids)
{
	std::vector<std::string> texts;
	for (const Id &id : ids)
		texts.push_back(text(id));
	return texts;
}

RecordSet
set_of(const std::vector<Record> &records)
{
	RecordSet set;
	for (const Record &record : records)
		set.add(record.created_at, record.id);
	set.seal();
	return set;
}

/* `count` records from one second on, `step` seconds apart; ids are hashes of the numbers. */
std::vector<Record>
series(int from, int count, int64_t step = 1)
{
	std::vector<Record> records;
	for (int i = from; i < from + count; i++)
		records.push_back(
			{.created_at = 1700000000 + i * step, .id = hash("record " + std::to_string(i))});
	return records;
}

std::string
reply_of(const RecordSet &set, std::string_view message, size_t frame_limit = 0)
{
	std::string reply;
	EXPECT_EQ(answer(set, frame_limit, message, reply), Fault::None);
	return reply;
}

Fault
fault_of(std::string_view hex)
{
	RecordSet set = set_of(series(0, 40));
	std::string reply;
	Fault fault = answer(set, 0, unhex(hex), reply);
	EXPECT_TRUE(fault == Fault::None || reply.empty());
	return fault;
}

struct Meeting
{
	Difference difference;
	int round_trips = 0;
	size_t bytes = 0;
	std::vector<std::string> messages; // hex, both sides in turn
};

Meeting
reconcile(const RecordSet &ours, const RecordSet &theirs, size_t our_limit = 0,
		  size_t their_limit = 0)
{
	Meeting met;
	Client client(ours, our_limit, SIZE_MAX);
	std::string message = client.first(), reply;
	while (!message.empty() && met.round_trips < 10000) {
		reply = reply_of(theirs, message, their_limit);
		met.round_trips++;
		met.bytes += message.size() + reply.size();
		met.messages.push_back(hex(message));
		met.messages.push_back(hex(reply));
		EXPECT_TRUE(our_limit == 0 || message.size() <= our_limit);
		EXPECT_TRUE(their_limit == 0 || reply.size() <= their_limit);
		EXPECT_EQ(client.read(reply, message), Fault::None);
	}
	met.difference = client.take_difference();
	return met;
}

TEST(NegentropyVarint, Bytes)
{
	const std::pair<uint64_t, const char *> cases[] = {{0, "00"},
													   {1, "01"},
													   {127, "7f"},
													   {128, "8100"},
													   {255, "817f"},
													   {16383, "ff7f"},
													   {16384, "818000"},
													   {1700000000, "86aacfe200"},
													   {UINT64_MAX, "81ffffffffffffffff7f"}};
	for (const auto &[value, bytes] : cases) {
		std::string out;
		append_varint(value, out);
		EXPECT_EQ(hex(out), bytes);
	}
}

TEST(NegentropyFingerprint, Bytes)
{
	auto of = [](const std::vector<Record> &records) {
		Fingerprint fingerprint = set_of(records).fingerprint(0, records.size());
		return nostr::to_hex(fingerprint.data(), fingerprint.size());
	};
	EXPECT_EQ(of({}), "7f9c9e31ac8256ca2f258583df262dbc");
	EXPECT_EQ(of({{.id = hash("a")}}), "62dd58dff151e6637180d20ef95e4ec4");
	EXPECT_EQ(of({{.id = hash("a")}, {.id = hash("b")}, {.id = hash("c")}}),
			  "112619621eedbb2854905168426d62b0");
	/* The times do not enter. */
	EXPECT_EQ(of({{1, hash("a")}, {2, hash("b")}, {3, hash("c")}}),
			  "112619621eedbb2854905168426d62b0");
}

/* The sums of the blocks, whatever the ends of the range are, carries and overflow included. */
TEST(NegentropyFingerprint, OfAnyRange)
{
	std::vector<Record> records = series(0, 100);
	records.push_back({.created_at = 1});
	for (int i = 0; i < 3; i++) {
		records.push_back({.created_at = 1 + i});
		records.back().id.fill(0xff);
	}
	RecordSet set = set_of(records);
	for (size_t lower = 0; lower <= set.size(); lower++)
		for (size_t upper = lower; upper <= set.size(); upper++) {
			std::vector<slow_negentropy::Key> keys;
			for (const Record &record : set.part(lower, upper))
				keys.emplace_back(record.created_at, slow_negentropy::id_of(record));
			Fingerprint fingerprint = set.fingerprint(lower, upper);
			ASSERT_EQ(std::string(fingerprint.begin(), fingerprint.end()),
					  slow_negentropy::fingerprint(keys))
				<< lower << " to " << upper;
		}
}

TEST(NegentropyRecords, AreSortedAndUnique)
{
	Id low{}, high{};
	low[0] = 1;
	high[0] = 0x80; // ids are unsigned bytes
	RecordSet set = set_of({{5, high}, {5, low}, {4, high}, {5, low}, {5, high}});
	ASSERT_EQ(set.size(), 3u);
	EXPECT_EQ(set[0], (Record{4, high}));
	EXPECT_EQ(set[1], (Record{5, low}));
	EXPECT_EQ(set[2], (Record{5, high}));
	EXPECT_EQ(set.find(0, Bound{.created_at = 5}), 1u);
	EXPECT_EQ(set.find(2, Bound{.created_at = 5}), 2u);
	EXPECT_EQ(set.find(0, Bound::at(set[1])), 1u);
	EXPECT_EQ(set.find(0, Bound::infinity()), 3u);
}

/* The largest time that an event may have is below infinity. */
TEST(NegentropyRecords, OfTheLastSecond)
{
	RecordSet set = set_of({{INT64_MAX, hash("a")}});
	EXPECT_EQ(set.find(0, Bound{.created_at = uint64_t(INT64_MAX) + 1}), 1u);
	EXPECT_EQ(reconcile(set_of({}), set).difference.need, std::vector<Id>{hash("a")});
}

TEST(NegentropyBound, IsTheShortestBetween)
{
	Record a{.created_at = 7, .id = id_of(std::string(62, 'a') + "00")}, b = a;
	b.created_at = 8;
	EXPECT_EQ(Bound::between(a, b).created_at, 8u);
	EXPECT_EQ(Bound::between(a, b).id_bytes, 0);
	b = a;
	b.id[0] = 0xbb;
	EXPECT_EQ(Bound::between(a, b).id_bytes, 1);
	b = a;
	b.id[31] = 1;
	EXPECT_EQ(Bound::between(a, b).id_bytes, 32);
	EXPECT_EQ(Bound::between(a, b), Bound::at(b));
}

/* Section 8 of the protocol sheet. */
TEST(NegentropyExample, FewRecords)
{
	RecordSet ours = set_of({{1000, hash("a")}, {1005, hash("b")}});
	RecordSet theirs = set_of({{1000, hash("a")}, {1005, hash("b")}, {1005, hash("c")}});
	const std::string a = text(hash("a")), b = text(hash("b")), c = text(hash("c"));
	Meeting done = reconcile(ours, theirs);
	EXPECT_EQ(done.messages,
			  (std::vector<std::string>{"6100000202" + a + b, "6100000203" + a + c + b}));
	EXPECT_EQ(done.difference.need, std::vector<Id>{hash("c")});
	EXPECT_TRUE(done.difference.have.empty());
}

/* Section 9: fingerprints, one of which differs. */
TEST(NegentropyExample, Fingerprints)
{
	std::vector<Record> all;
	for (int i = 0; i < 33; i++)
		all.push_back({.created_at = 1700000000 + 60 * i, .id = hash("ex" + std::to_string(i))});
	std::vector<Record> most = all;
	most.erase(most.begin() + 12);
	Meeting done = reconcile(set_of(most), set_of(all));
	EXPECT_EQ(done.round_trips, 1);
	EXPECT_EQ(done.messages[0].size(), 2 * 310u);
	EXPECT_EQ(done.messages[0].substr(0, 50), "61"
											  "86aacfe2790001"
											  "fa804e44a5985380c264cbca787a4343"
											  "79");
	EXPECT_EQ(done.messages[1], "61"
								"86aacfe6590000"
								"8135000203" +
									text(all[10].id) + text(all[11].id) + text(all[12].id));
	EXPECT_EQ(done.difference.need, std::vector<Id>{all[12].id});
}

TEST(NegentropySplit, FewRecordsAreTheirIdsMoreAreSixteenFingerprints)
{
	auto first = [](int count) {
		RecordSet set = set_of(series(0, count));
		return hex(Client(set, 0, 0).first());
	};
	EXPECT_EQ(first(0), "6100000200"); // never the fingerprint of nothing
	EXPECT_EQ(first(31).substr(0, 10), "610000021f");
	EXPECT_EQ(first(31).size(), 2 * (5 + 31 * 32u));
	EXPECT_EQ(first(32).size(), 2 * (1 + (5 + 14 + 1) + 16 * 18u));
}

TEST(NegentropyServer, AnswersToRanges)
{
	const std::string one(64, 'e');
	RecordSet set = set_of({{12345, id_of(one)}});
	const std::pair<const char *, std::string> cases[] = {
		{"61", "61"},                       // nothing to be said
		{"6100000200", "6100000201" + one}, // no ids: here is mine
		{"618f00000200", "618f00000200"},   // it has none below 1919; the rest is skipped
		{"61e03b000000000200", "61e03b000000000200"},
		{"61000000", "61"},
		{"61000001d5530eded759c1cb5749aacb9bc66bb2", "61"},
		{"6100000100000000000000000000000000000000", "6100000201" + one}};
	for (const auto &[message, reply] : cases)
		EXPECT_EQ(hex(reply_of(set, unhex(message))), reply) << message;
}

TEST(NegentropyServer, SkipsAreMergedAndLeftOutAtTheEnd)
{
	RecordSet set = set_of({});
	EXPECT_EQ(hex(reply_of(set, unhex("61"
									  "0b0000"
									  "0b0000"
									  "0b000200"
									  "0b0000"
									  "000000"))),
			  "61"
			  "150000"
			  "0b000200");
}

/* Both count times from zero in each message, and an infinite bound has no time. */
TEST(NegentropyServer, TimesAreDifferences)
{
	RecordSet set = set_of(series(0, 0));
	EXPECT_EQ(hex(reply_of(set, unhex("61"
									  "65000200"
									  "0101ab0200"
									  "06000200"
									  "00000200"))),
			  "61"
			  "65000200"
			  "0101ab0200"
			  "06000200"
			  "00000200");
}

TEST(NegentropyVersion, Others)
{
	RecordSet set = set_of({});
	EXPECT_EQ(hex(reply_of(set, unhex("62aabbccddeeff"))), "61");
	EXPECT_EQ(hex(reply_of(set, unhex("60"))), "61");
	EXPECT_EQ(fault_of("5000"), Fault::NoVersion);
	EXPECT_EQ(fault_of("70"), Fault::NoVersion);
	EXPECT_EQ(fault_of(""), Fault::Empty);

	Client client(set, 0, 10);
	std::string reply;
	EXPECT_EQ(client.read(unhex("62"), reply), Fault::OtherVersion);
	EXPECT_EQ(client.read(unhex("5f"), reply), Fault::NoVersion);
	EXPECT_EQ(client.read("", reply), Fault::Empty);
}

TEST(NegentropyHostile, CutShort)
{
	for (const char *message :
		 {"6180", "6101", "610101", "61000001", "61000001000000000000000000000000000000"})
		EXPECT_EQ(fault_of(message), Fault::CutShort) << message;
	EXPECT_EQ(fault_of("6100000201"), Fault::CutShort);
	EXPECT_EQ(fault_of("61000002"
					   "ffffffffffffffff7f"),
			  Fault::CutShort); // no memory for a lie
}

TEST(NegentropyHostile, Numbers)
{
	EXPECT_EQ(fault_of("61"
					   "82808080808080808000"
					   "0000"),
			  Fault::TooLarge); // 2^64
	EXPECT_EQ(fault_of("61"
					   "8080808080808080808000"),
			  Fault::TooLarge); // eleven groups
	EXPECT_EQ(fault_of("61"
					   "81ffffffffffffffff7f"
					   "0000"),
			  Fault::None);
	EXPECT_EQ(fault_of("61"
					   "0021" +
					   std::string(66, '0')),
			  Fault::LongPrefix);
	EXPECT_EQ(fault_of("61000003"), Fault::UnknownMode);
}

/* Times that add up to more than 64 bits are infinity. */
TEST(NegentropyHostile, TimesBeyondInfinity)
{
	const std::string far = "81ffffffffffffffff7f"
							"0000";
	EXPECT_EQ(fault_of("61" + far + far + far), Fault::None);
	RecordSet set = set_of(series(0, 3));
	EXPECT_EQ(reply_of(set, unhex("61" + far + "000000")), "\x61");
}

TEST(NegentropyHostile, RangesOutOfOrder)
{
	EXPECT_EQ(fault_of("61"
					   "0a01ff00"
					   "01010000"),
			  Fault::Unordered);
	/* Nothing is above infinity, so that what follows it is infinite, too. */
	EXPECT_EQ(fault_of("61"
					   "000000"
					   "0a0000"),
			  Fault::None);
	EXPECT_EQ(fault_of("61"
					   "0a01ff00"
					   "0101ff00"),
			  Fault::None); // empty, but in order
}

/* Each range costs three bytes at least, and has one answer. */
TEST(NegentropyHostile, ManyEmptyRanges)
{
	RecordSet set = set_of(series(0, 1000));
	std::string message = "\x61";
	for (int i = 0; i < 100000; i++)
		message += unhex("01000200"); // no ids before 1970
	EXPECT_EQ(reply_of(set, message).size(), message.size());
	EXPECT_LE(reply_of(set, message, 4096).size(), 4096u);
}

TEST(NegentropyHostile, MoreDiffersThanTheClientWants)
{
	RecordSet ours = set_of(series(0, 20));
	std::string message = unhex("6100000215"), reply;
	for (const Record &record : series(100, 21))
		message.append(record.id.begin(), record.id.end());
	EXPECT_EQ(Client(ours, 0, 21).read(message, reply), Fault::None);
	EXPECT_EQ(Client(ours, 0, 20).read(message, reply), Fault::TooMuchDiffers);
	/* What only the client has is its own matter. */
	EXPECT_EQ(Client(ours, 0, 0).read(unhex("6100000200"), reply), Fault::None);
}

/* What is told twice differs once. */
TEST(NegentropyClient, Repeats)
{
	RecordSet ours = set_of(series(0, 1));
	Client client(ours, 0, 1);
	std::string id(32, 'x'), reply;
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(client.read(unhex("6100000202") + id + id, reply), Fault::None);
		EXPECT_EQ(reply, "");
	}
	Difference difference = client.take_difference();
	EXPECT_EQ(difference.need.size(), 1u);
	EXPECT_EQ(texts(difference.have), std::vector<std::string>{text(ours[0].id)});
}

TEST(NegentropyRun, EqualSetsTakeOneRoundTripAndLessThanAKilobyte)
{
	RecordSet set = set_of(series(0, 100000));
	Meeting done = reconcile(set, set);
	EXPECT_EQ(done.round_trips, 1);
	EXPECT_LT(done.bytes, 1024u);
	EXPECT_TRUE(done.difference.have.empty() && done.difference.need.empty());
}

/* What a relay got since the last visit is most of what differs. */
TEST(NegentropyRun, AThousandNewOfAHundredThousand)
{
	Meeting done = reconcile(set_of(series(0, 99000)), set_of(series(0, 100000)));
	EXPECT_EQ(done.difference.need.size(), 1000u);
	EXPECT_LT(done.bytes, 40000u);
}

/* Each of them lies alone, and half of them are the client's. */
TEST(NegentropyRun, AThousandScatteredInAHundredThousand)
{
	std::vector<Record> ours, theirs;
	for (const Record &record : series(0, 100500, 300)) {
		const int64_t number = (record.created_at - 1700000000) / 300;
		const size_t chance = size_t(record.id[0]) << 8 | record.id[1];
		const bool differs = chance < 652; // 1,000 of them
		if (!differs || number % 2 == 0)
			ours.push_back(record);
		if (!differs || number % 2 != 0)
			theirs.push_back(record);
	}
	Meeting done = reconcile(set_of(ours), set_of(theirs), 60000, 500000);
	EXPECT_NEAR(double(done.difference.need.size() + done.difference.have.size()), 1000, 100);
	EXPECT_LT(done.bytes, 250000u);
}

/* The one that the server lacks is found without its ids. */
TEST(NegentropyClient, OneTooMany)
{
	RecordSet ours = set_of(series(0, 20)), theirs = set_of(series(1, 19));
	Client client(ours, 0, 0);
	const Fingerprint fingerprint = theirs.fingerprint(0, 19);
	auto message = [&](uint64_t bound) {
		std::string bytes = "\x61";
		for (uint64_t number : {bound, uint64_t(0), uint64_t(1)}) // its time, no id, a fingerprint
			append_varint(number, bytes);
		return bytes.append(fingerprint.begin(), fingerprint.end());
	};
	std::string reply = "not empty";
	EXPECT_EQ(client.read(message(1700001001), reply), Fault::None);
	EXPECT_EQ(reply, "");
	EXPECT_EQ(client.take_difference().have, std::vector<Id>{ours[0].id});
	/* Up to infinity it may be the rest of a message that was cut. */
	EXPECT_EQ(client.read(message(0), reply), Fault::None);
	EXPECT_NE(reply, "");
	EXPECT_TRUE(client.take_difference().have.empty());
}

/* Against the slow implementation, with all frame limits, sets that differ in any way. */
TEST(NegentropyRun, AsTheSlowOne)
{
	std::mt19937 random(1);
	for (int turn = 0; turn < 60; turn++) {
		slow_negentropy::Records ours, theirs;
		const size_t limits[] = {0, 4096, 5000, 20000};
		const size_t our_limit = limits[random() % 4], their_limit = limits[random() % 4];
		const unsigned mine = random() % 100, yours = random() % 100;
		const int seconds = 1 + int(random() % 300), count = int(random() % 900);
		for (int i = 0; i < count; i++) {
			Record record{.created_at = int64_t(random() % unsigned(seconds)),
						  .id = hash(std::to_string(random()))};
			if (turn % 3 == 0)
				std::fill_n(record.id.begin(), 20, 0xaa); // the rest: sums of ids must differ
			const unsigned part = random() % 100;
			if (part >= mine)
				ours.insert(record);
			if (part <= yours)
				theirs.insert(record);
		}
		RecordSet own = set_of({ours.begin(), ours.end()});
		RecordSet other = set_of({theirs.begin(), theirs.end()});
		Client client(own, our_limit, SIZE_MAX);
		std::set<std::string> have, need, nothing;
		std::string message = client.first(), reply;
		ASSERT_EQ(message, slow_negentropy::Side(ours, our_limit).first());
		while (!message.empty()) {
			reply = reply_of(other, message, their_limit);
			ASSERT_EQ(
				reply,
				slow_negentropy::Side(theirs, their_limit).reply(message, false, nothing, nothing));
			ASSERT_EQ(client.read(reply, message), Fault::None);
			std::string expected =
				*slow_negentropy::Side(ours, our_limit).reply(reply, true, have, need);
			ASSERT_EQ(message, expected.size() == 1 ? "" : expected);
		}
		std::vector<Record> only;
		std::set_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
							std::back_inserter(only));
		EXPECT_EQ(have.size(), only.size());
		EXPECT_EQ(client.take_difference().have.size(), only.size());
	}
}

} // namespace
