/*
 * Reads an event out of a longer JSON text, for EventParser and the message parsers.
 */
#pragma once

#include "json.h"

namespace nostr {

/*
 * Reads the event object at the cursor and checks its id. `depth` is how many levels of nesting the
 * object may add; `scratch` is overwritten. The text must be valid UTF-8.
 */
Reject read_event(json::Cursor &cursor, const Limits &limits, int depth, std::string &scratch,
				  Event &event);

} // namespace nostr
