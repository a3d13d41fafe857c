#include "bech32.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "ascii.h"

namespace nostr {

namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr size_t kChecksumWords = 6;

/* -1 for a character that is not in the alphabet. */
constexpr std::array<int8_t, 256> kValues = [] {
	std::array<int8_t, 256> values{};
	values.fill(-1);
	for (size_t i = 0; i < kAlphabet.size(); i++)
		values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
	return values;
}();

class Checksum
{
  public:
	explicit Checksum(std::string_view prefix)
	{
		for (char c : prefix)
			add(static_cast<unsigned char>(c) >> 5);
		add(0);
		for (char c : prefix)
			add(c & 31);
	}

	void add(unsigned word)
	{
		static constexpr uint32_t generators[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
												   0x2a1462b3};
		uint32_t top = state_ >> 25;
		state_ = (state_ & 0x1ffffff) << 5 ^ word;
		for (int i = 0; i < 5; i++)
			if (top >> i & 1)
				state_ ^= generators[i];
	}

	uint32_t state() const { return state_; }

  private:
	uint32_t state_ = 1;
};

} // namespace

Bech32
decode_bech32(std::string_view text, size_t max_chars)
{
	if (text.size() > max_chars)
		return {"too_large"};
	bool upper = std::any_of(text.begin(), text.end(), is_upper);
	if (upper && std::any_of(text.begin(), text.end(), is_lower))
		return {"mixed_case"};
	size_t separator = text.rfind('1');
	if (separator == text.npos)
		return {"no_separator"};

	Bech32 out;
	for (char c : text.substr(0, separator)) {
		if (c < 33 || c > 126)
			return {"bad_prefix"};
		out.prefix += to_lower(c);
	}
	if (out.prefix.empty())
		return {"bad_prefix"};

	Checksum checksum(out.prefix);
	for (char c : text.substr(separator + 1)) {
		int value = kValues[static_cast<unsigned char>(to_lower(c))];
		if (value < 0)
			return {"bad_character"};
		checksum.add(static_cast<unsigned>(value));
		out.words += static_cast<char>(value);
	}
	if (out.words.size() < kChecksumWords || checksum.state() != 1)
		return {"bad_checksum"};
	out.words.resize(out.words.size() - kChecksumWords);
	return out;
}

std::string
encode_bech32(std::string_view prefix, std::string_view words)
{
	Checksum checksum(prefix);
	std::string out(prefix);
	out += '1';
	for (char word : words) {
		checksum.add(static_cast<unsigned>(word));
		out += kAlphabet[static_cast<unsigned>(word)];
	}
	for (size_t i = 0; i < kChecksumWords; i++)
		checksum.add(0);
	uint32_t rest = checksum.state() ^ 1;
	for (size_t i = 0; i < kChecksumWords; i++)
		out += kAlphabet[rest >> 5 * (kChecksumWords - 1 - i) & 31];
	return out;
}

std::string
words_of_bytes(std::string_view bytes)
{
	std::string words;
	unsigned buffer = 0;
	int bits = 0;
	for (char c : bytes) {
		buffer = (buffer & 0x1f) << 8 | static_cast<unsigned char>(c);
		for (bits += 8; bits >= 5; bits -= 5)
			words += static_cast<char>(buffer >> (bits - 5) & 31);
	}
	if (bits > 0)
		words += static_cast<char>(buffer << (5 - bits) & 31);
	return words;
}

bool
bytes_of_words(std::string_view words, std::string &bytes)
{
	bytes.clear();
	unsigned buffer = 0;
	int bits = 0;
	for (char word : words) {
		buffer = (buffer & 0xff) << 5 | static_cast<unsigned char>(word);
		if ((bits += 5) >= 8)
			bytes += static_cast<char>(buffer >> (bits -= 8) & 0xff);
	}
	return bits < 5 && (buffer & ((1u << bits) - 1)) == 0;
}

} // namespace nostr
