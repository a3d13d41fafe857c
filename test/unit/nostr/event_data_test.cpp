/* Parsing and verifying the collected events: vectors, hostile inputs, real ones. */
#include "nostr/base64.h"
#include "nostr/event.h"
#include "nostr/keys.h"

#include <set>

#include "shared_data.h"

using nostr::Event;
using nostr::Reject;
using shared_data::member;

namespace {

/* The whole judgement: shape, id, signature. */
class Judge
{
  public:
	Reject operator()(std::string_view json)
	{
		Reject reason = parser_.parse(json, event);
		if (reason == Reject::None && !verifier_.verify(event.id, event.pubkey, event.sig))
			return Reject::BadSignature;
		return reason;
	}
	Event event;

  private:
	nostr::EventParser parser_;
	nostr::Verifier verifier_;
};

std::string
id_of(const Event &event)
{
	return nostr::to_hex(event.id.data(), event.id.size());
}

void
expect_round_trip(const Event &event)
{
	Event again;
	ASSERT_EQ(nostr::EventParser().parse(nostr::to_json(event), again), Reject::None);
	EXPECT_EQ(again.id, event.id);
	EXPECT_EQ(again.sig, event.sig);
	EXPECT_EQ(again.tags, event.tags);
	EXPECT_EQ(again.content, event.content);
	EXPECT_EQ(nostr::compute_id(again), event.id);
}

/* The reason the vectors give in words, and ours. */
Reject
reason_of(const std::string &words)
{
	static const std::pair<const char *, Reject> reasons[] = {
		{"id does not match", Reject::IdMismatch},
		{"bad signature", Reject::BadSignature},
		{"id is not 64", Reject::BadId},
		{"pubkey is not 64", Reject::BadPubkey},
		{"missing field", Reject::MissingField},
		{"kind ", Reject::BadKind},
		{"created_at ", Reject::BadCreatedAt},
		{"tags is not", Reject::BadTags},
		{"a tag is not", Reject::BadTags},
		{"empty tag", Reject::BadTags},
		{"a tag item", Reject::BadTags},
		{"content is not", Reject::BadContent},
		{"bad unicode", Reject::BadUtf8},
		{"duplicate field", Reject::DuplicateField},
		{"bad JSON", Reject::BadJson},
	};
	for (auto [start, reason] : reasons)
		if (words.rfind(std::string("invalid: ") + start, 0) == 0)
			return reason;
	ADD_FAILURE() << "unknown reason: " << words;
	return Reject::None;
}

TEST(EventVectors, EveryVector)
{
	if (!shared_data::exists("nostr-event-vectors.json"))
		GTEST_SKIP();
	shared_data::Document document("nostr-event-vectors.json");
	Judge judge;
	size_t count = 0;
	for (simdjson::dom::element vector : document["vectors"]) {
		SCOPED_TRACE(member(vector, "name"));
		count++;
		Reject reason = judge(member(vector, "raw"));
		if (!bool(vector["valid"])) {
			EXPECT_EQ(reason, reason_of(member(vector, "reason")));
			continue;
		}
		ASSERT_EQ(reason, Reject::None);
		EXPECT_EQ(id_of(judge.event), member(vector, "id"));
		std::string canonical;
		nostr::append_canonical(judge.event, canonical);
		EXPECT_EQ(canonical, member(vector, "serialized"));
		bool storable;
		if (vector["pg_text_storable"].get_bool().get(storable) != simdjson::SUCCESS)
			storable = true;
		EXPECT_EQ(judge.event.has_nul, !storable);
		expect_round_trip(judge.event);
	}
	EXPECT_EQ(count, 42u);
}

TEST(NastyEvents, EveryLine)
{
	if (!shared_data::exists("nasty-events.jsonl"))
		GTEST_SKIP();
	simdjson::dom::parser json;
	Judge judge;
	size_t accepted = 0, rejected = 0;
	for (const std::string &line : shared_data::lines("nasty-events.jsonl")) {
		simdjson::dom::element item = json.parse(line);
		SCOPED_TRACE(member(item, "name"));
		std::string input = member(item, "input");
		if (std::string bytes = member(item, "input_b64"); !bytes.empty())
			input = nostr::base64_decode(bytes).value();
		std::string verdict = member(item, "sheet");
		if (verdict.empty())
			verdict = member(item, "verdict");
		Reject reason = judge(input);
		if (verdict == "accept")
			EXPECT_EQ(reason, Reject::None) << nostr::reject_code(reason);
		else if (verdict == "reject")
			EXPECT_NE(reason, Reject::None);
		else
			EXPECT_EQ(verdict, "either");
		(reason == Reject::None ? accepted : rejected)++;
		if (reason == Reject::None)
			expect_round_trip(judge.event);
	}
	EXPECT_GT(accepted, 50u);
	EXPECT_GT(rejected, 150u);
}

TEST(RealEvents, ValidOnesAreAccepted)
{
	bool shared = shared_data::exists("events-valid.jsonl.gz");
	std::vector<std::string> lines =
		shared ? shared_data::gzip_lines("events-valid.jsonl.gz") : shared_data::own_corpus(2000);
	Judge judge;
	simdjson::dom::parser json;
	std::set<std::string> ids;
	for (const std::string &line : lines) {
		Reject reason = judge(line);
		ASSERT_EQ(reason, Reject::None) << nostr::reject_code(reason) << " " << line;
		std::string id = id_of(judge.event);
		EXPECT_EQ(id, member(json.parse(line), "id"));
		EXPECT_EQ(nostr::compute_id(judge.event), judge.event.id);
		expect_round_trip(judge.event);
		ids.insert(id);
	}
	EXPECT_EQ(ids.size(), shared ? 7088u : 2000u);
}

TEST(RealEvents, InvalidOnesAreRefused)
{
	if (!shared_data::exists("events-invalid.jsonl"))
		GTEST_SKIP();
	simdjson::dom::parser json;
	Judge judge;
	size_t count = 0;
	for (const std::string &line : shared_data::lines("events-invalid.jsonl")) {
		simdjson::dom::element item = json.parse(line);
		std::string event = simdjson::minify(item["event"]);
		EXPECT_NE(judge(event), Reject::None) << member(item, "reason") << " " << event;
		count++;
	}
	EXPECT_EQ(count, 262u);
}

TEST(OwnCorpus, IsValidAndDeterministic)
{
	Judge judge;
	std::vector<std::string> lines = shared_data::own_corpus(1000, 5);
	for (const std::string &line : lines)
		EXPECT_EQ(judge(line), Reject::None) << line;
	EXPECT_EQ(lines, shared_data::own_corpus(1000, 5));
	EXPECT_NE(lines, shared_data::own_corpus(1000, 6));
}

} // namespace
