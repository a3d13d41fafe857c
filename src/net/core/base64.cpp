#include "net/core/base64.h"

#include <algorithm>

#include <openssl/evp.h>

namespace net {

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
base64_url_decode(std::string_view text)
{
	std::string padded(text);
	std::ranges::replace(padded, '-', '+');
	std::ranges::replace(padded, '_', '/');
	const size_t padding = (4 - text.size() % 4) % 4;
	padded.append(padding, '=');
	std::string out(padded.size() / 4 * 3 + 1, '\0');
	const int size =
		EVP_DecodeBlock(reinterpret_cast<unsigned char *>(out.data()),
						reinterpret_cast<const unsigned char *>(padded.data()), int(padded.size()));
	if (size < 0 || padding > 2)
		return std::nullopt;
	out.resize(size_t(size) - padding); // the library counts padding as bytes
	return out;
}

} // namespace net
