#include "net/serve/text.h"

#include <array>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "nostr/event.h"

namespace net {

std::string_view
trimmed(std::string_view text)
{
	const size_t begin = text.find_first_not_of(" \t");
	if (begin == std::string_view::npos)
		return "";
	return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string
sha256_hex(std::string_view text)
{
	std::array<uint8_t, SHA256_DIGEST_LENGTH> hash{};
	EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
	return nostr::to_hex(hash.data(), hash.size());
}

std::string
digest(std::string_view text)
{
	return sha256_hex(text).substr(0, 16);
}

} // namespace net
