/*
 * Any bytes as what a proxy says, in pieces: the first byte chooses the kind of proxy, and each
 * piece begins with its length. The memory is bounded, and an end is an end.
 */
#include "net/transport/proxy_handshake.h"
#include "require.h"

using net::ProxyHandshake;
using State = ProxyHandshake::State;

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	std::string_view input(reinterpret_cast<const char *>(data), size);
	nostr::ProxyUrl url = nostr::parse_proxy_url(input);
	if (!url.fault)
		require(url.port > 0 && !url.host.empty() && input.find(url.host) != input.npos);

	bool socks = input.empty() || input[0] % 2 == 0;
	ProxyHandshake handshake(socks ? nostr::ProxyKind::Socks5 : nostr::ProxyKind::HttpConnect,
							 "relay.onion", 443);
	size_t taken = 0;
	for (input.remove_prefix(input.size() > 0); !input.empty();) {
		require(handshake.unsent().size() < 1024);
		handshake.sent(handshake.unsent().size());
		size_t length = std::min<size_t>(uint8_t(input[0]), input.size() - 1);
		State before = handshake.state();
		handshake.received(input.substr(1, length));
		taken += before == State::Talking ? length : 0;
		if (before != State::Talking)
			require(handshake.state() == before);
		input.remove_prefix(1 + length);
	}
	if (handshake.state() == State::Talking)
		require(taken <= ProxyHandshake::kMaxAnswer);
	if (handshake.state() == State::Failed)
		require(*handshake.reason() && !handshake.detail().empty() &&
				handshake.detail().size() < 200);
	return 0;
}
