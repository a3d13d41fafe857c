#include "net/serve/addresses.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/serve/text.h"
#include "nostr/address.h"

namespace net {
namespace {

constexpr Address kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Address
mapped(const in_addr &address)
{
	Address out = kMapped;
	std::memcpy(out.data() + 12, &address, 4);
	return out;
}

bool
is_mapped(const Address &address)
{
	return std::equal(address.begin(), address.begin() + 12, kMapped.begin());
}

/* Removes the part after the last comma from `list` and returns it. */
std::string_view
take_last(std::string_view &list)
{
	size_t comma = list.rfind(',');
	std::string_view part = comma == std::string_view::npos ? list : list.substr(comma + 1);
	list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
	return trimmed(part);
}

} // namespace

std::optional<Address>
parse_address(std::string_view text)
{
	if (text.starts_with('[') && text.ends_with(']'))
		text = text.substr(1, text.size() - 2);
	const std::string copy(text);
	in_addr v4{};
	if (inet_pton(AF_INET, copy.c_str(), &v4) == 1)
		return mapped(v4);
	Address v6{};
	if (inet_pton(AF_INET6, copy.c_str(), v6.data()) == 1)
		return v6;
	return std::nullopt;
}

std::string
address_text(const Address &address)
{
	char text[INET6_ADDRSTRLEN] = "";
	if (is_mapped(address))
		inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
	else
		inet_ntop(AF_INET6, address.data(), text, sizeof text);
	return text;
}

Address
peer_address(const sockaddr_storage &address)
{
	Address out{};
	if (address.ss_family == AF_INET)
		return mapped(reinterpret_cast<const sockaddr_in &>(address).sin_addr);
	if (address.ss_family == AF_INET6)
		std::memcpy(out.data(), &reinterpret_cast<const sockaddr_in6 &>(address).sin6_addr, 16);
	else
		out[15] = 1;
	return out;
}

Address
counted_address(Address address)
{
	if (!is_mapped(address))
		nostr::keep_network(address);
	return address;
}

AddressRanges::AddressRanges(std::string_view list)
{
	while (!list.empty()) {
		std::string_view part = take_last(list);
		size_t slash = part.find('/');
		auto address = parse_address(part.substr(0, slash));
		if (!address)
			continue;
		const int most = is_mapped(*address) ? 32 : 128;
		int bits = most;
		if (slash != std::string_view::npos) {
			std::string_view number = part.substr(slash + 1);
			auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
			if (error != std::errc() || end != number.data() + number.size() || bits < 0 ||
				bits > most)
				continue;
		}
		ranges_.push_back({.address = *address, .bits = bits + 128 - most});
	}
}

bool
AddressRanges::contain(const Address &address) const
{
	return std::ranges::any_of(ranges_, [&](const Range &range) {
		const int bytes = range.bits / 8, rest = range.bits % 8;
		if (!std::equal(address.begin(), address.begin() + bytes, range.address.begin()))
			return false;
		return rest == 0 || (address[bytes] ^ range.address[bytes]) >> (8 - rest) == 0;
	});
}

Address
client_of(const ClientRequest &request, const Address &peer, const AddressRanges &proxies)
{
	Address client = peer;
	const std::string forwarded = request.header("x-forwarded-for");
	std::string_view list = forwarded;
	while (proxies.contain(client) && !list.empty()) {
		auto before = parse_address(take_last(list));
		if (!before)
			break;
		client = *before;
	}
	return client;
}

} // namespace net
