/*
 * Reads the elements of one message in their order, for the parsers of messages of relays and of
 * clients.
 */
#pragma once

#include "event_reader.h"

namespace nostr {

/*
 * Each read_… function takes the next element; false if it is missing or has the wrong type. After
 * that, fault() finds the reason.
 */
class Elements
{
  public:
	static constexpr size_t kTextBytes = 1000;       // text for humans is cut to this size
	static constexpr size_t kSubscriptionChars = 64; // NIP-01

	/* `frame` must be valid UTF-8. */
	Elements(std::string_view frame, const Limits &limits)
		: frame_(frame), cursor_(frame), limits_(limits)
	{
	}

	json::Cursor &cursor() { return cursor_; }

	/* The verb, with which every message begins. */
	bool read_verb(json::String &verb)
	{
		return cursor_.take('[') && cursor_.string(verb) == Reject::None;
	}

	/* True if there is one more element. */
	bool next() { return cursor_.take(','); }

	bool read_string(std::string &out, size_t max = SIZE_MAX);
	bool read_subscription(std::string &out);
	/* Reads a text and cuts it to kTextBytes. A missing text counts as empty. */
	bool read_text(std::string &out);
	/* Pairs of hex digits, at least one. */
	bool read_hex_bytes(std::string &out);
	/* The value at the cursor. */
	bool skip() { return cursor_.skip(limits_.depth - 1) == Reject::None; }

	/* Skips further elements, which must be JSON, up to the end of the message. */
	bool finish();

	/* Reads an event, then does the same as finish(). */
	Reject read_event_and_finish(std::string &scratch, Event &event);

	/* Why the frame is refused: BadMessage if it is valid JSON, else the fault of the JSON. */
	Reject fault() const;

  private:
	std::string_view frame_;
	json::Cursor cursor_;
	const Limits &limits_;
};

} // namespace nostr
