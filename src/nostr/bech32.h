/*
 * Bech32 (BIP-173, original checksum) without its limit of 90 characters: the spelling of NIP-19
 * texts and of Lightning invoices.
 */
#pragma once

#include <string>
#include <string_view>

namespace nostr {

struct Bech32
{
	const char *reason =
		nullptr;        // null: valid; else a reason code, and the other fields are unspecified
	std::string prefix; // lower-case
	std::string words;  // values of 0 .. 31, without the checksum
};

/*
 * All lower-case or all upper-case. Reasons: too_large (more than `max_chars`), mixed_case,
 * no_separator, bad_prefix, bad_character, bad_checksum.
 */
Bech32 decode_bech32(std::string_view text, size_t max_chars);

/* `prefix` must be lower-case, `words` of 0 .. 31. */
std::string encode_bech32(std::string_view prefix, std::string_view words);

/* Words of five bits from bytes, padded with zero bits. */
std::string words_of_bytes(std::string_view bytes);

/* False if words are left over, or the padding is not zero. */
bool bytes_of_words(std::string_view words, std::string &bytes);

} // namespace nostr
