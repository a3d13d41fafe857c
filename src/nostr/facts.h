/*
 * Properties that follow from the fields of an event: class of the kind, address, proof of work,
 * expiration.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "event.h"

namespace nostr {

/* Kinds of events that act on other events: deletion (NIP-09) and vanish requests (NIP-62). */
constexpr int32_t kDeletion = 5, kVanish = 62;

enum class KindClass : uint8_t
{
	Regular,
	Replaceable, // one per author and kind
	Ephemeral,   // not meant to be stored
	Addressable  // one per author, kind and d tag
};

/* Encrypted messages and what is inside them: a relay shows them only to their sender and receivers
 * (NIP-04, NIP-17, NIP-59). */
bool is_private(int32_t kind);

/* NIP-01. Kinds without a class count as regular, as relays do. */
KindClass kind_class(int32_t kind);

/* "regular", … */
const char *kind_class_name(KindClass kind_class);

/* NIP-01: the value of an `a` tag that names a replaceable or addressable event. `author` is the
 * key's bytes. */
std::string address(int32_t kind, std::string_view author, std::string_view identifier = {});

/* NIP-13: leading zero bits of an id. */
int pow_bits(const Id &id);

/* NIP-40: the value of an expiration tag in Unix seconds; nothing if it is not a decimal number. */
std::optional<int64_t> parse_expiration(std::string_view value);

} // namespace nostr
