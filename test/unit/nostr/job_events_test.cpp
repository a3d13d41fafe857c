/* Job requests as they are read, and the events of a provider, tag by tag (NIP-90, NIP-89). */
#include "nostr/job_events.h"

#include <gtest/gtest.h>

#include "nostr/keys.h"

using namespace nostr;

namespace {

Event
request(std::string tags)
{
	SecretKey secret{};
	secret[31] = 1;
	Event event;
	event.kind = 5400;
	event.created_at = 1735689600;
	event.tags = std::move(tags);
	Signer(secret).sign(event);
	return event;
}

} // namespace

TEST(JobEvents, Envelopes)
{
	JobEnvelope none = job_envelope("[]");
	EXPECT_FALSE(none.encrypted);
	EXPECT_TRUE(none.relays.empty());
	EXPECT_EQ(none.inputs, "");
	JobEnvelope one = job_envelope(
		R"([["p","00"],["i","a\"]b","text"],["relays","wss://a","wss://b"],["encrypted"],["i","c"],["relays","1","2","3","4"]])");
	EXPECT_TRUE(one.encrypted);
	EXPECT_EQ(one.relays, (std::vector<std::string>{"wss://a", "wss://b", "1", "2", "3"}));
	EXPECT_EQ(one.inputs, R"(["i","a\"]b","text"],["i","c"])");
	/* What is no list of tags says nothing. */
	for (const char *tags : {"", "[", "[[", "[[1]]", "[[\"i\"", "{}", "[[\"i\",[]]]"})
		EXPECT_FALSE(job_envelope(tags).encrypted) << tags;
	EXPECT_EQ(job_envelope("[[\"relays\",\"" + std::string(9000, 'x') + "\"]]").relays[0].size(),
			  2048U);
}

TEST(JobEvents, Results)
{
	const Event asked = request(R"([["i","x","text"],["bid","5"]])");
	const JobEnvelope envelope = job_envelope(asked.tags);
	const JobRequest heard{.event = asked, .envelope = envelope, .relay_url = "wss://r"};
	const Event result = job_result(heard, "42", 1735689700);
	const std::string id = to_hex(view(asked.id)), customer = to_hex(view(asked.pubkey));
	EXPECT_EQ(result.kind, 6400);
	EXPECT_EQ(result.content, "42");
	EXPECT_EQ(result.created_at, 1735689700);
	std::string text;
	append_json_string(to_json(asked), text);
	EXPECT_EQ(result.tags, "[[\"request\"," + text + "],[\"e\",\"" + id +
							   "\",\"wss://r\"],[\"p\",\"" + customer +
							   "\"],[\"status\",\"success\"],[\"i\",\"x\",\"text\"],"
							   "[\"alt\",\"result of a job (NIP-90)\"]]");
	/* The inputs of an encrypted request are not repeated, even if some stand in the open. */
	const Event hidden = request(R"([["encrypted"],["i","x"]])");
	const JobEnvelope closed = job_envelope(hidden.tags);
	const Event sealed = job_result({.event = hidden, .envelope = closed, .relay_url = ""}, "c", 1);
	EXPECT_EQ(sealed.tags.find(",[\"i\","), sealed.tags.npos);
	EXPECT_NE(sealed.tags.find("[\"encrypted\"]"), sealed.tags.npos);
}

TEST(JobEvents, Statuses)
{
	const Event asked = request("[]");
	const JobEnvelope envelope;
	const JobRequest heard{.event = asked, .envelope = envelope, .relay_url = "wss://r"};
	const JobStatus price{.status = "payment-required", .text = "5 sat", .price = 5000};
	const Event open = job_status(heard, price, std::nullopt, 1);
	EXPECT_EQ(open.kind, 7000);
	EXPECT_EQ(open.content, "5 sat");
	EXPECT_NE(open.tags.find(R"(["status","payment-required","5 sat"],["amount","5000"])"),
			  open.tags.npos);
	const Event closed = job_status(heard, price, "ciphertext", 1);
	EXPECT_EQ(closed.content, "ciphertext");
	EXPECT_EQ(closed.tags.find("status\""), closed.tags.npos);
	EXPECT_NE(closed.tags.find("[\"encrypted\"]"), closed.tags.npos);
	EXPECT_EQ(job_status_tags(price),
			  R"([["status","payment-required","5 sat"],["amount","5000"]])");
}

TEST(JobEvents, Announcements)
{
	const Event announced = job_announcement(
		{.name = "a \"name\"", .about = "x", .kinds = {5302, 5400}, .price = 0}, 7);
	EXPECT_EQ(announced.kind, 31990);
	EXPECT_EQ(announced.tags, R"([["d","bigbrotr"],["k","5302"],["k","5400"]])");
	EXPECT_EQ(
		announced.content,
		R"({"name":"a \"name\"","about":"x","encryptionSupported":true,"supportsEncryption":true,)"
		R"("amount":"free","nip90Params":{"max_results":{"required":false,"values":[]}}})");
	const Event priced = job_announcement(
		{.name = "n", .about = "x", .kinds = {}, .price = 5, .lud16 = "us@example.com"}, 7);
	EXPECT_NE(priced.content.find(R"("amount":"5","lud16":"us@example.com","nip90Params")"),
			  std::string::npos);
	const Event beat = job_heartbeat(1000);
	EXPECT_EQ(beat.kind, 11998);
	EXPECT_EQ(beat.tags, R"([["d","bigbrotr"],["expiration","1600"]])");
}
