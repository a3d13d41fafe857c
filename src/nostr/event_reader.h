/*
 * Reads an event within a longer JSON text, for EventParser and the message parsers.
 */
#pragma once

#include "json.h"

namespace nostr {

/*
 * Reads the event object at the cursor and checks its id. `depth`: levels of nesting that the
 * object may have. `scratch` is overwritten. The text must be valid UTF-8.
 */
Reject read_event(json::Cursor &cursor, const Limits &limits, int depth, std::string &scratch,
				  Event &event);

} // namespace nostr
