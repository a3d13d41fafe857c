/*
 * Any text as a URL of http or https, and as what a server says it has moved to (second line). What
 * is accepted is normalised, and leads to a host that a relay could have as well.
 */
#include "nostr/web_url.h"
#include "require.h"

using nostr::WebUrl;

static void
check(const WebUrl &url)
{
	if (!url.ok()) {
		require(*url.reason && url.url.empty());
		return;
	}
	require(url.url.starts_with(url.endpoint.tls ? "https://" : "http://"));
	require(!url.endpoint.host.empty() && url.endpoint.port > 0);
	require(url.endpoint.path.starts_with('/'));
	require(url.url.find_first_of(" \r\n#") == url.url.npos);
	require(url.url.size() <= nostr::kMaxWebUrl + 1); // a path that was not there
	if (url.url.size() > nostr::kMaxWebUrl)
		return;
	const WebUrl again = nostr::parse_web_url(url.url);
	require(again.ok() && again.url == url.url && again.endpoint.host == url.endpoint.host &&
			again.endpoint.port == url.endpoint.port && again.network == url.network);
}

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	std::string_view input(reinterpret_cast<const char *>(data), size);
	const size_t end = std::min(input.find('\n'), input.size());
	const std::string_view reference = input.substr(std::min(end + 1, size));
	const WebUrl url = nostr::parse_web_url(input.substr(0, end));
	check(url);
	if (url.ok())
		check(nostr::resolve_web_url(url, reference));
	return 0;
}
