/*
 * One Nostr event (NIP-01): parsing, canonical form, id. keys.h has the signatures.
 *
 * This code uses no I/O, no clock and no PostgreSQL. Input is hostile: the parser is strict where
 * NIP-01 or the deployed software is (lower-case hex, integer tokens, no duplicate field, valid
 * UTF-8, no lone surrogate), and limits size, depth and count.
 */
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace nostr {

using Id = std::array<uint8_t, 32>;        // SHA-256 of the canonical form
using PublicKey = std::array<uint8_t, 32>; // x-only secp256k1 key (BIP-340)
using Signature = std::array<uint8_t, 64>; // BIP-340 over the id

/* Why an event or a message was refused. Users see and count the code (reject_code). */
enum class Reject : uint8_t
{
	None,
	BadJson,        // not one JSON text (RFC 8259)
	BadUtf8,        // invalid UTF-8, or a lone surrogate escape
	TooDeep,        // nesting beyond Limits::depth
	TooLarge,       // longer than Limits::event_bytes
	TooManyTags,    // more than Limits::tags
	NotAnObject,    // the event is not a JSON object
	MissingField,   // one of the seven fields is absent
	DuplicateField, // one of the seven fields occurs twice
	BadId,          // not 64 lower-case hex digits
	BadPubkey,      // not 64 lower-case hex digits
	BadSig,         // not 128 lower-case hex digits
	BadCreatedAt,   // not an integer token in 0 .. 2^63-1
	BadKind,        // not an integer token in 0 .. 65535
	BadTags,        // not an array of non-empty arrays of strings
	BadContent,     // not a string
	IdMismatch,     // the id is not the hash of the event
	BadSignature,   // the signature does not verify, or the key is not a curve point
	BadMessage,     // a JSON text, but no well-formed relay message
};

/* Stable lower-case code such as "id_mismatch"; never null. */
const char *reject_code(Reject reason);

struct Limits
{
	size_t event_bytes = 1 << 20; // JSON text of one event
	size_t tags = 10000;          // largest number of tags in one event
	int depth = 64;               // nesting of arrays and objects in one message
};

struct Event
{
	Id id;
	PublicKey pubkey;
	Signature sig;
	int64_t created_at = 0; // Unix seconds
	int32_t kind = 0;       // 0 .. 65535
	std::string tags;       // canonical JSON text, e.g. [["e","…"],["p","…"]]
	std::string content;    // unescaped UTF-8; may hold U+0000
	bool has_nul = false;   // content or tags contain U+0000, which no `text` can hold
};

/*
 * Parses events and compares the id with the SHA-256 of the canonical form. Does not check the
 * signature. Use one parser per thread, because it keeps scratch memory between calls.
 */
class EventParser
{
  public:
	explicit EventParser(Limits limits = {}) : limits_(limits) {}

	/* Fills `event` and returns Reject::None, or returns the reason and leaves `event` unspecified.
	 */
	Reject parse(std::string_view json, Event &event);

	const Limits &limits() const { return limits_; }

  private:
	friend class MessageParser;
	Limits limits_;
	std::string scratch_; // canonical form
};

/* The text whose UTF-8 bytes are hashed: [0,"<pubkey>",<created_at>,<kind>,<tags>,"<content>"]. */
void append_canonical(const Event &event, std::string &out);

/* SHA-256 of the canonical form. */
Id compute_id(const Event &event);

/* The event as one line of JSON, with the fields in NIP-01 order. Parsing it gives the same
 * event. */
std::string to_json(const Event &event);

/* Appends `text` as a JSON string with quotes, escaped as in the canonical form. */
void append_json_string(std::string_view text, std::string &out);

template <size_t N>
std::string_view
view(const std::array<uint8_t, N> &bytes)
{
	return {reinterpret_cast<const char *>(bytes.data()), N};
}

std::string to_hex(const uint8_t *bytes, size_t size);
inline std::string
to_hex(std::string_view bytes)
{
	return to_hex(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
}
/* False unless `hex` is exactly 2*size lower-case hex digits. */
bool from_hex(std::string_view hex, uint8_t *bytes, size_t size);

} // namespace nostr
