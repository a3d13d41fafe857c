/* Any bytes as an invoice, and as the amount of one with a good checksum. */
#include "nostr/bolt11.h"

#include <cstdlib>

#include "nostr/bech32.h"

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	std::string_view bytes(reinterpret_cast<const char *>(data), size);
	nostr::bolt11_amount(bytes);
	nostr::Bolt11Amount amount = nostr::bolt11_amount(
		nostr::encode_bech32("lnbc" + std::string(bytes), std::string(10, '\2')));
	if (amount.reason == nullptr && amount.millisatoshi && *amount.millisatoshi <= 0)
		abort();
	return 0;
}
