/*
 * The yardstick of the benchmarks: how many BIP-340 signatures one core checks per second with
 * libsecp256k1 alone (parsing the x-only key included), over distinct keys and messages.
 *
 *     bigbrotr-verify_rate [SECONDS]      prints {"verify_rate": signatures per second}
 */
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

namespace {

struct Signed
{
	unsigned char id[32], pubkey[32], sig[64];
};

std::vector<Signed>
make_signatures(const secp256k1_context *context, size_t count)
{
	std::vector<Signed> out(count);
	for (size_t i = 0; i < count; i++) {
		unsigned char secret[32] = {};
		uint64_t number = i % 400 + 1;
		memcpy(secret + 24, &number, sizeof number);
		secp256k1_keypair pair;
		secp256k1_xonly_pubkey key;
		for (size_t b = 0; b < 32; b++)
			out[i].id[b] = static_cast<unsigned char>((i + 1) * (b * 2654435761u + 97) >> 8);
		if (!secp256k1_keypair_create(context, &pair, secret) ||
			!secp256k1_keypair_xonly_pub(context, &key, nullptr, &pair) ||
			!secp256k1_xonly_pubkey_serialize(context, out[i].pubkey, &key) ||
			!secp256k1_schnorrsig_sign32(context, out[i].sig, out[i].id, &pair, nullptr))
			abort();
	}
	return out;
}

} // namespace

int
main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1.0;
	secp256k1_context *context =
		secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
	std::vector<Signed> samples = make_signatures(context, 2000);
	using Clock = std::chrono::steady_clock;
	auto begin = Clock::now();
	double elapsed = 0;
	size_t checked = 0;
	while (elapsed < seconds) {
		for (size_t i = 0; i < 100; i++, checked++) {
			const Signed &s = samples[checked % samples.size()];
			secp256k1_xonly_pubkey key;
			if (!secp256k1_xonly_pubkey_parse(context, &key, s.pubkey) ||
				!secp256k1_schnorrsig_verify(context, s.sig, s.id, sizeof s.id, &key))
				abort();
		}
		elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
	}
	printf("{\"verify_rate\": %.0f}\n", checked / elapsed);
	secp256k1_context_destroy(context);
	return 0;
}
