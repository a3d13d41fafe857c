/*
 * The amount of a Lightning invoice (BOLT 11), which zap receipts contain (NIP-57).
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nostr {

struct Bolt11Amount
{
	const char *reason = nullptr;        // null: a valid invoice; else a reason code
	std::optional<int64_t> millisatoshi; // nothing: the payer chooses
};

/*
 * Reads the amount from the prefix and checks the checksum; the data is not parsed. Reasons: those
 * of decode_bech32, no_invoice (another prefix), bad_amount (a leading zero, parts of a
 * millisatoshi, more than 2^63-1).
 */
Bolt11Amount bolt11_amount(std::string_view invoice);

} // namespace nostr
