#include <random>

#include <gtest/gtest.h>

#include "messages.h"
#include "wire/archive.h"
#include "wire/probe.h"

using namespace wire;

namespace {

using Any = std::variant<ProbeSettings, Visit, VisitStop, VisitBatch>;

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

const auto kPrint = bytes<std::array<uint8_t, 32>>(7);

Visited
visited()
{
	Visited visit{.relay_id = 3, .attempt = 2, .started_at = 1700000000};
	for (size_t i = 0; i < kSteps; i++)
		visit.steps.push_back(
			{.step = Step(i), .outcome = Outcome::Ok, .microseconds = int64_t(i)});
	visit.steps[9] = {.step = Step::Count,
					  .outcome = Outcome::Failed,
					  .reason = "no_answer",
					  .detail = "192.0.2.1 port 443"};
	visit.verdict = Verdict::Nostr;
	visit.addresses = {{"192.0.2.1"}, {"2001:db8::1"}};
	visit.cname = "edge.example.net";
	visit.ttl = 300;
	visit.address = "192.0.2.1";
	visit.port = 443;
	visit.location.push_back({.country = "DE",
							  .region = "Hesse",
							  .city = "Frankfurt ä",
							  .latitude = 501155,
							  .longitude = -86842,
							  .as_number = 64500,
							  .as_name = "Example Ltd"});
	visit.certificate.push_back({.issuer = "CN=ca",
								 .subject = "CN=relay.example.com",
								 .names = {{"relay.example.com"}, {"*.example.com"}},
								 .not_before = 1,
								 .not_after = INT64_MAX,
								 .fingerprint = &kPrint,
								 .protocol = "TLSv1.3",
								 .valid = true});
	visit.http_status = 101;
	visit.server = "nginx";
	visit.powered_by = "x";
	visit.document.push_back({.http_status = 200,
							  .content_type = "application/nostr+json",
							  .cors = true,
							  .size = 50,
							  .final_url = "https://example.com/",
							  .json = R"({"name":"x"})",
							  .faults = {{"limitation.max_limit", "not_an_integer"}}});
	visit.limit_ignored = true;
	return visit;
}

VisitBatch
batch_with(auto change)
{
	VisitBatch batch{.number = 1, .visits = {visited()}};
	change(batch.visits[0]);
	return batch;
}

} // namespace

TEST(ProbeMessages, WorkerToNet)
{
	ProbeSettings settings;
	settings.max_document_size_kb = 1024;
	settings.dial.tor_proxy = "socks5h://127.0.0.1:9050";
	settings.dial.user_agent = "agent (mailto:a@example.com)";
	const std::string frame = encode(settings);
	const auto s = through<ProbeSettings>(frame);
	EXPECT_EQ(s.max_document_size_kb, 1024);
	EXPECT_EQ(s.dial.tor_proxy, settings.dial.tor_proxy);
	EXPECT_EQ(s.dial.user_agent, settings.dial.user_agent);
	EXPECT_EQ(encode(s), frame);

	const std::string visit_frame = encode(Visit{.relay_id = 4,
												 .attempt = 9,
												 .url = "wss://relay.example.com",
												 .try_nips = true,
												 .event = R"({"id":""})"});
	const auto v = through<Visit>(visit_frame);
	EXPECT_EQ(v.relay_id, 4);
	EXPECT_EQ(v.attempt, 9u);
	EXPECT_EQ(v.url, "wss://relay.example.com");
	EXPECT_TRUE(v.try_nips);
	EXPECT_EQ(v.event, R"({"id":""})");
	EXPECT_EQ(through<VisitStop>(encode(VisitStop{4, 9})).attempt, 9u);
}

TEST(ProbeMessages, NetToWorker)
{
	const std::string frame = encode(VisitBatch{.number = 5, .visits = {visited(), visited()}});
	const auto batch = through<VisitBatch>(frame);
	EXPECT_EQ(batch.number, 5u);
	ASSERT_EQ(batch.visits.size(), 2u);
	const Visited &v = batch.visits[1];
	EXPECT_EQ(v.verdict, Verdict::Nostr);
	ASSERT_EQ(v.steps.size(), kSteps);
	EXPECT_EQ(v.steps[9].reason, "no_answer");
	EXPECT_EQ(v.steps[9].microseconds, -1);
	EXPECT_EQ(v.addresses[1].text, "2001:db8::1");
	EXPECT_EQ(v.ttl, 300);
	EXPECT_EQ(v.location[0].city, "Frankfurt ä");
	EXPECT_EQ(v.location[0].longitude, -86842);
	EXPECT_EQ(v.location[0].as_number, 64500U);
	EXPECT_EQ(*v.certificate[0].fingerprint, kPrint);
	EXPECT_EQ(v.certificate[0].names[1].text, "*.example.com");
	EXPECT_EQ(v.document[0].faults[0].field, "limitation.max_limit");
	EXPECT_TRUE(v.limit_ignored);
	EXPECT_EQ(encode(batch), frame);
}

TEST(ProbeMessages, NamesOfSteps)
{
	EXPECT_STREQ(step_name(Step::Names), "names");
	EXPECT_STREQ(step_name(Step::Negentropy), "negentropy");
	EXPECT_EQ(step_nip(Step::Document), 11);
	EXPECT_EQ(step_nip(Step::Negentropy), 77);
	EXPECT_EQ(step_nip(Step::Connect), 0);
}

/* No desk takes what is another's. */
TEST(ProbeMessages, OtherRolesMessagesAreFaults)
{
	std::string fault;
	const std::string visit = encode(Visit{.relay_id = 1}), open = encode(RelayOpen{.relay_id = 1});
	EXPECT_TRUE(decode<ProbeToNet>(frame_of(visit), fault));
	EXPECT_FALSE(decode<ArchiveToNet>(frame_of(visit), fault));
	EXPECT_FALSE(decode<ProbeToNet>(frame_of(open), fault));
	EXPECT_FALSE(decode<ProbeToWorker>(frame_of(visit), fault));
	EXPECT_EQ(fault, "a message that is not expected here");
}

TEST(ProbeMessages, SemanticFaults)
{
	ProbeSettings settings;
	settings.max_document_size_kb = 1025;
	EXPECT_EQ(fault_of(settings), "setting out of range");
	EXPECT_EQ(fault_of(Visit{.relay_id = 0}), "relay id out of range");
	const std::string long_event(kMaxProbeEvent + 1, 'x');
	EXPECT_EQ(fault_of(Visit{.relay_id = 1, .event = long_event}), "text too long");

	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.steps.pop_back(); })), "steps out of order");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { std::swap(v.steps[0], v.steps[1]); })),
			  "steps out of order");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.steps[0].microseconds = -2; })),
			  "time of a step out of range");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.verdict = Verdict(6); })),
			  "unknown enumeration value");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.http_status = 1000; })),
			  "HTTP status out of range");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.addresses.assign(17, {"192.0.2.1"}); })),
			  "too many addresses");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.location.push_back(v.location[0]); })),
			  "more than one location, certificate or document");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.location[0].latitude = 900001; })),
			  "coordinates out of range");
	EXPECT_EQ(fault_of(batch_with(
				  [](Visited &v) { v.location[0].longitude = LocationReport::kUnknown; })),
			  "half of the coordinates");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.certificate.push_back(v.certificate[0]); })),
			  "more than one location, certificate or document");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.document.push_back(v.document[0]); })),
			  "more than one location, certificate or document");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.certificate[0].names.assign(101, {"a"}); })),
			  "too many names");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) {
				  v.document[0].json = {"\0", 1};
			  })),
			  "U+0000 in a document");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.document[0].json = "\xff"; })),
			  "invalid UTF-8");
	EXPECT_EQ(fault_of(batch_with([](Visited &v) { v.document[0].faults.assign(101, {"a"}); })),
			  "too many faults");
}

TEST(ProbeMessages, DamagedBodiesDoNoHarm)
{
	const std::string frame = encode(VisitBatch{.number = 1, .visits = {visited()}});
	std::string fault;
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
