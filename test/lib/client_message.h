/* Messages from clients (NIP-01, 42, 45, 77), as the relays of tests read them. */
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
	std::string subscription;
	Event event;         // Event, Auth
	int filters = 0;     // Req, Count: number of filter objects
	std::string payload; // NegOpen, NegMsg: pairs of hexadecimal digits of either case
};

Reject parse_client_message(std::string_view frame, ClientMessage &message, Limits limits = {});

} // namespace nostr
