/*
 * Whatever decodes can be encoded, and then decodes to the same. An input is either a body as it
 * is, or (first byte: which) a good frame and changes to it, since a fuzzer seldom guesses a whole
 * one.
 */
#include <cstdlib>

#include "wire/messages.h"

using namespace wire;

namespace {

void
require(bool held)
{
	if (!held)
		abort();
}

const std::vector<std::string> &
good_frames()
{
	static const std::vector<std::string> frames = [] {
		static const nostr::Id id = {1, 2, 3};
		static const nostr::Signature sig = {4, 5, 6};
		Batch batch;
		batch.events.assign(2, {&id, &id, &sig, 1700000000, 1, "[[\"t\",\"x\"]]", "text", false});
		batch.sightings.assign(2, {&id, 3, 1700000001});
		batch.refusals.push_back({3, "id_mismatch", 12, "detail"});
		batch.traffic.push_back({3, 1000, 99, 4});
		batch.claims.push_back({3, {{0, 100}, nostr::Evidence::Paged, 5}});
		batch.reports.push_back({3, RelayPhase::Ended, "timeout", "no answer", 1500});
		return std::vector<std::string>{
			encode(Settings{}),
			encode(RelayTask{3, "wss://relay.example.com", {{0, 10}, {20, 30}}, true}),
			encode(RelayStop{3}),
			encode(Known{1, {0, 1}}),
			encode(Ack{1}),
			encode(Hello{kVersion, 1}),
			encode(Question{1, {&id, 1}}),
			encode(batch),
			encode(Log{LogLevel::Info, 0, "text"}),
			encode(Stats{}),
		};
	}();
	return frames;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	std::string body(reinterpret_cast<const char *>(data), size);
	if (size > 0 && data[0] < good_frames().size()) {
		body = good_frames()[data[0]].substr(8);
		for (size_t i = 1; i + 3 <= size; i += 3)
			body[(data[i] | data[i + 1] << 8) % body.size()] = static_cast<char>(data[i + 2]);
	}
	std::string fault;
	const auto message = decode(body, fault);
	require(message.has_value() == fault.empty());
	if (!message)
		return 0;
	const std::string frame = encode(*message);
	FrameBuffer buffer;
	std::copy(frame.begin(), frame.end(), buffer.reserve(frame.size()));
	buffer.filled(frame.size());
	const auto again = decode(buffer.next().value(), fault);
	require(again && again->index() == message->index() && encode(*again) == frame);
	return 0;
}
