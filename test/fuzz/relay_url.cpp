/* An accepted URL maps to itself, and its parts are fit to connect to. */
#include "nostr/relay_url.h"
#include "require.h"

using namespace nostr;

namespace {

void
check(std::string_view text, UrlMode mode)
{
	const RelayUrl url = normalise_relay_url(text, mode);
	if (!url.ok()) {
		require(url.url.empty());
		return;
	}
	for (const UrlMode again : {UrlMode::Strict, UrlMode::Lenient}) {
		const RelayUrl same = normalise_relay_url(url.url, again);
		require(same.ok() && same.url == url.url && same.network == url.network);
	}
	for (const char c : url.url)
		require(c > ' ' && c < 0x7F);

	const RelayEndpoint endpoint = relay_endpoint(url.url);
	require(!endpoint.host.empty() && endpoint.host.size() <= 253);
	require(endpoint.host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_:") ==
			std::string::npos);
	require(endpoint.port != 0);
	require(endpoint.path.starts_with('/') && endpoint.path.size() <= 513);
	require(url.url.starts_with(endpoint.tls ? "wss://" : "ws://"));
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const std::string_view text(reinterpret_cast<const char *>(data), size);
	check(text, UrlMode::Strict);
	check(text, UrlMode::Lenient);
	// Most inputs have no scheme: judge the rest of them as well.
	check("wss://" + std::string(text), UrlMode::Strict);
	check("ws://a.example.org/" + std::string(text), UrlMode::Strict);
	return 0;
}
