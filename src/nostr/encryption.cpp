#include "encryption.h"

#include <bit>
#include <memory>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <simdjson.h>

#include "base64.h"
#include "event.h"
#include "hmac.h"

namespace nostr {

namespace {

constexpr char kVersion = 2;
constexpr size_t kNonce = 32, kMac = 32;
constexpr std::string_view kIvMark = "?iv=";

/* The keys with which a message of NIP-44 is encrypted and authenticated. */
struct MessageKeys
{
	std::array<uint8_t, 32> cipher_key;
	std::array<uint8_t, 12> cipher_nonce;
	std::array<uint8_t, 32> mac_key;
};

/* HKDF-Expand (RFC 5869) to 76 bytes: three blocks, of which the last is cut. */
MessageKeys
message_keys(const ConversationKey &key, std::string_view nonce)
{
	std::string expanded, block;
	for (char number = 1; number <= 3; number++) {
		block = view(hmac(view(key), block + std::string(nonce) + number));
		expanded += block;
	}
	MessageKeys keys;
	const char *next = expanded.data();
	for (auto part : {std::pair(keys.cipher_key.data(), keys.cipher_key.size()),
					  std::pair(keys.cipher_nonce.data(), keys.cipher_nonce.size()),
					  std::pair(keys.mac_key.data(), keys.mac_key.size())}) {
		std::copy(next, next + part.second, part.first);
		next += part.second;
	}
	OPENSSL_cleanse(expanded.data(), expanded.size());
	OPENSSL_cleanse(block.data(), block.size());
	return keys;
}

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

/* Nothing if the padding of a block cipher is malformed. */
std::optional<std::string>
run_cipher(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *iv, std::string_view bytes,
		   bool encrypt)
{
	CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
	if (!context ||
		EVP_CipherInit_ex(context.get(), cipher, nullptr, key, iv, encrypt ? 1 : 0) != 1)
		throw std::runtime_error("the cipher is not available");
	std::string out(bytes.size() + EVP_MAX_BLOCK_LENGTH, '\0');
	auto *to = reinterpret_cast<unsigned char *>(out.data());
	int written = 0, rest = 0;
	if (EVP_CipherUpdate(context.get(), to, &written,
						 reinterpret_cast<const unsigned char *>(bytes.data()),
						 static_cast<int>(bytes.size())) != 1 ||
		EVP_CipherFinal_ex(context.get(), to + written, &rest) != 1)
		return std::nullopt;
	out.resize(static_cast<size_t>(written + rest));
	return out;
}

std::string
chacha20(const MessageKeys &keys, std::string_view bytes)
{
	/* The library's parameter contains the block counter, which begins at 0, and then the nonce. */
	std::array<uint8_t, 16> iv{};
	std::copy(keys.cipher_nonce.begin(), keys.cipher_nonce.end(), iv.begin() + 4);
	return run_cipher(EVP_chacha20(), keys.cipher_key.data(), iv.data(), bytes, true).value();
}

size_t
padded_size(size_t size)
{
	if (size <= 32)
		return 32;
	const size_t power = std::bit_ceil(size);
	const size_t chunk = power <= 256 ? 32 : power / 8;
	return chunk * ((size - 1) / chunk + 1);
}

/* The length of the text, the text, and zeros. */
std::string
padded(std::string_view text)
{
	const size_t size = text.size();
	std::string out;
	auto append = [&](int bytes) {
		while (bytes-- > 0)
			out += static_cast<char>(size >> 8 * bytes);
	};
	if (size < 1 << 16)
		append(2);
	else {
		out.append(2, '\0');
		append(4);
	}
	out += text;
	return out.append(padded_size(size) - size, '\0');
}

std::optional<std::string>
unpadded(std::string_view bytes)
{
	auto number = [&](size_t from, size_t count) {
		size_t value = 0;
		for (char c : bytes.substr(from, count))
			value = value << 8 | static_cast<uint8_t>(c);
		return value;
	};
	size_t size = number(0, 2), head = 2;
	if (size == 0) { // the format of long texts
		size = number(2, 4);
		head = 6;
		if (size < 1 << 16)
			return std::nullopt;
	}
	if (bytes.size() != head + padded_size(size))
		return std::nullopt;
	return std::string(bytes.substr(head, size));
}

std::optional<std::string>
text_of(std::optional<std::string> bytes)
{
	return bytes && simdjson::validate_utf8(*bytes) ? std::move(bytes) : std::nullopt;
}

void
check_clear_text(std::string_view text)
{
	if (text.empty() || text.size() > kMaxClearText)
		throw std::invalid_argument("a text that is encrypted has 1 to 131072 bytes");
}

} // namespace

ConversationKey
conversation_key(const SharedPoint &point)
{
	return hmac("nip44-v2", view(point));
}

std::string
nip44_encrypt(const ConversationKey &key, std::string_view text,
			  const std::array<uint8_t, 32> &nonce)
{
	check_clear_text(text);
	const MessageKeys keys = message_keys(key, view(nonce));
	const std::string sealed = std::string(view(nonce)) + chacha20(keys, padded(text));
	const Digest mac = hmac(view(keys.mac_key), sealed);
	return base64(kVersion + sealed + std::string(view(mac)));
}

std::optional<std::string>
nip44_decrypt(const ConversationKey &key, std::string_view payload)
{
	constexpr size_t least = 1 + kNonce + 2 + 32 + kMac;
	if (payload.size() > kMaxPayload)
		return std::nullopt;
	const std::optional<std::string> bytes = base64_decode(payload);
	if (!bytes || bytes->size() < least || bytes->front() != kVersion)
		return std::nullopt;
	const std::string_view sealed = std::string_view(*bytes).substr(1, bytes->size() - 1 - kMac);
	const std::string_view mac = std::string_view(*bytes).substr(bytes->size() - kMac);
	const MessageKeys keys = message_keys(key, sealed.substr(0, kNonce));
	const Digest expected = hmac(view(keys.mac_key), sealed);
	if (CRYPTO_memcmp(expected.data(), mac.data(), kMac) != 0)
		return std::nullopt;
	return text_of(unpadded(chacha20(keys, sealed.substr(kNonce))));
}

std::string
nip04_encrypt(const SharedPoint &point, std::string_view text, const std::array<uint8_t, 16> &iv)
{
	check_clear_text(text);
	return base64(run_cipher(EVP_aes_256_cbc(), point.data(), iv.data(), text, true).value()) +
		   std::string(kIvMark) + base64(view(iv));
}

std::optional<std::string>
nip04_decrypt(const SharedPoint &point, std::string_view payload)
{
	const size_t mark = payload.find(kIvMark);
	if (payload.size() > kMaxPayload || mark == payload.npos)
		return std::nullopt;
	const std::optional<std::string> bytes = base64_decode(payload.substr(0, mark));
	const std::optional<std::string> iv = base64_decode(payload.substr(mark + kIvMark.size()));
	if (!bytes || !iv || iv->size() != 16)
		return std::nullopt;
	return text_of(run_cipher(EVP_aes_256_cbc(), point.data(),
							  reinterpret_cast<const uint8_t *>(iv->data()), *bytes, false));
}

bool
looks_like_nip04(std::string_view payload)
{
	return payload.find(kIvMark) != payload.npos;
}

} // namespace nostr
