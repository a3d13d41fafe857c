#include "net/transport/deflate.h"

namespace net {

/* Answers of the extension to LWS_EXT_CB_PAYLOAD_RX, from libwebsockets' private headers. */
constexpr int kNotMine = 5;     // PMDR_NOTHING_WE_SHOULD_DO
constexpr int kNoExtension = 0; // PMDR_UNKNOWN

/*
 * Before 4.3.3 libwebsockets' client hands a frame that is not compressed to its user again and
 * again without end, once compression is agreed on: it takes no account of the extension's answer
 * "not mine". The answer "no extension" has the right effect there and in later versions.
 */
static int
inflate(lws_context *context, const lws_extension *extension, lws *wsi,
		lws_extension_callback_reasons reason, void *user, void *in, size_t size) noexcept
{
	int answer = lws_extension_callback_pm_deflate(context, extension, wsi, reason, user, in, size);
	return reason == LWS_EXT_CB_PAYLOAD_RX && answer == kNotMine ? kNoExtension : answer;
}

const lws_extension kExtensions[] = {
	{"permessage-deflate", inflate,
	 "permessage-deflate; client_no_context_takeover; client_max_window_bits"},
	{}};

void
tune_deflate(lws *wsi)
{
	const char *name = kExtensions[0].name;
	/* Pieces of 16 kB, as they are read. */
	lws_set_extension_option(wsi, name, "rx_buf_size", "14");
	/* What we send is short: a small window saves 250 kB per connection. */
	lws_set_extension_option(wsi, name, "client_max_window_bits", "9");
	lws_set_extension_option(wsi, name, "mem_level", "1");
}

} // namespace net
