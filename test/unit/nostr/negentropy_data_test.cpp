/* Negentropy: the collected vectors, byte for byte. */
#include "nostr/negentropy.h"

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

void
expect_ids(const element &session, const std::vector<Id> &ids, const std::string &name)
{
	std::string all;
	std::vector<std::string> texts;
	for (const Id &id : ids) {
		texts.push_back(nostr::to_hex(id.data(), id.size()));
		all.append(id.begin(), id.end());
	}
	element list;
	if (session[name].get(list) == simdjson::SUCCESS) {
		size_t i = 0;
		for (element id : list) {
			ASSERT_LT(i, texts.size());
			EXPECT_EQ(texts[i++], std::string_view(id));
		}
		EXPECT_EQ(i, texts.size());
		return;
	}
	EXPECT_EQ(ids.size(), uint64_t(session[name + "_count"]));
	Id digest = hash(all);
	EXPECT_EQ(nostr::to_hex(digest.data(), digest.size()),
			  member(session, (name + "_sha256").c_str()));
}

/* Written out, or its length and hash. */
void
expect_message(const element &expected, const char *side, const std::string &message)
{
	EXPECT_EQ(std::string_view(expected.at(0)), side);
	std::string_view written;
	if (expected.at(1).get(written) == simdjson::SUCCESS) {
		EXPECT_EQ(hex(message), written);
		return;
	}
	EXPECT_EQ(message.size(), uint64_t(expected.at(1)));
	Id digest = hash(message);
	EXPECT_EQ(nostr::to_hex(digest.data(), digest.size()), std::string_view(expected.at(2)));
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
	int count = 0;
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
		Client client(ours, uint64_t(session["client_frame_limit"]), SIZE_MAX);
		std::string message = client.first(), reply;
		bool client_speaks = true;
		for (element expected : session["messages"]) {
			if (client_speaks) {
				expect_message(expected, "client", message);
				ASSERT_EQ(answer(theirs, uint64_t(session["server_frame_limit"]), message, reply),
						  Fault::None);
			} else {
				expect_message(expected, "server", reply);
				ASSERT_EQ(client.read(reply, message), Fault::None);
			}
			client_speaks = !client_speaks;
		}
		EXPECT_EQ(message, "");
		Difference difference = client.take_difference();
		expect_ids(session, difference.have, "have");
		expect_ids(session, difference.need, "need");
	}
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
