/*
 * NIP-19: keys, ids and addresses as text (npub1…, nevent1…), also as nostr: URIs (NIP-21). The
 * parser is strict where software differs: a field that may occur once must not occur twice.
 */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event.h"

namespace nostr {

enum class Nip19Type : uint8_t
{
	Npub,
	Nsec,
	Note,
	Nprofile,
	Nevent,
	Naddr,
	Nrelay
};

/* The content of one text. Its type decides which fields are present. */
struct Nip19
{
	static constexpr size_t kMaxChars = 5000;

	Nip19Type type = Nip19Type::Npub;
	std::optional<std::array<uint8_t, 32>> key; // npub, nprofile: public key; nsec: secret key;
												// note, nevent: event id
	std::vector<std::string> relays;            // as written, printable ASCII; nrelay: exactly one
	std::optional<PublicKey> author;            // naddr; optional in nevent
	std::optional<int32_t> kind;                // 0 .. 65535; naddr; optional in nevent
	std::optional<std::string> identifier;      // naddr: the d tag, UTF-8, may be empty
};

/* The prefix of a type, such as "npub"; null for none. */
const char *nip19_prefix(Nip19Type type);
std::optional<Nip19Type> nip19_type(std::string_view prefix);

/*
 * Returns null and fills `out`, or returns the reason of the refusal: a reason of decode_bech32,
 * unknown_prefix, bad_padding, bad_length (of a key or id), truncated (a length exceeds the text),
 * duplicate_field, missing_field, bad_kind, bad_relay, bad_identifier, secret_uri (nostr:nsec1…).
 */
const char *decode_nip19(std::string_view text, Nip19 &out);

/*
 * Returns null and sets `out`, or returns missing_field, unwanted_field (not allowed for the type),
 * bad_kind, bad_relay, bad_identifier or too_large.
 */
const char *encode_nip19(const Nip19 &entity, std::string &out);

/*
 * Read a public key (64 hex digits, npub or nprofile) or an event id (64 hex digits, note or
 * nevent) as people write it. Return null and fill `out`, or return not_a_key (none of these
 * forms), wrong_type (another type of NIP-19), or a reason of decode_nip19.
 */
const char *read_public_key(std::string_view text, PublicKey &out);
const char *read_event_id(std::string_view text, Id &out);

} // namespace nostr
