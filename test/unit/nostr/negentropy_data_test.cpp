/* Negentropy: the collected vectors; what a server answers, byte for byte. */
#include "nostr/negentropy.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "hex.h"
#include "shared_data.h"

using namespace nostr::negentropy;
using namespace test;
using nostr::Id;
using shared_data::member;
using simdjson::dom::element;

namespace {

RecordSet
listed(const element &items)
{
	RecordSet set;
	for (element item : items)
		set.add(int64_t(item.at(0)), id_of(std::string_view(item.at(1))));
	set.seal();
	return set;
}

/* The rule of the vectors for sets that are too large to be written out. */
RecordSet
generated(const element &rule, bool client)
{
	RecordSet set;
	const uint64_t client_only = uint64_t(rule["ca"]), server_only = uint64_t(rule["cb"]);
	for (int64_t i = 0; i < int64_t(rule["n"]); i++) {
		Id h = hash("neg:" + member(rule, "seed") + ":" + std::to_string(i));
		uint32_t word = uint32_t(h[0]) << 24 | uint32_t(h[1]) << 16 | uint32_t(h[2]) << 8 | h[3];
		bool other_only =
			client ? h[4] >= client_only && h[4] < client_only + server_only : h[4] < client_only;
		if (!other_only)
			set.add(1700000000 + word % int64_t(rule["span"]),
					hash({reinterpret_cast<const char *>(h.data()), h.size()}));
	}
	set.seal();
	return set;
}

/* In order, those of one set that the other lacks. */
std::vector<Id>
only_in(const RecordSet &one, const RecordSet &other)
{
	std::vector<Id> ids, others;
	for (const auto &record : one.part(0, one.size()))
		ids.push_back(record.id);
	for (const auto &record : other.part(0, other.size()))
		others.push_back(record.id);
	std::sort(ids.begin(), ids.end());
	std::sort(others.begin(), others.end());
	std::vector<Id> only;
	std::set_difference(ids.begin(), ids.end(), others.begin(), others.end(),
						std::back_inserter(only));
	return only;
}

std::vector<Id>
sorted(std::vector<Id> ids)
{
	std::sort(ids.begin(), ids.end());
	return ids;
}

class NegentropyVectors : public testing::Test
{
  protected:
	void SetUp() override
	{
		if (!shared_data::exists("negentropy-vectors.json"))
			GTEST_SKIP();
		text_ = shared_data::text("negentropy-vectors.json");
		all_ = parser_.parse(text_);
	}

	std::string text_;
	simdjson::dom::parser parser_;
	element all_;
};

TEST_F(NegentropyVectors, Varints)
{
	for (element pair : all_["varint"]) {
		std::string out;
		append_varint(std::stoull(std::string(std::string_view(pair.at(0)))), out);
		EXPECT_EQ(hex(out), std::string_view(pair.at(1)));
	}
}

TEST_F(NegentropyVectors, Fingerprints)
{
	for (element one : all_["fingerprint"]) {
		RecordSet set;
		int64_t n = 0;
		for (element id : one["ids"])
			set.add(n++, id_of(std::string_view(id)));
		set.seal();
		Fingerprint fingerprint = set.fingerprint(0, set.size());
		EXPECT_EQ(nostr::to_hex(fingerprint.data(), fingerprint.size()), member(one, "fingerprint"))
			<< member(one, "note");
	}
}

TEST_F(NegentropyVectors, Sessions)
{
	int count = 0, written_out = 0;
	for (element session : all_["sessions"]) {
		SCOPED_TRACE(member(session, "name"));
		count++;
		element rule;
		bool by_rule = session["rule"].get(rule) == simdjson::SUCCESS;
		RecordSet ours = by_rule ? generated(rule, true) : listed(session["client_items"]);
		RecordSet theirs = by_rule ? generated(rule, false) : listed(session["server_items"]);
		if (by_rule) {
			EXPECT_EQ(ours.size(), uint64_t(session["client_count"]));
			EXPECT_EQ(theirs.size(), uint64_t(session["server_count"]));
		}
		/* What the reference client asks is answered with the same bytes, as far as the vectors
		 * write it out. Our client begins with the same message and goes on in ways of its own. */
		const uint64_t limit = uint64_t(session["server_frame_limit"]);
		Client client(ours, uint64_t(session["client_frame_limit"]), SIZE_MAX);
		std::string message = client.first(), reply, asked;
		for (element expected : session["messages"]) {
			std::string_view written;
			if (expected.at(1).get(written) != simdjson::SUCCESS)
				break;
			if (std::string_view(expected.at(0)) == "client") {
				if (asked.empty()) {
					EXPECT_EQ(hex(message), written);
				}
				asked = unhex(written);
			} else {
				ASSERT_EQ(answer(theirs, limit, asked, reply), Fault::None);
				EXPECT_EQ(hex(reply), written);
				written_out++;
			}
		}
		for (int round = 0; !message.empty() && round < 1000; round++) {
			ASSERT_EQ(answer(theirs, limit, message, reply), Fault::None);
			ASSERT_EQ(client.read(reply, message), Fault::None);
		}
		EXPECT_EQ(message, "");
		const Difference difference = client.take_difference();
		EXPECT_EQ(sorted(difference.have), only_in(ours, theirs));
		EXPECT_EQ(sorted(difference.need), only_in(theirs, ours));
	}
	EXPECT_GE(written_out, 10);
	EXPECT_EQ(count, 15);
}

TEST_F(NegentropyVectors, Answers)
{
	RecordSet set;
	set.add(12345, id_of(std::string(64, 'e')));
	set.seal();
	int count = 0;
	for (element one : all_["server_single"]["cases"]) {
		SCOPED_TRACE(member(one, "note"));
		count++;
		std::string reply;
		Fault fault = answer(set, 0, unhex(member(one, "message")), reply);
		EXPECT_EQ(fault != Fault::None, one["reply"].is_null());
		EXPECT_EQ(hex(reply), member(one, "reply"));
	}
	EXPECT_EQ(count, 16);
}

} // namespace
