/*
 * The messages of wire.fbs as plain values, so that code beside PostgreSQL's headers never
 * sees FlatBuffers. encode_*() returns a whole frame (length included); decode() verifies a frame's
 * body and fills a Message whose views point into that body.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nostr/event.h"
#include "nostr/paging.h"

namespace wire {

constexpr uint32_t kVersion = 1;
constexpr size_t kMaxFrame = 16 << 20; // bytes of a body
constexpr size_t kAlignment = 8;       // of bodies, in length and address
constexpr size_t kMaxItems = 20000;    // of each list in one message

// ---- worker -> net process

struct Settings
{
	bool allow_local = false;
	uint32_t connect_timeout_ms = 10000;
	uint32_t response_timeout_ms = 30000;
	uint32_t page_limit = 500;
	uint32_t max_message_bytes = 2 << 20;
	uint32_t max_event_bytes = 1 << 20;
	uint32_t max_event_tags = 10000;
	uint32_t verifier_threads = 2;
	uint64_t buffer_bytes = 32 << 20;
	std::string_view tls_ca_file;
	std::string_view user_agent;
};

struct RelayTask
{
	int32_t relay_id = 0;
	std::string_view url;
	std::vector<nostr::TimeRange> ranges;
	bool live = false;
};

struct RelayStop
{
	int32_t relay_id = 0;
};

struct Known
{
	uint64_t question = 0;
	std::vector<uint8_t> known;
};

struct Ack
{
	uint64_t batch = 0;
};

// ---- net process -> worker

struct Hello
{
	uint32_t version = 0;
	int32_t pid = 0;
};

struct Question
{
	uint64_t question = 0;
	std::span<const nostr::Id> ids;
};

struct Event
{
	const nostr::Id *id;
	const nostr::PublicKey *pubkey;
	const nostr::Signature *sig;
	int64_t created_at;
	int32_t kind;
	std::string_view tags;
	std::string_view content;
	bool has_nul;
};

struct Sighting
{
	const nostr::Id *id;
	int32_t relay_id;
	int64_t seen_at;
};

struct Claim
{
	int32_t relay_id;
	nostr::Claim claim;
};

struct Refusal
{
	int32_t relay_id;
	std::string_view reason;
	uint32_t count;
	std::string_view detail;
};

enum class RelayPhase : uint8_t
{
	Connected,
	CaughtUp,
	Ended
};

struct RelayReport
{
	int32_t relay_id;
	RelayPhase phase;
	std::string_view reason;
	std::string_view detail;
	uint32_t retry_after_ms;
};

struct Traffic
{
	int32_t relay_id;
	uint64_t bytes;
	uint64_t messages;
	uint32_t pages;
};

struct Batch
{
	uint64_t batch = 0;
	std::vector<Event> events;
	std::vector<Sighting> sightings;
	std::vector<Refusal> refusals;
	std::vector<Traffic> traffic;
	std::vector<Claim> claims;
	std::vector<RelayReport> reports;
};

enum class LogLevel : uint8_t
{
	Debug,
	Info,
	Warning
};

struct Log
{
	LogLevel level;
	int32_t relay_id;
	std::string_view message;
};

struct Stats
{
	uint32_t connections = 0;
	uint32_t connecting = 0;
	uint64_t bytes_in_flight = 0;
	uint64_t rss_bytes = 0;
	uint64_t verified = 0;
	uint64_t messages = 0;
};

using Message =
	std::variant<Settings, RelayTask, RelayStop, Known, Ack, Hello, Question, Batch, Log, Stats>;

/*
 * The whole frame. `detail` and Log's `message` may be any bytes: they are cut and made printable
 * here. Everything else must be what decode() accepts. Throws std::length_error past kMaxFrame.
 */
std::string encode(const Message &message);

/*
 * Verifies and decodes the body of one frame, which must begin at a multiple of kAlignment. On a
 * malformed body (bad buffer, text that is no valid UTF-8 or has control characters where wire.fbs
 * promises none, a count or number out of range) returns nothing and sets `fault` to what is wrong.
 */
std::optional<Message> decode(std::string_view body, std::string &fault);

/* Cuts a byte stream into frame bodies. */
class FrameBuffer
{
  public:
	/* Room for at least `size` more bytes, to read into; then call filled(). */
	char *reserve(size_t size);
	void filled(size_t size);
	/* The next whole body, valid until the next call of any method; nothing if none is whole. */
	std::optional<std::string_view> next();
	/* The peer announced an impossible length: give it up. */
	bool broken() const { return broken_; }
	size_t buffered() const { return end_ - begin_; }

  private:
	std::vector<char> bytes_;
	size_t begin_ = 0, end_ = 0;
	bool broken_ = false;
};

} // namespace wire
