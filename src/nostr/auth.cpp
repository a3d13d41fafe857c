#include "auth.h"

#include "nip19.h"

namespace nostr {

constexpr int32_t kAuthKind = 22242;

Event
auth_event(const Signer &signer, std::string_view relay_url, std::string_view challenge,
		   int64_t created_at)
{
	Event event;
	event.created_at = created_at;
	event.kind = kAuthKind;
	event.has_nul = challenge.find('\0') != challenge.npos;
	event.tags = "[[\"relay\",";
	append_json_string(relay_url, event.tags);
	event.tags += "],[\"challenge\",";
	append_json_string(challenge, event.tags);
	event.tags += "]]";
	signer.sign(event);
	return event;
}

std::optional<SecretKey>
parse_secret_key(std::string_view text)
{
	constexpr std::string_view blanks = " \t\r\n";
	const size_t begin = text.find_first_not_of(blanks);
	if (begin == text.npos)
		return std::nullopt;
	text = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
	SecretKey secret;
	if (text.size() == 2 * secret.size())
		return from_hex(text, secret.data(), secret.size()) ? std::optional(secret) : std::nullopt;
	Nip19 entity;
	if (decode_nip19(text, entity) != nullptr || entity.type != Nip19Type::Nsec)
		return std::nullopt;
	return entity.key;
}

} // namespace nostr
