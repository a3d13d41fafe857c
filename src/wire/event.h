/* An event in a message of the net process. */
#pragma once

#include "codec.h"
#include "nostr/event.h"

namespace wire {

/* The net process has verified its id and signature. */
struct DeliveredEvent
{
	const nostr::Id *id = nullptr;
	const nostr::PublicKey *pubkey = nullptr;
	const nostr::Signature *sig = nullptr;
	int64_t created_at = 0;
	int32_t kind = 0;
	std::string_view tags; // canonical JSON
	std::string_view content;
	bool has_nul = false; // tags or content contain U+0000

	static void fields(auto &c, auto &m)
	{
		c.fixed(m.id);
		c.fixed(m.pubkey);
		c.fixed(m.sig);
		c.number(m.created_at, 0, INT64_MAX, "time of an event out of range");
		c.number(m.kind, 0, 65535, "kind out of range");
		c.utf8(m.tags, kMaxFrame);
		c.utf8(m.content, kMaxFrame);
		c.flag(m.has_nul);
		c.demand(
			[&] {
				return m.has_nul ||
					   (m.tags.find('\0') == m.tags.npos && m.content.find('\0') == m.content.npos);
			},
			"unannounced U+0000");
	}
};

/* A copy that does not point into a frame. */
inline nostr::Event
copy(const DeliveredEvent &event)
{
	return {.id = *event.id,
			.pubkey = *event.pubkey,
			.sig = *event.sig,
			.created_at = event.created_at,
			.kind = event.kind,
			.tags = std::string(event.tags),
			.content = std::string(event.content),
			.has_nul = event.has_nul};
}

} // namespace wire
