#include "net/serve/signed_request.h"

#include <algorithm>
#include <optional>

#include "net/core/json.h"
#include "net/serve/text.h"
#include "nostr/ascii.h"
#include "nostr/base64.h"
#include "nostr/keys.h"

namespace net {
namespace {

constexpr int32_t kHttpAuth = 27235; // kind
constexpr int64_t kWindow = 60;      // seconds before and after now in which a signature is valid
constexpr size_t kMaxEvent = 8 << 10;

/* The value of the tag with this name; nothing unless there is exactly one. */
std::optional<std::string>
tag_value(const json_t *tags, std::string_view name)
{
	std::optional<std::string> value;
	size_t i;
	const json_t *tag;
	json_array_foreach(tags, i, tag)
	{
		const json_t *key = json_array_get(tag, 0), *text = json_array_get(tag, 1);
		if (std::string_view(json_string_value(key), json_string_length(key)) != name)
			continue;
		if (value || !json_is_string(text))
			return std::nullopt;
		value.emplace(json_string_value(text), json_string_length(text));
	}
	return value;
}

bool
is_this_url(std::string_view url, const ClientRequest &request,
			const std::vector<std::string> &public_urls)
{
	return std::ranges::any_of(public_urls, [&](std::string_view base) {
		while (base.ends_with('/'))
			base.remove_suffix(1);
		return url.starts_with(base) && url.substr(base.size()) == request.target;
	});
}

bool
is_this_method(std::string text, const std::string &method)
{
	std::string other = method;
	nostr::ascii_lower(text);
	nostr::ascii_lower(other);
	return text == other;
}

} // namespace

std::string
signed_request_fault(const ClientRequest &request, const std::vector<std::string> &public_urls,
					 int64_t now, nostr::PublicKey &signer)
{
	static thread_local nostr::EventParser parser(
		{.event_bytes = kMaxEvent, .tags = 20, .depth = 5});
	static thread_local nostr::Verifier verifier;
	/* Clients use either base64 alphabet, with or without padding. */
	std::string text = request.credential.event;
	while (text.ends_with('='))
		text.pop_back();
	std::ranges::replace(text, '+', '-');
	std::ranges::replace(text, '/', '_');
	auto json = nostr::base64_url_decode(text);
	nostr::Event event;
	if (!json)
		return "The credential is not base64.";
	if (auto fault = parser.parse(*json, event); fault != nostr::Reject::None)
		return std::string("The credential is no event: ") + nostr::reject_code(fault) + ".";
	if (event.kind != kHttpAuth)
		return "The kind of the event is not 27235.";
	if (event.created_at < now - kWindow || event.created_at > now + kWindow)
		return "The event was not signed within the last minute, by the clock of this server.";
	Json tags(json_loadb(event.tags.data(), event.tags.size(), JSON_ALLOW_NUL, nullptr));
	auto url = tag_value(tags.get(), "u"), method = tag_value(tags.get(), "method");
	if (public_urls.empty())
		return "This server does not know under which URL it is reached "
			   "(bigbrotr.api_public_urls).";
	if (!url || !is_this_url(*url, request, public_urls))
		return "The tag u is not the URL of this request: \"" + public_urls.front() +
			   "\" and then \"" + request.target + "\".";
	if (!method || !is_this_method(*method, request.method))
		return "The tag method is not the method of this request.";
	auto payload = tag_value(tags.get(), "payload");
	if (payload && *payload != sha256_hex(request.body))
		return "The tag payload is not the SHA-256 of the body.";
	if (!verifier.verify(event.id, event.pubkey, event.sig))
		return "The signature of the event is wrong.";
	signer = event.pubkey;
	return "";
}

} // namespace net
