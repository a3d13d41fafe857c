#include "nip19.h"

#include <simdjson.h>

#include <algorithm>

#include "ascii.h"
#include "bech32.h"

namespace nostr {

namespace {

/* TLV types. */
enum : uint8_t
{
	kSpecial, // the key, id, identifier or relay
	kRelay,
	kAuthor,
	kKind
};

constexpr size_t kMaxValue = 255; // a length is one byte

/* The fields that a type may have. */
struct Shape
{
	Nip19Type type;
	const char *prefix;
	bool bare;   // just 32 bytes, no TLV
	bool author; // author and kind are allowed
};

constexpr Shape kShapes[] = {
	{Nip19Type::Npub, "npub", true, false},      {Nip19Type::Nsec, "nsec", true, false},
	{Nip19Type::Note, "note", true, false},      {Nip19Type::Nprofile, "nprofile", false, false},
	{Nip19Type::Nevent, "nevent", false, true},  {Nip19Type::Naddr, "naddr", false, true},
	{Nip19Type::Nrelay, "nrelay", false, false},
};

const Shape &
shape_of(Nip19Type type)
{
	return kShapes[static_cast<size_t>(type)];
}

bool
is_relay(std::string_view text)
{
	return text.size() <= kMaxValue && std::all_of(text.begin(), text.end(), is_printable);
}

bool
is_identifier(std::string_view text)
{
	return text.size() <= kMaxValue && simdjson::validate_utf8(text.data(), text.size());
}

const char *
take_key(std::string_view value, std::optional<std::array<uint8_t, 32>> &out)
{
	if (out)
		return "duplicate_field";
	if (value.size() != 32)
		return "bad_length";
	out.emplace();
	std::copy(value.begin(), value.end(), out->begin());
	return nullptr;
}

const char *
take_kind(std::string_view value, std::optional<int32_t> &out)
{
	if (out)
		return "duplicate_field";
	if (value.size() != 4)
		return "bad_length";
	uint32_t kind = 0;
	for (char c : value)
		kind = kind << 8 | static_cast<unsigned char>(c);
	if (kind > 65535)
		return "bad_kind";
	out = static_cast<int32_t>(kind);
	return nullptr;
}

const char *
take_relay(std::string_view value, Nip19 &out)
{
	if (!is_relay(value))
		return "bad_relay";
	out.relays.emplace_back(value);
	return nullptr;
}

const char *
take_special(std::string_view value, Nip19 &out)
{
	switch (out.type) {
	case Nip19Type::Naddr:
		if (out.identifier)
			return "duplicate_field";
		if (!is_identifier(value))
			return "bad_identifier";
		out.identifier.emplace(value);
		return nullptr;
	case Nip19Type::Nrelay:
		return out.relays.empty() ? take_relay(value, out) : "duplicate_field";
	default:
		return take_key(value, out.key);
	}
}

const char *
take(uint8_t type, std::string_view value, Nip19 &out)
{
	bool with_author = shape_of(out.type).author;
	if (type == kSpecial)
		return take_special(value, out);
	if (type == kRelay && out.type != Nip19Type::Nrelay)
		return take_relay(value, out);
	if (type == kAuthor && with_author)
		return take_key(value, out.author);
	if (type == kKind && with_author)
		return take_kind(value, out.kind);
	return nullptr; // unknown types are skipped
}

bool
is_complete(const Nip19 &entity)
{
	switch (entity.type) {
	case Nip19Type::Naddr:
		return entity.identifier && entity.author && entity.kind;
	case Nip19Type::Nrelay:
		return entity.relays.size() == 1;
	default:
		return entity.key.has_value();
	}
}

/* Whether the entity has a field that its type does not allow. */
bool
is_overfull(const Nip19 &entity)
{
	const Shape &shape = shape_of(entity.type);
	bool keyed = entity.type != Nip19Type::Naddr && entity.type != Nip19Type::Nrelay;
	return (entity.key && !keyed) || (entity.identifier && entity.type != Nip19Type::Naddr) ||
		   ((entity.author || entity.kind) && !shape.author) ||
		   (!entity.relays.empty() && shape.bare);
}

const char *
fault_of_values(const Nip19 &entity)
{
	if (entity.kind && (*entity.kind < 0 || *entity.kind > 65535))
		return "bad_kind";
	if (!std::all_of(entity.relays.begin(), entity.relays.end(), is_relay))
		return "bad_relay";
	if (entity.identifier && !is_identifier(*entity.identifier))
		return "bad_identifier";
	return nullptr;
}

void
append_item(uint8_t type, std::string_view value, std::string &out)
{
	out += static_cast<char>(type);
	out += static_cast<char>(value.size());
	out += value;
}

std::string
items_of(const Nip19 &entity)
{
	std::string out;
	if (entity.type == Nip19Type::Nrelay) {
		append_item(kSpecial, entity.relays.front(), out);
		return out;
	}
	append_item(kSpecial, entity.identifier ? *entity.identifier : view(*entity.key), out);
	for (const std::string &relay : entity.relays)
		append_item(kRelay, relay, out);
	if (entity.author)
		append_item(kAuthor, view(*entity.author), out);
	if (entity.kind) {
		const char kind[] = {0, 0, static_cast<char>(*entity.kind >> 8),
							 static_cast<char>(*entity.kind)};
		append_item(kKind, {kind, sizeof(kind)}, out);
	}
	return out;
}

} // namespace

const char *
nip19_prefix(Nip19Type type)
{
	return shape_of(type).prefix;
}

std::optional<Nip19Type>
nip19_type(std::string_view prefix)
{
	for (const Shape &shape : kShapes)
		if (prefix == shape.prefix)
			return shape.type;
	return std::nullopt;
}

const char *
decode_nip19(std::string_view text, Nip19 &out)
{
	constexpr std::string_view scheme = "nostr:";
	bool is_uri = text.starts_with(scheme);
	if (is_uri)
		text.remove_prefix(scheme.size());
	Bech32 decoded = decode_bech32(text, Nip19::kMaxChars);
	if (decoded.reason != nullptr)
		return decoded.reason;
	std::optional<Nip19Type> type = nip19_type(decoded.prefix);
	if (!type)
		return "unknown_prefix";
	if (is_uri && *type == Nip19Type::Nsec)
		return "secret_uri";
	std::string bytes;
	if (!bytes_of_words(decoded.words, bytes))
		return "bad_padding";

	out = {};
	out.type = *type;
	if (shape_of(*type).bare)
		return take_key(bytes, out.key);
	for (std::string_view rest = bytes; !rest.empty();) {
		if (rest.size() < 2)
			return "truncated";
		auto size = static_cast<unsigned char>(rest[1]);
		if (rest.size() - 2 < size)
			return "truncated";
		if (const char *reason = take(static_cast<uint8_t>(rest[0]), rest.substr(2, size), out))
			return reason;
		rest.remove_prefix(2 + size);
	}
	return is_complete(out) ? nullptr : "missing_field";
}

const char *
encode_nip19(const Nip19 &entity, std::string &out)
{
	if (is_overfull(entity))
		return "unwanted_field";
	if (!is_complete(entity))
		return "missing_field";
	if (const char *reason = fault_of_values(entity))
		return reason;
	const Shape &shape = shape_of(entity.type);
	out = encode_bech32(shape.prefix, words_of_bytes(shape.bare ? std::string(view(*entity.key))
																: items_of(entity)));
	return out.size() <= Nip19::kMaxChars ? nullptr : "too_large";
}

static const char *
read_key(std::string_view text, Nip19Type bare, Nip19Type with_relays, std::array<uint8_t, 32> &out)
{
	if (from_hex(text, out.data(), out.size()))
		return nullptr;
	Nip19 entity;
	if (const char *reason = decode_nip19(text, entity)) {
		std::string_view meant = text.substr(text.starts_with("nostr:") ? 6 : 0);
		return nip19_type(meant.substr(0, meant.find('1'))) ? reason : "not_a_key";
	}
	if (entity.type != bare && entity.type != with_relays)
		return "wrong_type";
	out = *entity.key;
	return nullptr;
}

const char *
read_public_key(std::string_view text, PublicKey &out)
{
	return read_key(text, Nip19Type::Npub, Nip19Type::Nprofile, out);
}

const char *
read_event_id(std::string_view text, Id &out)
{
	return read_key(text, Nip19Type::Note, Nip19Type::Nevent, out);
}

} // namespace nostr
