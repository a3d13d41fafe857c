#include "facts.h"

#include <algorithm>
#include <charconv>

#include "canonical.h"

namespace nostr {

bool
is_private(int32_t kind)
{
	static constexpr int32_t kinds[] = {4, 13, 14, 15, 1059, 1060, 21059};
	return std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds);
}

KindClass
kind_class(int32_t kind)
{
	if (kind == 0 || kind == 3 || (kind >= 10000 && kind < 20000))
		return KindClass::Replaceable;
	if (kind >= 20000 && kind < 30000)
		return KindClass::Ephemeral;
	if (kind >= 30000 && kind < 40000)
		return KindClass::Addressable;
	return KindClass::Regular;
}

const char *
kind_class_name(KindClass kind_class)
{
	static constexpr const char *names[] = {"regular", "replaceable", "ephemeral", "addressable"};
	return names[static_cast<size_t>(kind_class)];
}

std::string
address(int32_t kind, std::string_view author, std::string_view identifier)
{
	return (std::to_string(kind) + ':' + to_hex(author) + ':').append(identifier);
}

int
pow_bits(const Id &id)
{
	int bits = 0;
	for (uint8_t byte : id) {
		if (byte != 0)
			return bits + __builtin_clz(byte) - 24;
		bits += 8;
	}
	return bits;
}

std::optional<int64_t>
parse_expiration(std::string_view value)
{
	if (value.empty() || value.find_first_not_of("0123456789") != value.npos)
		return std::nullopt;
	int64_t seconds;
	auto result = std::from_chars(value.data(), value.data() + value.size(), seconds);
	return result.ec == std::errc() ? std::optional(seconds) : std::nullopt;
}

} // namespace nostr
