/*
 * Messages of the archive desk (role sync): relays to read, and events to archive.
 */
#pragma once

#include "event.h"
#include "fields.h"
#include "link.h"
#include "nostr/evidence.h"
#include "reconciliation.h"
#include "sign_in.h"

namespace wire {

constexpr size_t kMaxFilter = 256 << 10; // bytes

/* The identity under which a relay is read. A relay may show more events to readers that it knows
 * (NIP-42). */
enum class ReadAs : uint8_t
{
	Anonymous,
	SignedIn
};

// ---- worker -> net process

/*
 * The first message, which is sent again after a reload. Fields have the names and units of the
 * server's settings.
 */
struct ArchiveSettings
{
	static constexpr uint16_t kType = 0x10;
	DialSettings dial;
	int response_timeout_ms = 30 * 1000;
	int page_limit = 500;
	int max_per_address = 0; // connections to one address; 0: no limit
	int max_message_size_kb = 2 * 1024;
	int max_event_size_kb = 1024;
	int max_event_tags = 10000;
	int verifier_threads = 2; // read only at the start of the net process
	int buffer_kb = 32 * 1024;
	int paging_kb = 512 * 1024; // what readings keep of shown events; no setting of the server
	Politeness politeness = Politeness::Normal;

	static void fields(auto &c, auto &m)
	{
		auto positive = [&](auto &value) { c.number(value, 1, INT32_MAX, "setting out of range"); };
		DialSettings::fields(c, m.dial);
		positive(m.response_timeout_ms);
		positive(m.page_limit);
		c.number(m.max_per_address, 0, INT32_MAX, "setting out of range");
		positive(m.max_message_size_kb);
		positive(m.max_event_size_kb);
		positive(m.max_event_tags);
		positive(m.verifier_threads);
		positive(m.buffer_kb);
		positive(m.paging_kb);
		c.value(m.politeness, Politeness::Sweep);
	}
};

/* Why a range is read. */
enum class Purpose : uint8_t
{
	Read,     // it was never read, or read only in part
	Again,    // it is recent, and events may arrive late
	Confirm,  // a second reading, with other windows
	Audit,    // of proven ranges; a new event is a miss
	Reconcile // by a comparison of sets (NIP-77)
};

/* Inclusive Unix seconds. upper = INT64_MAX: the question has no `until`. */
struct Range
{
	int64_t lower = 0, upper = 0;
	uint32_t max_pages = 0; // 0: no limit
	uint32_t filter_id = 0; // a filter of RelayOpen; 0: everything
	Purpose purpose = Purpose::Read;
	uint32_t expected = 0; // events of the range that the relay showed before: as many must
						   // come again
	bool part = false;     // the relay showed only a part before

	static void fields(auto &c, auto &m)
	{
		range_fields(c, m);
		c.number(m.max_pages);
		c.number(m.filter_id);
		c.value(m.purpose, Purpose::Reconcile);
		c.number(m.expected);
		c.flag(m.part);
	}
};

/* NIP-01 filter without since, until and limit. */
struct SyncFilter
{
	uint32_t filter_id = 0;
	std::string_view json;

	static void fields(auto &c, auto &m)
	{
		c.number(m.filter_id, 1, UINT32_MAX, "filter id out of range");
		c.utf8(m.json, kMaxFilter);
	}
};

/* Tells the net process to connect to the relay and to archive it. */
struct RelayOpen
{
	static constexpr uint16_t kType = 0x11;
	int32_t relay_id = 0;
	uint32_t attempt = 0;       // number of this opening; messages about others are void
	std::string_view url;       // normalised
	uint32_t page_limit = 0;    // learned before: events to ask for in one page; 0: the setting
	uint32_t pace_ms = 0;       // learned before: pause between two questions
	uint32_t subscriptions = 0; // subscriptions that the relay says it allows; 0: it does not say
	bool live = false;          // keep the connection and subscribe to new events
	bool sign_in = false;       // answer the relay's challenges (SignIn)
	std::vector<Range> ranges;  // to read, in this order
	std::vector<SyncFilter>
		filters; // of the relay, which is asked for nothing else; none: everything

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.ascii(m.url, kMaxUrl);
		c.number(m.page_limit);
		c.number(m.pace_ms);
		c.number(m.subscriptions);
		c.flag(m.live);
		c.flag(m.sign_in);
		c.list(m.ranges);
		c.list(m.filters);
	}
};

/* Adds ranges for an open relay. Ignored if this attempt has ended, or if the reader has changed
 * meanwhile. */
struct RelayMore
{
	static constexpr uint16_t kType = 0x12;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	std::vector<Range> ranges;
	ReadAs reader = ReadAs::Anonymous;

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.list(m.ranges);
		c.value(m.reader, ReadAs::SignedIn);
	}
};

/* Tells the net process to close the relay. Ignored if this attempt has ended. */
struct RelayStop
{
	static constexpr uint16_t kType = 0x13;
	int32_t relay_id = 0;
	uint32_t attempt = 0;

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
	}
};

/* The answer to a KnownQuestion. */
struct Known
{
	static constexpr uint16_t kType = 0x14;
	uint64_t question = 0;
	std::vector<uint8_t> known; // for each event of the question: 1 if it need not be sent

	static void fields(auto &c, auto &m)
	{
		c.number(m.question);
		c.flags(m.known);
	}
};

/* Tells the net process that these ids are no longer archived. */
struct Forget
{
	static constexpr uint16_t kType = 0x15;
	std::span<const nostr::Id> ids;

	static void fields(auto &c, auto &m) { c.fixed_list(m.ids); }
};

using ArchiveToNet = std::variant<ArchiveSettings, RelayOpen, RelayMore, RelayStop, Known, Forget,
								  SeenAnswer, Wanted, SignedIn, Ack>;

// ---- net process -> worker

/* An event without its content. A retention rule may leave it out. */
struct Outline
{
	const nostr::Id *id = nullptr;
	int64_t created_at = 0;
	int32_t kind = 0;

	static void fields(auto &c, auto &m)
	{
		c.fixed(m.id);
		c.number(m.created_at, 0, INT64_MAX, "time of an event out of range");
		c.number(m.kind, 0, 65535, "kind out of range");
	}
};

/* Asks which of these events are archived or would be left out. */
struct KnownQuestion
{
	static constexpr uint16_t kType = 0x18;
	uint64_t question = 0;
	std::vector<Outline> events;

	static void fields(auto &c, auto &m)
	{
		c.number(m.question);
		c.list(m.events);
	}
};

struct Sighting
{
	Outline event;
	int32_t relay_id = 0;
	int64_t seen_at = 0; // Unix seconds
	bool live = false;   // the relay sent it unasked, not in answer to a question about a range

	static void fields(auto &c, auto &m)
	{
		Outline::fields(c, m.event);
		relay_id_field(c, m.relay_id);
		c.number(m.seen_at, 0, INT64_MAX, "time of a sighting out of range");
		c.flag(m.live);
	}
};

/* Data that the net process refused since the previous batch. */
struct RelayRefusal
{
	int32_t relay_id = 0;
	std::string_view reason; // a code
	uint32_t count = 0;
	std::string_view detail; // of the last refusal

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.code(m.reason);
		c.demand([&] { return !m.reason.empty(); }, "empty reason code");
		c.number(m.count);
		c.detail(m.detail);
	}
};

/* Counts since the previous batch. */
struct RelayTraffic
{
	int32_t relay_id = 0;
	uint64_t bytes = 0, messages = 0;
	uint32_t pages = 0;
	uint32_t questions = 0; // pages, and the small questions that check or probe
	uint32_t delivered = 0; // events in answers to questions
	uint32_t repeated = 0;  // those that the same reading had delivered before

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.bytes);
		c.number(m.messages);
		c.number(m.pages);
		c.number(m.questions);
		c.number(m.delivered);
		c.number(m.repeated);
	}
};

struct RelayClaim
{
	int32_t relay_id = 0;
	uint32_t filter_id = 0;
	ReadAs reader = ReadAs::Anonymous;
	Purpose purpose = Purpose::Read;
	nostr::Claim claim{};

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		range_fields(c, m.claim.range);
		c.number(m.filter_id);
		c.value(m.reader, ReadAs::SignedIn);
		c.value(m.purpose, Purpose::Reconcile);
		c.value(m.claim.evidence, nostr::kLastEvidence);
		c.number(m.claim.doubts.bits, 0, nostr::Doubts::kAll, "unknown doubt");
		c.number(m.claim.events, 0, INT64_MAX, "count of a claim out of range");
		c.number(m.claim.refused, 0, INT64_MAX, "count of a claim out of range");
	}
};

/* Something contradicts earlier claims, in this batch or before. */
struct RelayRetract
{
	int32_t relay_id = 0;
	uint32_t filter_id = 0;
	nostr::Retract retract{};

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.filter_id);
		range_fields(c, m.retract.range);
		c.value(m.retract.doubt, static_cast<nostr::Doubt>(nostr::kDoubts - 1));
		c.number(m.retract.found, 0, INT64_MAX, "count of a retraction out of range");
	}
};

enum class RelayPhase : uint8_t
{
	Connected, // the WebSocket is open; if RelayOpen::sign_in, no authentication was demanded
	SignedIn,  // the same after authentication; earlier questions are void
	CaughtUp,  // all ranges were read
	Ended      // the connection is closed; reason: empty if the worker asked for it
};

struct RelayReport
{
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	RelayPhase phase = RelayPhase::Connected;
	std::string_view reason; // a code
	std::string_view detail;
	uint32_t retry_after_ms = 0; // at the relay's request, or for lack of a place; 0: neither
	uint32_t page_limit = 0;     // learned for this relay; 0: none
	uint32_t pace_ms = 0;        // learned for this relay; 0: none

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.value(m.phase, RelayPhase::Ended);
		c.code(m.reason);
		c.detail(m.detail);
		c.number(m.retry_after_ms);
		c.number(m.page_limit);
		c.number(m.pace_ms);
	}
};

/* A batch is stored in one transaction; its parts apply in this order. */
struct Batch
{
	static constexpr uint16_t kType = 0x19;
	uint64_t number = 0;                // 1, 2, 3, …
	std::vector<DeliveredEvent> events; // without duplicates
	std::vector<Sighting> sightings;    // at least one of every event of the batch
	std::vector<RelayRefusal> refusals;
	std::vector<RelayTraffic> traffic;
	std::vector<RelayClaim> claims; // their events are in this batch or an earlier one
	std::vector<RelayRetract> retracts;
	std::vector<Compared> compared;
	std::vector<RelayReport> reports;

	static void fields(auto &c, auto &m)
	{
		c.number(m.number);
		c.list(m.events);
		c.list(m.sightings);
		c.list(m.refusals);
		c.list(m.traffic);
		c.list(m.claims);
		c.list(m.retracts);
		c.list(m.compared);
		c.list(m.reports);
	}
};

using ArchiveToWorker = std::variant<KnownQuestion, SeenQuestion, NeedQuestion, SignIn, Batch>;

} // namespace wire
