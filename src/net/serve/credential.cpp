#include "net/serve/credential.h"

#include <algorithm>

#include <openssl/evp.h>

#include "net/serve/text.h"
#include "nostr/ascii.h"
#include "nostr/event.h"

namespace net {
namespace {

/* The form of a key: "bb_" and 8 digits, which name the key; "_" and 64 digits of the secret; 6
 * digits of the SHA-256 of all of these (bigbrotr.create_api_key). */
constexpr std::string_view kBegin = "bb_";
constexpr size_t kSize = 3 + 8 + 1 + 64 + 6, kCheckSum = 6;

Digest
sha256(std::string_view text)
{
	Digest digest;
	EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
	return digest;
}

bool
check_sum_holds(std::string_view key)
{
	return key.size() == kSize && nostr::to_hex(sha256(key.substr(0, kSize - kCheckSum)).data(),
												kCheckSum / 2) == key.substr(kSize - kCheckSum);
}

void
read_key(std::string_view key, Credential &credential)
{
	const bool damaged = key.starts_with(kBegin) && !check_sum_holds(key);
	credential.kind = damaged ? Credential::Kind::DamagedKey : Credential::Kind::Key;
	credential.digest = sha256(key);
}

/* Removes the scheme from the value; false if the value has another scheme. */
bool
takes_scheme(std::string_view &value, std::string_view scheme)
{
	if (value.size() <= scheme.size() || value[scheme.size()] != ' ' ||
		!std::ranges::equal(value.substr(0, scheme.size()), scheme, {}, nostr::to_lower))
		return false;
	value = trimmed(value.substr(scheme.size()));
	return true;
}

} // namespace

bool
read_credential(std::string_view name, std::string_view value, Credential &credential)
{
	const bool api_key = name == "x-api-key";
	if (!api_key && name != "authorization")
		return false;
	if (credential.kind != Credential::Kind::None) {
		credential.kind = Credential::Kind::Wrong;
	} else if (api_key || takes_scheme(value, "bearer")) {
		read_key(value, credential);
	} else if (takes_scheme(value, "nostr")) {
		credential.kind = Credential::Kind::Event;
		credential.event = value;
	} else {
		credential.kind = Credential::Kind::Wrong;
	}
	return true;
}

} // namespace net
