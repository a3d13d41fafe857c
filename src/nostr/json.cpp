#include "json.h"

#include <algorithm>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "ascii.h"

namespace nostr::json {

namespace {

/* The position of the first `"`, `\` or control character; `end` if there is none. */
const char *
find_special(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i last_control = _mm_set1_epi8(0x1f);
	for (; end - p >= 16; p += 16) {
		__m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
		__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(chunk, last_control), chunk);
		__m128i special = _mm_or_si128(
			_mm_or_si128(_mm_cmpeq_epi8(chunk, quote), _mm_cmpeq_epi8(chunk, backslash)), control);
		int mask = _mm_movemask_epi8(special);
		if (mask != 0)
			return p + __builtin_ctz(mask);
	}
#endif
	while (p < end && *p != '"' && *p != '\\' && static_cast<unsigned char>(*p) >= 0x20)
		p++;
	return p;
}

/* The value of four hex digits, which were checked before. */
unsigned
hex4_at(const char *p)
{
	return hex_value(p[0]) << 12 | hex_value(p[1]) << 8 | hex_value(p[2]) << 4 | hex_value(p[3]);
}

void
append_utf8(unsigned c, std::string &out)
{
	if (c < 0x80) {
		out += static_cast<char>(c);
	} else if (c < 0x800) {
		out += static_cast<char>(0xc0 | c >> 6);
		out += static_cast<char>(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		out += static_cast<char>(0xe0 | c >> 12);
		out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
		out += static_cast<char>(0x80 | (c & 0x3f));
	} else {
		out += static_cast<char>(0xf0 | c >> 18);
		out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
		out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
		out += static_cast<char>(0x80 | (c & 0x3f));
	}
}

bool
is_high_surrogate(unsigned c)
{
	return c >= 0xd800 && c <= 0xdbff;
}

bool
is_low_surrogate(unsigned c)
{
	return c >= 0xdc00 && c <= 0xdfff;
}

/* The character for which a two-character escape stands. */
char
short_escape(char letter)
{
	switch (letter) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return letter; // `"`, `\` and `/` stand for themselves
	}
}

/* Appends the character of the escape at `p`, which was checked before. Returns the position after
 * it. */
const char *
unescape(const char *p, std::string &out)
{
	if (p[1] != 'u') {
		out += short_escape(p[1]);
		return p + 2;
	}
	unsigned c = hex4_at(p + 2);
	if (!is_high_surrogate(c)) {
		append_utf8(c, out);
		return p + 6;
	}
	append_utf8(0x10000 + ((c - 0xd800) << 10) + (hex4_at(p + 8) - 0xdc00), out);
	return p + 12;
}

} // namespace

Reject
Cursor::string(String &out)
{
	if (!take('"'))
		return Reject::BadJson;
	const char *start = next_;
	out = {};
	for (;;) {
		next_ = find_special(next_, end_);
		if (next_ == end_)
			return Reject::BadJson;
		if (*next_ == '"') {
			out.raw = {start, static_cast<size_t>(next_ - start)};
			next_++;
			return Reject::None;
		}
		if (*next_ != '\\')
			return Reject::BadJson;
		Reject fault = escape(out);
		if (fault != Reject::None)
			return fault;
	}
}

/* Checks the escape at the cursor and updates the flags of `out`. */
Reject
Cursor::escape(String &out)
{
	out.escaped = true;
	if (end_ - next_ < 2)
		return Reject::BadJson;
	next_++;
	char letter = *next_++;
	switch (letter) {
	case '"':
	case '\\':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return Reject::None;
	case '/':
		out.canonical = false;
		return Reject::None;
	case 'u':
		break;
	default:
		return Reject::BadJson;
	}

	const char *digits = next_;
	unsigned c;
	if (!hex4(c))
		return Reject::BadJson;
	if (is_low_surrogate(c))
		return Reject::BadUtf8;
	if (is_high_surrogate(c)) {
		out.canonical = false;
		if (end_ - next_ < 2 || next_[0] != '\\' || next_[1] != 'u')
			return Reject::BadUtf8;
		next_ += 2;
		if (!hex4(c))
			return Reject::BadJson;
		return is_low_surrogate(c) ? Reject::None : Reject::BadUtf8;
	}
	if (c == 0)
		out.has_nul = true;
	/* In canonical form, a control character without a short escape has lower-case hex digits. */
	bool has_short = c == '\b' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
	bool upper = digits[3] >= 'A' && digits[3] <= 'F';
	if (c >= 0x20 || has_short || upper)
		out.canonical = false;
	return Reject::None;
}

bool
Cursor::hex4(unsigned &out)
{
	if (end_ - next_ < 4)
		return false;
	for (int i = 0; i < 4; i++)
		if (hex_value(next_[i]) < 0)
			return false;
	out = hex4_at(next_);
	next_ += 4;
	return true;
}

bool
Cursor::integer(uint64_t max, uint64_t &out)
{
	space();
	const char *start = next_;
	uint64_t value = 0;
	while (next_ < end_ && is_digit(*next_)) {
		uint64_t digit = *next_ - '0';
		if (digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
		next_++;
	}
	if (next_ == start || (*start == '0' && next_ - start > 1))
		return false;
	if (next_ < end_ && (*next_ == '.' || *next_ == 'e' || *next_ == 'E'))
		return false;
	out = value;
	return true;
}

bool
Cursor::literal(std::string_view word)
{
	if (static_cast<size_t>(end_ - next_) < word.size() ||
		memcmp(next_, word.data(), word.size()) != 0)
		return false;
	next_ += word.size();
	return true;
}

bool
Cursor::boolean(bool &out)
{
	space();
	out = literal("true");
	return out || literal("false");
}

/* Skips a number (RFC 8259) of any size. */
bool
Cursor::number()
{
	auto digits = [this] {
		const char *start = next_;
		while (next_ < end_ && is_digit(*next_))
			next_++;
		return next_ > start;
	};
	literal("-");
	if (!literal("0") && !digits())
		return false;
	if (literal(".") && !digits())
		return false;
	if (literal("e") || literal("E")) {
		if (!literal("+"))
			literal("-");
		return digits();
	}
	return true;
}

Reject
Cursor::skip(int depth)
{
	String ignored;
	char first = peek();
	switch (first) {
	case '"':
		return string(ignored);
	case 't':
		return literal("true") ? Reject::None : Reject::BadJson;
	case 'f':
		return literal("false") ? Reject::None : Reject::BadJson;
	case 'n':
		return literal("null") ? Reject::None : Reject::BadJson;
	case '[':
	case '{':
		break;
	default:
		return number() ? Reject::None : Reject::BadJson;
	}

	if (depth <= 0)
		return Reject::TooDeep;
	next_++;
	char close = first == '[' ? ']' : '}';
	if (take(close))
		return Reject::None;
	do {
		if (first == '{') {
			Reject fault = string(ignored);
			if (fault != Reject::None)
				return fault;
			if (!take(':'))
				return Reject::BadJson;
		}
		Reject fault = skip(depth - 1);
		if (fault != Reject::None)
			return fault;
	} while (take(','));
	return take(close) ? Reject::None : Reject::BadJson;
}

void
append_unescaped(const String &s, std::string &out, size_t max)
{
	size_t limit = max > out.max_size() - out.size() ? out.max_size() : out.size() + max;
	const char *p = s.raw.data();
	const char *end = p + s.raw.size();
	while (p < end && out.size() < limit) {
		size_t plain = end - p;
		if (s.escaped) {
			const void *backslash = memchr(p, '\\', plain);
			if (backslash != nullptr)
				plain = static_cast<const char *>(backslash) - p;
		}
		plain = std::min(plain, limit - out.size());
		out.append(p, plain);
		p += plain;
		if (p < end && *p == '\\' && out.size() < limit)
			p = unescape(p, out);
	}
}

void
append_canonical(const String &s, std::string &out, std::string &scratch)
{
	if (s.canonical) {
		out += '"';
		out += s.raw;
		out += '"';
		return;
	}
	scratch.clear();
	append_unescaped(s, scratch);
	append_json_string(scratch, out);
}

bool
equals(const String &s, std::string_view word)
{
	if (!s.escaped)
		return s.raw == word;
	std::string text;
	/* One byte more than the word, so that a longer text is different. */
	append_unescaped(s, text, word.size() + 1);
	return text == word;
}

} // namespace nostr::json
