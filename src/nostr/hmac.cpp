#include "hmac.h"

#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace nostr {

Digest
hmac(std::string_view key, std::string_view bytes)
{
	Digest out;
	unsigned size = out.size();
	if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
			  reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size(), out.data(),
			  &size))
		throw std::runtime_error("HMAC failed");
	return out;
}

} // namespace nostr
