#include "net/transport/deflate.h"

namespace net {

/* Return values of the extension for LWS_EXT_CB_PAYLOAD_RX, from private headers of
 * libwebsockets. */
constexpr int kNotMine = 5;     // PMDR_NOTHING_WE_SHOULD_DO
constexpr int kNoExtension = 0; // PMDR_UNKNOWN

/*
 * Replaces the result "not mine" by "no extension". Once compression is agreed on, the client of
 * libwebsockets before 4.3.3 ignores "not mine" and delivers an uncompressed frame again without
 * end. "No extension" has the right effect in all versions.
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
	/* 2^14 bytes, the size of one read. */
	lws_set_extension_option(wsi, name, "rx_buf_size", "14");
	/* Our messages are short, and a small window saves 250 kB per connection. */
	lws_set_extension_option(wsi, name, "client_max_window_bits", "9");
	lws_set_extension_option(wsi, name, "mem_level", "1");
}

} // namespace net
