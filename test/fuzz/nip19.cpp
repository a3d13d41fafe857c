/*
 * Any bytes as a NIP-19 text, and as the inside of one: what is accepted must be encoded again to
 * something that says the same.
 */
#include "nostr/nip19.h"

#include <cstdlib>

#include "nostr/bech32.h"

namespace {

void
check(std::string_view text)
{
	nostr::Nip19 entity, again;
	if (nostr::decode_nip19(text, entity) != nullptr)
		return;
	std::string encoded;
	const char *reason = nostr::encode_nip19(entity, encoded);
	if (reason != nullptr || nostr::decode_nip19(encoded, again) != nullptr ||
		again.type != entity.type || again.key != entity.key || again.relays != entity.relays ||
		again.author != entity.author || again.kind != entity.kind ||
		again.identifier != entity.identifier)
		abort();
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	std::string_view bytes(reinterpret_cast<const char *>(data), size);
	check(bytes);
	if (bytes.empty())
		return 0;
	/* The checksum keeps a fuzzer out: the first byte chooses a type, the rest is what it holds. */
	auto type = static_cast<nostr::Nip19Type>(data[0] % 7);
	std::string words = nostr::words_of_bytes(bytes.substr(1));
	std::string back;
	if (!nostr::bytes_of_words(words, back) || back != bytes.substr(1))
		abort();
	std::string text = nostr::encode_bech32(nostr::nip19_prefix(type), words);
	nostr::Bech32 decoded = nostr::decode_bech32(text, SIZE_MAX);
	if (decoded.reason != nullptr || decoded.words != words)
		abort();
	check(text);
	return 0;
}
