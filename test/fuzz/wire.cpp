/*
 * What decodes encodes to the same bytes again. An input is the type of a frame and its body, or
 * (first byte: which) a good frame and changes to it, since a fuzzer seldom guesses a whole one.
 */
#include "require.h"
#include "wire/archive.h"
#include "wire/fetch.h"
#include "wire/probe.h"
#include "wire/publish.h"
#include "wire/serve.h"

using namespace wire;

namespace {

/* What a desk takes from one direction. */
template <class Messages>
void
check(const Frame &frame)
{
	std::string fault;
	const auto message = decode<Messages>(frame, fault);
	require(message.has_value() == fault.empty());
	if (message)
		require(std::visit([](const auto &one) { return encode(one); }, *message).substr(kHead) ==
				frame.body);
}

template <class... Messages>
void
check_each(const Frame &frame)
{
	(check<Messages>(frame), ...);
}

const std::vector<std::string> &
good_frames()
{
	static const std::vector<std::string> frames = [] {
		static const nostr::Id id = {1, 2, 3};
		static const nostr::Signature sig = {4, 5, 6};
		Batch batch;
		batch.events.assign(2, {&id, &id, &sig, 1700000000, 1, "[[\"t\",\"x\"]]", "text", false});
		batch.sightings.assign(2, {{&id, 1700000000, 1}, 3, 1700000001});
		batch.refusals.push_back({3, "id_mismatch", 12, "detail"});
		batch.traffic.push_back({3, 1000, 99, 4});
		batch.claims.push_back(
			{.relay_id = 3, .claim = {.range = {0, 100}, .evidence = nostr::Evidence::Paged}});
		batch.retracts.push_back({.relay_id = 3, .retract = {.range = {0, 10}}});
		batch.reports.push_back({3, 1, RelayPhase::Ended, "timeout", "no answer", 1500});
		Visited visit{.relay_id = 3, .attempt = 1, .started_at = 1700000000};
		for (size_t i = 0; i < kSteps; i++)
			visit.steps.push_back({.step = Step(i), .reason = "earlier", .detail = "detail"});
		visit.addresses = {{"192.0.2.1"}};
		visit.certificate.push_back({.issuer = "CN=ca", .names = {{"a"}}, .fingerprint = &id});
		visit.document.push_back({.http_status = 200, .json = "{}"});
		return std::vector<std::string>{
			encode(ServeSettings{.name = "name"}),
			encode(Routes{{{.number = 1,
							.name = "list",
							.path = "/list/{id}",
							.shape = Shape::List,
							.parameters = {{.name = "id", .required = true}}}}}),
			encode(Rows{.call = 1, .rows = {{"{}", "[1]"}}}),
			encode(CallEnd{.call = 1, .sqlstate = "57014", .message = "text"}),
			encode(NewEvents{.events = {{1}, {2}}}),
			encode(CallRoute{.number = 1, .route = 2, .arguments = {{true, "x"}, {}}}),
			encode(RowsTaken{1}),
			encode(CallCancel{1}),
			encode(ServerCertificate{.chain = "chain", .key = "key"}),
			encode(CertificateTaken{.fault = "fault", .doubt = "doubt"}),
			encode(ApiKeys{{{.number = 1, .digest = &id, .pubkey = &id, .scopes = "events"}}}),
			encode(KeyUses{{{.key = 1, .requests = 2, .bytes = 3, .cost = 4}}}),
			encode(ArchiveSettings{}),
			encode(RelayOpen{.relay_id = 3,
							 .attempt = 1,
							 .url = "wss://relay.example.com",
							 .live = true,
							 .sign_in = true,
							 .ranges = {{0, 10}, {20, 30, 2}},
							 .filters = {{1, "{}"}}}),
			encode(RelayMore{.relay_id = 3, .attempt = 1, .ranges = {{0, 10}}}),
			encode(SignIn{.relay_id = 3, .attempt = 1, .challenge = "challenge"}),
			encode(SignedIn{.relay_id = 3, .attempt = 1, .id = &id, .event = "{}"}),
			encode(RelayStop{3, 1}),
			encode(Known{1, {0, 1}}),
			encode(Forget{{&id, 1}}),
			encode(Ack{1}),
			encode(Hello{Role::Sync, build_id(), 1}),
			encode(KnownQuestion{1, {{&id, 1700000000, 1}}}),
			encode(batch),
			encode(Log{LogLevel::Info, 0, "text"}),
			encode(Stats{{{"connections", 1}}}),
			encode(ProbeSettings{}),
			encode(Visit{.relay_id = 3, .url = "wss://relay.example.com", .event = "{}"}),
			encode(VisitBatch{.number = 1, .visits = {visit}}),
			encode(PublishSettings{}),
			encode(Publish{.relay_id = 3,
						   .attempt = 1,
						   .url = "wss://relay.example.com",
						   .events = {{&id, "{}"}, {&id, "{}"}}}),
			encode(Answered{.relay_id = 3, .attempt = 1, .id = &id, .text = "blocked: no"}),
			encode(ConnectionEnded{.relay_id = 3, .attempt = 1, .reason = "stalled"}),
			encode(Listen{.relay_id = 4,
						  .attempt = 1,
						  .url = "wss://relay.example.com",
						  .kinds = {{5400}, {7007}},
						  .authors = {},
						  .since = 1700000000}),
			encode(StopListening{4}),
			encode(Post{.attempt = 1,
						.url = "https://a/",
						.id = "one",
						.sent_at = 1700000000,
						.signature = "v1,AA==",
						.document = "{}"}),
			encode(Posted{.attempt = 1, .reason = "http_error", .detail = "HTTP status 500"}),
			encode(Heard{.relay_id = 4, .attempt = 1, .event = batch.events[0]}),
			encode(FetchSettings{}),
			encode(Fetch{.attempt = 1, .url = "https://a", .max_bytes = 1, .max_names = 1}),
			encode(
				Fetched{.attempt = 1, .outcome = FetchOutcome::Read, .names = {{"wss://a.com"}}}),
		};
	}();
	return frames;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	uint16_t type = data[0];
	std::string body(reinterpret_cast<const char *>(data) + 1, size - 1);
	if (data[0] < good_frames().size()) {
		const std::string &good = good_frames()[data[0]];
		type = static_cast<uint8_t>(good[4]);
		body = good.substr(kHead);
		for (size_t i = 1; i + 3 <= size && !body.empty(); i += 3)
			body[(data[i] | data[i + 1] << 8) % body.size()] = static_cast<char>(data[i + 2]);
	}
	check_each<LinkToWorker, ArchiveToNet, ArchiveToWorker, ProbeToNet, ProbeToWorker, PublishToNet,
			   PublishToWorker, FetchToNet, FetchToWorker, ServeToNet, ServeToWorker>(
		{.type = type, .body = body});
	return 0;
}
