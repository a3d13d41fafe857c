#include "host.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <idn2.h>
#include <openssl/evp.h>
#include <vector>

#include "address.h"
#include "ascii.h"

namespace nostr {
namespace {

constexpr size_t kMaxHost = 253;
constexpr size_t kMaxLabel = 63;
constexpr size_t kOnionLabel = 56; // base32 of key, checksum and version
constexpr size_t kOnionV2Label = 16;
constexpr size_t kOverlayLabel = 52; // base32 of 32 bytes

constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kZBase32 = "ybndrfg8ejkmcpqxot1uwisza345h769";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

/* Names for private use (RFC 6761, and common names in home networks), with their subdomains. */
constexpr std::string_view kLocalNames[] = {
	"localhost", "localdomain", "local",     "lan",  "home",    "internal", "intranet",
	"corp",      "private",     "home.arpa", "test", "invalid", "example",
};

using Labels = std::vector<std::string_view>;

bool
consists_of(std::string_view text, std::string_view alphabet)
{
	return text.find_first_not_of(alphabet) == text.npos;
}

bool
is_or_is_under(std::string_view name, std::string_view suffix)
{
	return name.ends_with(suffix) &&
		   (name.size() == suffix.size() || name[name.size() - suffix.size() - 1] == '.');
}

Labels
split_labels(std::string_view name)
{
	Labels labels;
	for (size_t dot; (dot = name.find('.')) != name.npos; name.remove_prefix(dot + 1))
		labels.push_back(name.substr(0, dot));
	labels.push_back(name);
	return labels;
}

/* Converts the name by UTS 46, non-transitional. */
bool
to_ascii(std::string_view name, std::string &ascii)
{
	char *out = nullptr;
	if (idn2_to_ascii_8z(std::string(name).c_str(), &out, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	ascii = out;
	idn2_free(out);
	return true;
}

/* Parses exactly four decimal numbers. Other forms that inet_aton() accepts serve only to disguise
 * addresses. */
bool
parse_ipv4(const Labels &labels, std::array<uint8_t, 4> &address)
{
	if (labels.size() != address.size())
		return false;
	for (size_t i = 0; i < address.size(); i++) {
		const std::string_view part = labels[i];
		const bool leading_zero = part.size() > 1 && part[0] == '0';
		if (part.empty() || leading_zero || !consists_of(part, kDigits))
			return false;
		if (std::from_chars(part.begin(), part.end(), address[i]).ec != std::errc())
			return false;
	}
	return true;
}

/* Whether `label`, 56 base32 digits, is an onion address: 32 bytes of public key, two of checksum,
 * one of version. */
bool
is_onion_v3(std::string_view label)
{
	constexpr size_t kKey = 32;
	std::string bytes;
	uint32_t bits = 0;
	int have = 0;
	for (const char c : label) {
		bits = bits << 5 | static_cast<uint32_t>(kBase32.find(c));
		have += 5;
		if (have >= 8)
			bytes += static_cast<char>(bits >> (have -= 8));
	}
	const std::string hashed = ".onion checksum" + bytes.substr(0, kKey) + bytes.back();
	unsigned char digest[EVP_MAX_MD_SIZE];
	if (EVP_Digest(hashed.data(), hashed.size(), digest, nullptr, EVP_sha3_256(), nullptr) != 1)
		return false;
	return bytes.back() == 3 && static_cast<uint8_t>(bytes[kKey]) == digest[0] &&
		   static_cast<uint8_t>(bytes[kKey + 1]) == digest[1];
}

const char *
judge_onion(const Labels &labels)
{
	const std::string_view service = labels.size() > 1 ? labels[labels.size() - 2] : "";
	if (!consists_of(service, kBase32))
		return "bad_onion";
	if (service.size() == kOnionV2Label)
		return "onion_v2";
	return service.size() == kOnionLabel && is_onion_v3(service) ? nullptr : "bad_onion";
}

const char *
judge_i2p(const Labels &labels)
{
	if (labels.size() < 2)
		return "bad_i2p";
	if (labels[labels.size() - 2] != "b32")
		return nullptr; // a name from the address book
	const std::string_view service = labels.size() > 2 ? labels[labels.size() - 3] : "";
	// Longer names stand for encrypted lease sets.
	const bool long_enough = service.size() == kOverlayLabel || service.size() >= 56;
	return long_enough && consists_of(service, kBase32) ? nullptr : "bad_i2p";
}

const char *
judge_loki(const Labels &labels)
{
	if (labels.size() < 2)
		return "bad_loki";
	const std::string_view service = labels[labels.size() - 2];
	return service.size() != kOverlayLabel || consists_of(service, kZBase32) ? nullptr : "bad_loki";
}

const char *
judge_clearnet(const Labels &labels)
{
	if (labels.size() < 2)
		return "single_label";
	const std::string_view last = labels.back();
	return last.starts_with("xn--") || (last.size() >= 2 && consists_of(last, kLetters))
			   ? nullptr
			   : "bad_tld";
}

/* The text form of RFC 5952: lower case, with the longest run of zeros as "::". */
std::string
ipv6_text(const std::array<uint8_t, 16> &address)
{
	uint16_t groups[8];
	for (int i = 0; i < 8; i++)
		groups[i] = static_cast<uint16_t>(address[2 * i] << 8 | address[2 * i + 1]);
	int start = 0, longest = 1; // a single zero group is not shortened
	for (int i = 0; i < 8; i++) {
		int run = 0;
		while (i + run < 8 && groups[i + run] == 0)
			run++;
		if (run > longest) {
			start = i;
			longest = run;
		}
	}
	std::string text;
	for (int i = 0; i < 8; i++) {
		if (longest > 1 && i == start) {
			text += "::";
			i += longest - 1;
			continue;
		}
		if (!text.empty() && text.back() != ':')
			text += ':';
		char digits[4];
		text.append(digits, std::to_chars(digits, digits + 4, groups[i], 16).ptr);
	}
	return text;
}

Host
refused(const char *reason)
{
	return {reason, {}, {}};
}

} // namespace

Host
normalise_host(std::string_view text)
{
	if (text.find('%') != text.npos)
		return refused("host_charset");
	Host host;
	host.text = text;
	const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
	if (!std::all_of(text.begin(), text.end(), is_ascii) && !to_ascii(text, host.text))
		return refused("bad_idn");
	ascii_lower(host.text);
	if (host.text.ends_with('.'))
		host.text.pop_back();
	if (host.text.empty())
		return refused("empty_host");
	if (host.text.size() > kMaxHost)
		return refused("host_too_long");
	if (!consists_of(host.text, kNameCharacters))
		return refused("host_charset");

	const Labels labels = split_labels(host.text);
	const std::string_view last = labels.back();
	if (!last.empty() && (consists_of(last, kDigits) || last.starts_with("0x"))) {
		std::array<uint8_t, 4> address;
		if (!parse_ipv4(labels, address))
			return refused("bad_ipv4");
		host.network = is_public_ipv4(address) ? Network::Clearnet : Network::Local;
		return host;
	}
	for (const std::string_view label : labels)
		if (label.empty() || label.size() > kMaxLabel || label.front() == '-' ||
			label.back() == '-')
			return refused("bad_label");

	if (last == "onion") {
		host.network = Network::Tor;
		host.reason = judge_onion(labels);
	} else if (last == "i2p") {
		host.network = Network::I2p;
		host.reason = judge_i2p(labels);
	} else if (last == "loki") {
		host.network = Network::Loki;
		host.reason = judge_loki(labels);
	} else if (std::any_of(std::begin(kLocalNames), std::end(kLocalNames),
						   [&](auto name) { return is_or_is_under(host.text, name); })) {
		host.network = Network::Local;
	} else {
		host.reason = judge_clearnet(labels);
	}
	return host;
}

Host
normalise_ipv6(std::string_view text)
{
	if (text.find('%') != text.npos)
		return refused("ipv6_zone");
	std::array<uint8_t, 16> address;
	if (inet_pton(AF_INET6, std::string(text).c_str(), address.data()) != 1)
		return refused("bad_ipv6");
	constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	if (std::equal(kMapped.begin(), kMapped.end(), address.begin()))
		return refused("ipv4_mapped");
	return {nullptr, "[" + ipv6_text(address) + "]",
			is_public_ipv6(address) ? Network::Clearnet : Network::Local};
}

} // namespace nostr
