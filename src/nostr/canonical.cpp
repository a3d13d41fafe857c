#include "canonical.h"

#include <openssl/evp.h>

#include <charconv>
#include <new>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace nostr {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

/* One object per thread, because fetching the algorithm and creating a context cost more than the
 * hashing. */
class Sha256
{
  public:
	Sha256() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new())
	{
		if (algorithm_ == nullptr || context_ == nullptr)
			throw std::bad_alloc();
	}
	~Sha256()
	{
		EVP_MD_CTX_free(context_);
		EVP_MD_free(algorithm_);
	}
	Sha256(const Sha256 &) = delete;
	Sha256 &operator=(const Sha256 &) = delete;

	Id hash(std::string_view bytes)
	{
		Id digest;
		if (EVP_DigestInit_ex2(context_, algorithm_, nullptr) != 1 ||
			EVP_DigestUpdate(context_, bytes.data(), bytes.size()) != 1 ||
			EVP_DigestFinal_ex(context_, digest.data(), nullptr) != 1)
			throw std::bad_alloc();
		return digest;
	}

  private:
	EVP_MD *algorithm_;
	EVP_MD_CTX *context_;
};

void
append_number(int64_t value, std::string &out)
{
	char digits[20];
	auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
	out.append(digits, end);
}

void
append_hex(const uint8_t *bytes, size_t size, std::string &out)
{
	size_t at = out.size();
	out.resize(at + 2 * size);
	for (size_t i = 0; i < size; i++) {
		out[at++] = kHexDigits[bytes[i] >> 4];
		out[at++] = kHexDigits[bytes[i] & 15];
	}
}

/* The letter after the backslash in the short escape of a character; 'u' for other control
 * characters; 0 if the character needs no escape. */
char
escape_letter(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		return static_cast<char>(c);
	case '\b':
		return 'b';
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\f':
		return 'f';
	case '\r':
		return 'r';
	default:
		return c < 0x20 ? 'u' : '\0';
	}
}

/* The values of lower-case hex digits; -1 for other characters. */
constexpr std::array<int8_t, 256> kHexValues = [] {
	std::array<int8_t, 256> values{};
	values.fill(-1);
	for (int i = 0; i < 16; i++)
		values[static_cast<unsigned char>(kHexDigits[i])] = static_cast<int8_t>(i);
	return values;
}();

#ifdef __SSE2__
/* Converts sixteen digits to eight bytes; false if a digit is invalid. */
bool
from_hex16(const char *hex, uint8_t *bytes)
{
	__m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i *>(hex));
	auto between = [&](char low, char high) {
		return _mm_and_si128(_mm_cmpgt_epi8(text, _mm_set1_epi8(static_cast<char>(low - 1))),
							 _mm_cmplt_epi8(text, _mm_set1_epi8(static_cast<char>(high + 1))));
	};
	__m128i digit = between('0', '9'), letter = between('a', 'f');
	if (_mm_movemask_epi8(_mm_or_si128(digit, letter)) != 0xffff)
		return false;
	/* '0' is 0x30 and 'a' is 0x61, so the value is the low four bits, plus nine for a letter. */
	__m128i value = _mm_add_epi8(_mm_and_si128(text, _mm_set1_epi8(15)),
								 _mm_and_si128(letter, _mm_set1_epi8(9)));
	__m128i pairs = _mm_or_si128(_mm_slli_epi16(value, 4), _mm_srli_epi16(value, 8));
	__m128i packed = _mm_packus_epi16(_mm_and_si128(pairs, _mm_set1_epi16(255)), pairs);
	_mm_storel_epi64(reinterpret_cast<__m128i *>(bytes), packed);
	return true;
}
#endif

} // namespace

Id
sha256(std::string_view bytes)
{
	static thread_local Sha256 hasher;
	return hasher.hash(bytes);
}

void
append_json_string(std::string_view text, std::string &out)
{
	out += '"';
	size_t plain = 0; // start of the text without escapes that is not copied yet
	for (size_t i = 0; i < text.size(); i++) {
		auto c = static_cast<unsigned char>(text[i]);
		char letter = escape_letter(c);
		if (letter == '\0')
			continue;
		out.append(text, plain, i - plain);
		plain = i + 1;
		out += '\\';
		out += letter;
		if (letter == 'u') {
			out += "00";
			append_hex(&c, 1, out);
		}
	}
	out.append(text, plain, text.size() - plain);
	out += '"';
}

void
append_canonical_head(const Event &event, std::string &out)
{
	out += "[0,\"";
	append_hex(event.pubkey.data(), event.pubkey.size(), out);
	out += "\",";
	append_number(event.created_at, out);
	out += ',';
	append_number(event.kind, out);
	out.append(",").append(event.tags).append(",");
}

void
append_canonical(const Event &event, std::string &out)
{
	append_canonical_head(event, out);
	append_json_string(event.content, out);
	out += ']';
}

Id
compute_id(const Event &event)
{
	std::string text;
	append_canonical(event, text);
	return sha256(text);
}

std::string
to_json(const Event &event)
{
	std::string out;
	out.reserve(event.tags.size() + event.content.size() + 400);
	out.append("{\"id\":\"").append(to_hex(view(event.id)));
	out.append("\",\"pubkey\":\"").append(to_hex(view(event.pubkey)));
	out.append("\",\"created_at\":").append(std::to_string(event.created_at));
	out.append(",\"kind\":").append(std::to_string(event.kind));
	out.append(",\"tags\":").append(event.tags).append(",\"content\":");
	append_json_string(event.content, out);
	out.append(",\"sig\":\"").append(to_hex(view(event.sig))).append("\"}");
	return out;
}

std::string
to_hex(const uint8_t *bytes, size_t size)
{
	std::string out;
	append_hex(bytes, size, out);
	return out;
}

bool
from_hex(std::string_view hex, uint8_t *bytes, size_t size)
{
	if (hex.size() != 2 * size)
		return false;
	size_t i = 0;
#ifdef __SSE2__
	for (; i + 8 <= size; i += 8)
		if (!from_hex16(hex.data() + 2 * i, bytes + i))
			return false;
#endif
	int bad = 0;
	for (; i < size; i++) {
		int high = kHexValues[static_cast<unsigned char>(hex[2 * i])];
		int low = kHexValues[static_cast<unsigned char>(hex[2 * i + 1])];
		bad |= high | low; // negative if a digit was invalid
		bytes[i] = static_cast<uint8_t>(high << 4 | low);
	}
	return bad >= 0;
}

} // namespace nostr
