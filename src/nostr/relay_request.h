/* Messages from clients (NIP-01, 42, 45, 77), as a relay reads them. */
#pragma once

#include "nostr/message.h"

namespace nostr {

enum class ClientMessageType : uint8_t
{
	Event,
	Req,
	Close,
	Auth,
	Count,
	NegOpen,
	NegMsg,
	NegClose,
	Unknown
};

struct ClientMessage
{
	ClientMessageType type = ClientMessageType::Unknown;
	std::string subscription;              // 1 to 64 characters
	Event event;                           // Event, Auth
	std::vector<std::string_view> filters; // Req, Count, NegOpen: JSON objects, in the frame
	std::string payload; // NegOpen, NegMsg: pairs of hexadecimal digits of either case
};

/*
 * Returns Reject::None for a well-formed message (type Unknown for an unknown verb), else the
 * reason; fields before the fault are set. `message` points into `frame`.
 */
Reject parse_client_message(std::string_view frame, ClientMessage &message, Limits limits = {});

} // namespace nostr
