/*
 * Messages of the publish desk (role publish): events to send to relays, with the answers of the
 * relays; events to listen for; documents to send by HTTP.
 */
#pragma once

#include "event.h"
#include "fields.h"
#include "link.h"
#include "sign_in.h"

namespace wire {

constexpr size_t kMaxPublication = 256 << 10; // bytes of one event
constexpr size_t kMaxPublications = 100;      // events of one Publish
constexpr size_t kMaxKinds = 20;              // of one Listen
constexpr size_t kMaxAuthors = 20;            // of one Listen
constexpr size_t kMaxPosts = 8;               // under way at a time
constexpr size_t kMaxPost = 16 << 10;         // bytes of one document

// ---- worker -> net process

/*
 * The first message, which is sent again after a reload. Fields have the names and units of the
 * server's settings.
 */
struct PublishSettings
{
	static constexpr uint16_t kType = 0x40;
	DialSettings dial;
	int response_timeout_ms = 30 * 1000; // for the answer to each event

	static void fields(auto &c, auto &m)
	{
		DialSettings::fields(c, m.dial);
		c.number(m.response_timeout_ms, 1, INT32_MAX, "setting out of range");
	}
};

struct OutgoingEvent
{
	const nostr::Id *id = nullptr;
	std::string_view event; // JSON

	static void fields(auto &c, auto &m)
	{
		c.fixed(m.id);
		c.utf8(m.event, kMaxPublication);
	}
};

/* Tells the net process to connect, to send these events one after the other, and to close. */
struct Publish
{
	static constexpr uint16_t kType = 0x41;
	int32_t relay_id = 0; // number that the worker gave the relay, at least 1
	uint32_t attempt = 0; // number of the connection to this relay
	std::string_view url; // normalised
	std::vector<OutgoingEvent> events;

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.ascii(m.url, kMaxUrl);
		c.list(m.events);
		c.demand([&] { return m.events.size() <= kMaxPublications; }, "too many events");
	}
};

struct ListenedKind
{
	int32_t kind = 0;

	static void fields(auto &c, auto &m) { c.number(m.kind, 0, 65535, "kind out of range"); }
};

struct ListenedAuthor
{
	const nostr::PublicKey *pubkey = nullptr;

	static void fields(auto &c, auto &m) { c.fixed(m.pubkey); }
};

/* Tells the net process to connect, and to pass on stored and new events of these kinds and authors
 * until the connection ends. */
struct Listen
{
	static constexpr uint16_t kType = 0x42;
	int32_t relay_id = 0; // number by the worker, at least 1, that no Publish uses
	uint32_t attempt = 0; // number of the connection to this relay
	std::string_view url; // normalised
	std::vector<ListenedKind> kinds;
	std::vector<ListenedAuthor> authors; // empty: all authors
	int64_t since = 0;                   // Unix seconds

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.ascii(m.url, kMaxUrl);
		c.list(m.kinds);
		c.demand([&] { return !m.kinds.empty() && m.kinds.size() <= kMaxKinds; },
				 "no kinds, or too many");
		c.list(m.authors);
		c.demand([&] { return m.authors.size() <= kMaxAuthors; }, "too many authors");
		c.number(m.since, 0, INT64_MAX, "time out of range");
	}
};

/* Tells the net process to close this connection. ConnectionEnded follows. */
struct StopListening
{
	static constexpr uint16_t kType = 0x43;
	int32_t relay_id = 0;

	static void fields(auto &c, auto &m) { relay_id_field(c, m.relay_id); }
};

/* Tells the net process to send this document by POST. At most kMaxPosts are under way. The headers
 * are those of Standard Webhooks. The net process does not know the secret of the signature. */
struct Post
{
	static constexpr uint16_t kType = 0x44;
	uint32_t attempt = 0;       // number that the worker gave the document
	std::string_view url;       // http(s)
	std::string_view id;        // header webhook-id
	int64_t sent_at = 0;        // header webhook-timestamp, Unix seconds
	std::string_view signature; // header webhook-signature
	std::string_view document;  // JSON

	static void fields(auto &c, auto &m)
	{
		c.number(m.attempt);
		c.ascii(m.url, kMaxUrl);
		c.ascii(m.id, kMaxDetail);
		c.number(m.sent_at);
		c.ascii(m.signature, kMaxDetail);
		c.utf8(m.document, kMaxPost);
	}
};

using PublishToNet = std::variant<PublishSettings, Publish, Listen, StopListening, SignedIn, Post>;

// ---- net process -> worker

/* The relay's answer to one event. */
struct Answered
{
	static constexpr uint16_t kType = 0x48;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	const nostr::Id *id = nullptr;
	bool accepted = false;
	std::string_view text; // text of the relay

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.fixed(m.id);
		c.flag(m.accepted);
		c.detail(m.text);
	}
};

/* An event that was listened for. The net process has verified its id and signature. */
struct Heard
{
	static constexpr uint16_t kType = 0x4a;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	DeliveredEvent event;

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		DeliveredEvent::fields(c, m.event);
	}
};

/* The connection of a Publish or a Listen has ended. Events without an answer so far get none. */
struct ConnectionEnded
{
	static constexpr uint16_t kType = 0x49;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	std::string_view reason; // a code; empty: the worker stopped it, or every event was answered
	std::string_view detail;

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.code(m.reason);
		c.detail(m.detail);
	}
};

/* The result of one Post. */
struct Posted
{
	static constexpr uint16_t kType = 0x4b;
	uint32_t attempt = 0;
	std::string_view reason; // a code; empty: the receiver accepted the document
	std::string_view detail;

	static void fields(auto &c, auto &m)
	{
		c.number(m.attempt);
		c.code(m.reason);
		c.detail(m.detail);
	}
};

using PublishToWorker = std::variant<SignIn, Answered, Heard, ConnectionEnded, Posted>;

} // namespace wire
