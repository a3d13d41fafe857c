#include "nostr/web_url.h"

#include <algorithm>

#include "nostr/ascii.h"

namespace nostr {

static WebUrl
refused(const char *reason)
{
	WebUrl url;
	url.reason = reason;
	return url;
}

WebUrl
parse_web_url(std::string_view text)
{
	text = text.substr(0, text.find('#'));
	if (text.size() > kMaxWebUrl)
		return refused("too_long");
	if (!std::all_of(text.begin(), text.end(), [](char c) { return is_printable(c) && c != ' '; }))
		return refused("path_charset");
	const size_t colon = text.find("://");
	std::string scheme(text.substr(0, std::min(colon, text.size())));
	ascii_lower(scheme);
	if (colon == text.npos || (scheme != "http" && scheme != "https"))
		return refused("bad_scheme");
	std::string_view rest = text.substr(colon + 3);
	const size_t end = std::min(rest.find_first_of("/?"), rest.size());
	const bool tls = scheme == "https";
	/* Hosts and ports follow the rules of relay URLs. */
	RelayUrl host =
		normalise_relay_url((tls ? "wss://" : "ws://") + std::string(rest.substr(0, end)));
	if (!host.ok())
		return refused(host.reason);
	WebUrl url;
	url.network = host.network;
	url.endpoint = relay_endpoint(host.url);
	url.endpoint.path = rest.substr(end);
	if (!url.endpoint.path.starts_with('/'))
		url.endpoint.path.insert(0, "/");
	url.url = scheme + host.url.substr(tls ? 3 : 2) + url.endpoint.path;
	return url;
}

WebUrl
resolve_web_url(const WebUrl &base, std::string_view reference)
{
	reference = reference.substr(0, reference.find('#'));
	const std::string_view whole = base.url;
	const size_t host = whole.find("://") + 3;
	const size_t path = whole.find('/', host);
	const size_t query = std::min(whole.find('?'), whole.size());
	/* A scheme ends before the first of these characters. */
	const size_t mark = reference.find_first_of(":/?");
	if (mark != reference.npos && reference[mark] == ':')
		return parse_web_url(reference);
	std::string text;
	if (reference.starts_with("//"))
		text = whole.substr(0, host - 2);
	else if (reference.starts_with('/'))
		text = whole.substr(0, path);
	else if (reference.empty() || reference.starts_with('?'))
		text = whole.substr(0, query);
	else
		text = whole.substr(0, whole.rfind('/', query) + 1);
	return parse_web_url(text.append(reference));
}

WebUrl
document_url(std::string_view url)
{
	return parse_web_url("http" + std::string(url.substr(2)));
}

} // namespace nostr
