#include "refusal.h"

#include "bytes.h"

namespace archive {

namespace {

struct Explanation
{
	std::string_view reason;
	const char *text;
};

constexpr Explanation kExplanations[] = {
	// events
	{"bad_json", "It is not one JSON text."},
	{"bad_utf8", "It is not valid UTF-8, or it holds a lone surrogate."},
	{"too_deep", "Arrays and objects are nested too deeply."},
	{"too_many_tags", "It has too many tags."},
	{"not_an_object", "It is no JSON object."},
	{"bad_id", "The id is not 64 lower-case hex digits."},
	{"bad_pubkey", "The pubkey is not 64 lower-case hex digits."},
	{"bad_sig", "The sig is not 128 lower-case hex digits."},
	{"bad_created_at", "created_at is not an integer from 0 to 2^63-1."},
	{"bad_tags", "The tags are not an array of non-empty arrays of strings."},
	{"bad_content", "The content is not a string."},
	{"id_mismatch", "The id is not the hash of the event."},
	{"bad_signature", "The signature does not belong to this id and pubkey."},
	// events and NIP-19
	{"too_large", "It is too long."},
	{"missing_field", "A field that it must have is missing."},
	{"duplicate_field", "A field that may appear once appears twice."},
	{"bad_kind", "The kind is not an integer from 0 to 65535."},
	// NIP-19 and invoices
	{"mixed_case", "It mixes lower-case and upper-case letters."},
	{"no_separator", "There is no \"1\" between prefix and data."},
	{"bad_prefix", "The prefix is empty or holds a character that is not printable ASCII."},
	{"bad_character", "The data holds a character that Bech32 does not have."},
	{"bad_checksum", "The checksum does not match: a character is wrong, missing or too much."},
	{"unknown_prefix",
	 "The prefix is none of npub, nsec, note, nprofile, nevent, naddr and nrelay."},
	{"bad_padding", "The data is no whole number of bytes."},
	{"bad_length", "A key, an id or a kind has another number of bytes than it must have."},
	{"truncated", "A field runs past the end."},
	{"unwanted_field", "It was given something that this type cannot hold."},
	{"bad_relay", "A relay is not printable ASCII, or longer than 255 bytes."},
	{"bad_identifier", "The identifier is not valid UTF-8, or longer than 255 bytes."},
	{"secret_uri", "A secret key must not stand in a nostr: URI."},
	{"secret_key", "It is a secret key, which was not asked for."},
	{"not_a_key", "It is neither 64 lower-case hex digits nor a NIP-19 text."},
	{"wrong_type", "It is a NIP-19 text of something else."},
	{"no_invoice", "The prefix is none of a Lightning invoice."},
	{"bad_amount", "The amount is no whole number of millisatoshi, or too large."},
};

} // namespace

std::string
explanation(std::string_view reason)
{
	for (const Explanation &one : kExplanations)
		if (one.reason == reason)
			return one.text;
	return {};
}

void
refuse(const char *what, const char *reason, const char *reason_function)
{
	throw pg::Error(ERRCODE_INVALID_TEXT_REPRESENTATION,
					std::string("invalid ") + what + ": " + reason, explanation(reason),
					std::string("bigbrotr.") + reason_function +
						" returns the reason instead of raising an error.");
}

void
refuse_event(nostr::Reject reason)
{
	refuse("Nostr event", nostr::reject_code(reason), "verify_event_reason(json)");
}

Datum
reason_result(FunctionCallInfo fcinfo, const char *reason)
{
	if (reason == nullptr)
		PG_RETURN_NULL();
	return CStringGetTextDatum(reason);
}

std::string_view
bytes_argument(Datum datum, const char *name, size_t size)
{
	std::string_view bytes = varlena_view(datum);
	if (bytes.size() != size)
		throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE,
						std::string(name) + " must have " + std::to_string(size) + " bytes",
						"It has " + std::to_string(bytes.size()) + ".",
						"Hex digits are made into bytes by bigbrotr.from_hex(text).");
	return bytes;
}

} // namespace archive
