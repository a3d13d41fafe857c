#include "base64.h"

#include <algorithm>
#include <utility>

#include <openssl/evp.h>

namespace nostr {

std::string
base64(std::string_view bytes)
{
	std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0'); // the library adds a NUL
	EVP_EncodeBlock(reinterpret_cast<unsigned char *>(out.data()),
					reinterpret_cast<const unsigned char *>(bytes.data()), int(bytes.size()));
	out.pop_back();
	return out;
}

std::string
base64_url(std::string_view bytes)
{
	std::string out = base64(bytes);
	out.resize((bytes.size() * 8 + 5) / 6); // without padding
	std::ranges::replace(out, '+', '-');
	std::ranges::replace(out, '/', '_');
	return out;
}

std::optional<std::string>
base64_decode(std::string_view text)
{
	const size_t data = text.find_last_not_of('=') + 1; // npos + 1: 0
	const size_t padding = text.size() - data;
	std::string out(text.size() / 4 * 3 + 1, '\0');
	const int size =
		EVP_DecodeBlock(reinterpret_cast<unsigned char *>(out.data()),
						reinterpret_cast<const unsigned char *>(text.data()), int(text.size()));
	if (size < 0 || padding > 2 || text.size() % 4 != 0)
		return std::nullopt;
	out.resize(size_t(size) - padding); // the library counts padding as bytes
	/* The library ignores blanks at both ends and surplus bits; the comparison refuses both. */
	return base64(out) == text ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::string>
base64_url_decode(std::string_view text)
{
	std::string padded(text);
	if (padded.find_first_of("+/=") != padded.npos)
		return std::nullopt;
	std::ranges::replace(padded, '-', '+');
	std::ranges::replace(padded, '_', '/');
	padded.append((4 - text.size() % 4) % 4, '=');
	return base64_decode(padded);
}

} // namespace nostr
