#include "messages.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "checks.h"
#include "wire_generated.h"

namespace wire {
namespace {

// ---- encoding

using Builder = flatbuffers::FlatBufferBuilder;

const uint8_t *
bytes_of(const void *data)
{
	// An empty view may have no address, but FlatBuffers hands it to memcpy.
	static const uint8_t none = 0;
	return data ? static_cast<const uint8_t *>(data) : &none;
}

const fb::Id *
as_fb(const nostr::Id *id)
{
	return reinterpret_cast<const fb::Id *>(id);
}

auto
put(Builder &b, std::string_view text)
{
	return b.CreateString(reinterpret_cast<const char *>(bytes_of(text.data())), text.size());
}

auto
put_bytes(Builder &b, std::string_view text)
{
	return b.CreateVector(bytes_of(text.data()), text.size());
}

/* A vector of tables, each made by `make`. */
template <class Items, class F>
auto
put_tables(Builder &b, const Items &items, F make)
{
	std::vector<decltype(make(items.front()))> offsets;
	offsets.reserve(items.size());
	for (const auto &item : items)
		offsets.push_back(make(item));
	return b.CreateVector(offsets);
}

auto
put(Builder &b, const Settings &m)
{
	auto ca = put(b, m.tls_ca_file);
	auto agent = put(b, m.user_agent);
	return fb::CreateSettings(b, m.allow_local, m.connect_timeout_ms, m.response_timeout_ms,
							  m.page_limit, m.max_message_bytes, m.max_event_bytes,
							  m.max_event_tags, m.verifier_threads, m.buffer_bytes, ca, agent);
}

auto
put(Builder &b, const RelayTask &m)
{
	std::vector<fb::Range> ranges;
	for (const auto &range : m.ranges)
		ranges.emplace_back(range.lower, range.upper);
	auto url = put(b, m.url);
	return fb::CreateRelayTask(b, m.relay_id, url, b.CreateVectorOfStructs(ranges), m.live);
}

auto
put(Builder &b, const RelayStop &m)
{
	return fb::CreateRelayStop(b, m.relay_id);
}

auto
put(Builder &b, const Known &m)
{
	return fb::CreateKnown(b, m.question, b.CreateVector(bytes_of(m.known.data()), m.known.size()));
}

auto
put(Builder &b, const Ack &m)
{
	return fb::CreateAck(b, m.batch);
}

auto
put(Builder &b, const Hello &m)
{
	return fb::CreateHello(b, m.version, m.pid);
}

auto
put(Builder &b, const Question &m)
{
	const auto *ids = reinterpret_cast<const fb::Id *>(bytes_of(m.ids.data()));
	return fb::CreateQuestion(b, m.question, b.CreateVectorOfStructs(ids, m.ids.size()));
}

auto
put(Builder &b, const Batch &m)
{
	auto events = put_tables(b, m.events, [&](const Event &e) {
		auto tags = put_bytes(b, e.tags);
		auto content = put_bytes(b, e.content);
		return fb::CreateEvent(b, as_fb(e.id), as_fb(e.pubkey),
							   reinterpret_cast<const fb::Sig *>(e.sig), e.created_at, e.kind, tags,
							   content, e.has_nul);
	});
	fb::Sighting *sightings;
	auto sighted = b.CreateUninitializedVectorOfStructs(m.sightings.size(), &sightings);
	for (const auto &s : m.sightings) {
		const fb::Sighting value(*as_fb(s.id), s.relay_id, s.seen_at);
		memcpy(static_cast<void *>(sightings++), &value, sizeof value);
	}
	auto refusals = put_tables(b, m.refusals, [&](const Refusal &r) {
		auto reason = put(b, r.reason);
		return fb::CreateRefusal(b, r.relay_id, reason, r.count,
								 put(b, made_printable(r.detail, kMaxDetail)));
	});
	auto traffic = put_tables(b, m.traffic, [&](const Traffic &t) {
		return fb::CreateTraffic(b, t.relay_id, t.bytes, t.messages, t.pages);
	});
	auto claims = put_tables(b, m.claims, [&](const Claim &c) {
		return fb::CreateClaim(b, c.relay_id, c.claim.range.lower, c.claim.range.upper,
							   static_cast<uint8_t>(c.claim.evidence), c.claim.events);
	});
	auto reports = put_tables(b, m.reports, [&](const RelayReport &r) {
		auto reason = put(b, r.reason);
		return fb::CreateRelayReport(b, r.relay_id, static_cast<fb::RelayPhase>(r.phase), reason,
									 put(b, made_printable(r.detail, kMaxDetail)),
									 r.retry_after_ms);
	});
	return fb::CreateBatch(b, m.batch, events, sighted, refusals, traffic, claims, reports);
}

auto
put(Builder &b, const Log &m)
{
	return fb::CreateLog(b, static_cast<fb::LogLevel>(m.level), m.relay_id,
						 put(b, made_printable(m.message, kMaxLog)));
}

auto
put(Builder &b, const Stats &m)
{
	return fb::CreateStats(b, m.connections, m.connecting, m.bytes_in_flight, m.rss_bytes,
						   m.verified, m.messages);
}

// ---- decoding

template <class Enum>
Enum
known_value(uint8_t value, Enum last)
{
	demand(value <= static_cast<uint8_t>(last), "unknown enumeration value");
	return static_cast<Enum>(value);
}

int32_t
relay_id(int32_t id)
{
	demand(id > 0, "relay id out of range");
	return id;
}

nostr::TimeRange
time_range(int64_t lower, int64_t upper)
{
	demand(lower >= 0 && lower <= upper, "time range out of order");
	return {lower, upper};
}

/* FlatBuffers does not verify the alignment of structs in vectors. */
template <class Struct>
Struct
aligned(const flatbuffers::Vector<const Struct *> &structs, flatbuffers::uoffset_t i)
{
	Struct value;
	memcpy(static_cast<void *>(&value), structs.Data() + i * sizeof(Struct), sizeof value);
	return value;
}

template <class Vector>
std::string_view
text(const Vector *bytes)
{
	return {reinterpret_cast<const char *>(bytes->Data()), bytes->size()};
}

class Reader
{
  public:
	explicit Reader(size_t body) : texts_(body) {}

	Settings read(const fb::Settings &m)
	{
		demand(m.page_limit() > 0 && m.page_limit() <= INT32_MAX, "page limit out of range");
		demand(m.verifier_threads() > 0, "number of threads out of range");
		return {m.allow_local(),
				m.connect_timeout_ms(),
				m.response_timeout_ms(),
				m.page_limit(),
				m.max_message_bytes(),
				m.max_event_bytes(),
				m.max_event_tags(),
				m.verifier_threads(),
				m.buffer_bytes(),
				texts_.utf8(text(m.tls_ca_file()), kMaxPath),
				texts_.printable(text(m.user_agent()), kMaxDetail)};
	}

	RelayTask read(const fb::RelayTask &m)
	{
		RelayTask task{
			relay_id(m.relay_id()), texts_.printable(text(m.url()), kMaxUrl), {}, m.live()};
		for (uint32_t i = 0, n = count(*m.ranges()); i < n; i++) {
			const fb::Range range = aligned(*m.ranges(), i);
			task.ranges.push_back(time_range(range.lower(), range.upper()));
		}
		return task;
	}

	RelayStop read(const fb::RelayStop &m) { return {relay_id(m.relay_id())}; }

	Known read(const fb::Known &m)
	{
		const uint8_t *begin = m.known()->data(), *end = begin + count(*m.known());
		demand(std::all_of(begin, end, [](uint8_t b) { return b <= 1; }), "answer is no 0 or 1");
		return {m.question(), {begin, end}};
	}

	Ack read(const fb::Ack &m) { return {m.batch()}; }

	Hello read(const fb::Hello &m) { return {m.version(), m.pid()}; }

	Question read(const fb::Question &m)
	{
		const size_t ids = count(*m.ids());
		return {m.question(), {reinterpret_cast<const nostr::Id *>(m.ids()->Data()), ids}};
	}

	Batch read(const fb::Batch &m)
	{
		Batch batch;
		batch.batch = m.batch();
		fill(batch.events, *m.events());
		batch.sightings.reserve(count(*m.sightings()));
		for (uint32_t i = 0; i < m.sightings()->size(); i++) {
			const uint8_t *at = m.sightings()->Data() + i * sizeof(fb::Sighting);
			const fb::Sighting s = aligned(*m.sightings(), i);
			demand(s.seen_at() >= 0, "time of a sighting out of range");
			batch.sightings.push_back(
				{reinterpret_cast<const nostr::Id *>(at), relay_id(s.relay_id()), s.seen_at()});
		}
		fill(batch.refusals, *m.refusals());
		fill(batch.traffic, *m.traffic());
		fill(batch.claims, *m.claims());
		fill(batch.reports, *m.reports());
		return batch;
	}

	Log read(const fb::Log &m)
	{
		demand(m.relay_id() >= 0, "relay id out of range");
		return {known_value(static_cast<uint8_t>(m.level()), LogLevel::Warning), m.relay_id(),
				texts_.printable(text(m.message()), kMaxLog)};
	}

	Stats read(const fb::Stats &m)
	{
		return {m.connections(), m.connecting(), m.bytes_in_flight(),
				m.rss_bytes(),   m.verified(),   m.messages()};
	}

  private:
	Event read(const fb::Event &e)
	{
		demand(e.created_at() >= 0, "time of an event out of range");
		demand(e.kind() >= 0 && e.kind() <= 65535, "kind out of range");
		const std::string_view tags = texts_.utf8(text(e.tags()), kMaxFrame);
		const std::string_view content = texts_.utf8(text(e.content()), kMaxFrame);
		demand(e.has_nul() || (tags.find('\0') == tags.npos && content.find('\0') == content.npos),
			   "unannounced U+0000");
		return {reinterpret_cast<const nostr::Id *>(e.id()),
				reinterpret_cast<const nostr::PublicKey *>(e.pubkey()),
				reinterpret_cast<const nostr::Signature *>(e.sig()),
				e.created_at(),
				e.kind(),
				tags,
				content,
				e.has_nul()};
	}

	Refusal read(const fb::Refusal &r)
	{
		const std::string_view reason = texts_.code(text(r.reason()));
		demand(!reason.empty(), "empty reason code");
		return {relay_id(r.relay_id()), reason, r.count(),
				texts_.printable(text(r.detail()), kMaxDetail)};
	}

	Traffic read(const fb::Traffic &t)
	{
		return {relay_id(t.relay_id()), t.bytes(), t.messages(), t.pages()};
	}

	Claim read(const fb::Claim &c)
	{
		demand(c.events() >= 0, "count of a claim out of range");
		return {relay_id(c.relay_id()),
				{time_range(c.lower(), c.upper()),
				 known_value(c.evidence(), nostr::Evidence::Dense), c.events()}};
	}

	RelayReport read(const fb::RelayReport &r)
	{
		return {relay_id(r.relay_id()),
				known_value(static_cast<uint8_t>(r.phase()), RelayPhase::Ended),
				texts_.code(text(r.reason())), texts_.printable(text(r.detail()), kMaxDetail),
				r.retry_after_ms()};
	}

	template <class Vector> size_t count(const Vector &vector)
	{
		demand(vector.size() <= kMaxItems, "too many items");
		return vector.size();
	}

	template <class Value, class Table>
	void fill(std::vector<Value> &values,
			  const flatbuffers::Vector<flatbuffers::Offset<Table>> &tables)
	{
		values.reserve(count(tables));
		for (const Table *table : tables)
			values.push_back(read(*table));
	}

	Texts texts_;
};

Message
decode_frame(const fb::Frame &frame, Reader reader)
{
	switch (frame.payload_type()) {
	case fb::Payload::Settings:
		return reader.read(*frame.payload_as_Settings());
	case fb::Payload::RelayTask:
		return reader.read(*frame.payload_as_RelayTask());
	case fb::Payload::RelayStop:
		return reader.read(*frame.payload_as_RelayStop());
	case fb::Payload::Known:
		return reader.read(*frame.payload_as_Known());
	case fb::Payload::Ack:
		return reader.read(*frame.payload_as_Ack());
	case fb::Payload::Hello:
		return reader.read(*frame.payload_as_Hello());
	case fb::Payload::Question:
		return reader.read(*frame.payload_as_Question());
	case fb::Payload::Batch:
		return reader.read(*frame.payload_as_Batch());
	case fb::Payload::Log:
		return reader.read(*frame.payload_as_Log());
	case fb::Payload::Stats:
		return reader.read(*frame.payload_as_Stats());
	case fb::Payload::NONE:
		break;
	}
	throw Fault{"unknown message"};
}

} // namespace

std::string
encode(const Message &message)
{
	static thread_local Builder builder(64 << 10); // grows to the largest frame and stays
	builder.Clear();
	// The order of the variant is that of the union, whose first member is 1 (0: none).
	const auto type = static_cast<fb::Payload>(message.index() + 1);
	const auto payload = std::visit([](const auto &m) { return put(builder, m).Union(); }, message);
	builder.Finish(fb::CreateFrame(builder, type, payload));
	const uint64_t length = (builder.GetSize() + kAlignment - 1) / kAlignment * kAlignment;
	if (length > kMaxFrame)
		throw std::length_error("message exceeds the longest frame");
	std::string frame;
	frame.reserve(sizeof length + length);
	for (size_t i = 0; i < sizeof length; i++)
		frame += static_cast<char>(length >> 8 * i);
	frame.append(reinterpret_cast<const char *>(builder.GetBufferPointer()), builder.GetSize());
	frame.resize(sizeof length + length);
	return frame;
}

std::optional<Message>
decode(std::string_view body, std::string &fault)
{
	const auto *data = reinterpret_cast<const uint8_t *>(body.data());
	flatbuffers::Verifier::Options bounds;
	bounds.max_depth = 8;
	bounds.max_tables = 6 * kMaxItems;
	try {
		demand(!body.empty() && body.size() <= kMaxFrame, "length out of range");
		demand(reinterpret_cast<uintptr_t>(data) % kAlignment == 0, "body is not aligned");
		flatbuffers::Verifier verifier(data, body.size(), bounds);
		demand(fb::VerifyFrameBuffer(verifier), "malformed buffer");
		return decode_frame(*fb::GetFrame(data), Reader(body.size()));
	} catch (const Fault &found) {
		fault = found.what;
		return std::nullopt;
	}
}

} // namespace wire
