/*
 * Authentication to relays (NIP-42). The net process holds no key, so the worker signs the answer
 * to a relay's challenge.
 */
#pragma once

#include "fields.h"
#include "nostr/auth.h"

namespace wire {

/* Net process -> worker: a relay with RelayOpen::sign_in demands authentication. */
struct SignIn
{
	static constexpr uint16_t kType = 0x1c;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	std::string_view challenge;

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.utf8(m.challenge, nostr::kMaxChallenge);
	}
};

/* Worker -> net process: the signed answer. Ignored if the attempt has ended. */
struct SignedIn
{
	static constexpr uint16_t kType = 0x1d;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	const nostr::Id *id = nullptr; // id of the event
	std::string_view event;        // JSON

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.fixed(m.id);
		c.utf8(m.event, 16 << 10);
	}
};

} // namespace wire
