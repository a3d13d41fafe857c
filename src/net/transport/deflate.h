/* The extension permessage-deflate (RFC 7692) that is offered to relays. */
#pragma once

#include <libwebsockets.h>

namespace net {

/* List for lws_context_creation_info. */
extern const lws_extension kExtensions[];

/* Sets buffer sizes for one connection. Must be called when the connection is open. */
void tune_deflate(lws *wsi);

} // namespace net
