/* permessage-deflate (RFC 7692) as it is offered to relays. */
#pragma once

#include <libwebsockets.h>

namespace net {

/* For lws_context_creation_info. */
extern const lws_extension kExtensions[];

/* Sizes for one connection; to be called when it is open. */
void tune_deflate(lws *wsi);

} // namespace net
