/*
 * Messages between client and relay (NIP-01, 42, 45, 67, 77): parses a relay's messages and writes
 * a client's. A frame is read in one pass, which also parses the event of an EVENT and checks its
 * id.
 */
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "event.h"

namespace nostr {

enum class MessageType : uint8_t
{
	Event,
	Eose,
	Closed,
	Notice,
	Ok,
	Auth,
	Count,
	NegMsg,
	NegErr,
	Unknown
};

struct RelayMessage
{
	MessageType type = MessageType::Unknown;
	std::string subscription; // Event, Eose, Closed, Count, NegMsg, NegErr; 1 to 64 characters
	std::string text;      // Closed, Notice, Ok, NegErr: the text, cut after 1000 bytes, not made
						   // printable; Auth: the challenge; NegMsg: the hex
	Event event;           // Event; Ok: only event.id is set
	bool accepted = false; // Ok
	uint64_t count = 0;    // Count
	bool approximate = false; // Count
	bool more = false;        // Eose with the hint "more" (NIP-67)
};

/*
 * Use one parser per thread, because it keeps scratch memory between calls.
 *
 * parse() returns Reject::None for a well-formed message (type Unknown for an unknown verb), else
 * the reason. For a refused EVENT, `message.type` is Event, and `message.subscription` is set if
 * the fault comes after it.
 */
class MessageParser
{
  public:
	explicit MessageParser(Limits limits = {}) : events_(limits) {}
	Reject parse(std::string_view frame, RelayMessage &message);

  private:
	EventParser events_;
};

/*
 * created_at of the event in a refused EVENT frame, if it can be read. This time shows only how far
 * a relay has got in its stored events; it must not be stored.
 */
std::optional<int64_t> peek_created_at(std::string_view frame);

/* The prefix of OK, CLOSED and NEG-ERR texts: the word of [a-z-] before the first colon, else "".
 */
std::string_view reason_prefix(std::string_view text);

/* The window of a subscription: events of a time range; both bounds are inclusive Unix seconds. */
struct Window
{
	std::optional<int64_t> since;
	std::optional<int64_t> until;
	std::optional<int> limit;
	std::vector<int32_t> kinds;     // empty: all
	std::vector<PublicKey> authors; // empty: all
	std::string members;            // more members of the filter's JSON object: "a":1,"b":2
};

/* REQ with one filter for each window: it asks for events that match at least one of them. */
std::string req_message(std::string_view subscription, std::span<const Window> windows);
inline std::string
req_message(std::string_view subscription, const Window &window)
{
	return req_message(subscription, std::span(&window, 1));
}
std::string close_message(std::string_view subscription);
/* NIP-77: begin, continue and end a set reconciliation. `message`: bytes. */
std::string neg_open_message(std::string_view subscription, const Window &window,
							 std::string_view message);
std::string neg_message(std::string_view subscription, std::string_view message);
std::string neg_close_message(std::string_view subscription);

} // namespace nostr
