/*
 * Messages of the archive desk for comparing sets (NIP-77): the events that a relay has shown, and
 * which of the offered ids are wanted. The variants of archive.h include them.
 */
#pragma once

#include "fields.h"
#include "nostr/event.h"
#include "nostr/evidence.h"

namespace wire {

constexpr size_t kMaxSeen = 10000;  // records of one SeenAnswer
constexpr size_t kMaxNeeds = 10000; // ids of one NeedQuestion

/* An event that a relay has shown. */
struct SeenRecord
{
	int64_t created_at = 0;
	const nostr::Id *id = nullptr;

	static void fields(auto &c, auto &m)
	{
		c.number(m.created_at, 0, INT64_MAX, "time of an event out of range");
		c.fixed(m.id);
	}
};

// ---- net process -> worker

/* Asks which archived events that pass the filter the relay has shown. Each relay has at most one
 * open question of each kind. */
struct SeenQuestion
{
	static constexpr uint16_t kType = 0x1a;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	uint32_t filter_id = 0; // 0: everything
	nostr::TimeRange range;
	uint32_t most = 0; // largest number of records; with more, the answer is only `too_many`

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.number(m.filter_id);
		range_fields(c, m.range);
		c.number(m.most, 1, INT32_MAX, "number of records out of range");
	}
};

/* The relay offers these ids, which it has not shown yet. Asks which of them to fetch. The worker
 * records the wanted ids before it answers. */
struct NeedQuestion
{
	static constexpr uint16_t kType = 0x1b;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	uint32_t filter_id = 0; // 0: everything
	nostr::TimeRange range; // the range in which they were offered
	std::span<const nostr::Id> ids;

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.number(m.filter_id);
		range_fields(c, m.range);
		c.fixed_list(m.ids);
		c.demand([&] { return m.ids.size() <= kMaxNeeds; }, "too many ids");
	}
};

/* The result of a comparison of sets. */
enum class Comparison : uint8_t
{
	Finished,
	Refused, // the relay does not support it, or not now
	Broken   // it began and failed
};

struct Compared
{
	int32_t relay_id = 0;
	Comparison outcome = Comparison::Finished;
	uint64_t needed = 0; // ids that the relay offered and had not shown
	uint64_t lost = 0;   // events that the relay has shown and no longer has
	std::string_view detail;

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.value(m.outcome, Comparison::Broken);
		c.number(m.needed, 0, INT64_MAX, "count of ids out of range");
		c.number(m.lost, 0, INT64_MAX, "count of ids out of range");
		c.detail(m.detail);
	}
};

// ---- worker -> net process

/* The answer to a SeenQuestion, in one or several messages. */
struct SeenAnswer
{
	static constexpr uint16_t kType = 0x16;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	std::vector<SeenRecord> records; // in no particular order
	bool last = false;
	bool too_many = false; // there are more than `most`; the records are incomplete

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.list(m.records);
		c.flag(m.last);
		c.flag(m.too_many);
	}
};

/* What to do about an id that a relay offers. */
struct Want
{
	enum Kind : uint8_t
	{
		Shown, // nothing: the relay has shown it meanwhile
		Fetch,
		Withheld // nothing now: the relay offered it before and did not serve it
	};
	Kind kind = Fetch;

	static void fields(auto &c, auto &m) { c.value(m.kind, Withheld); }
};

/* The answer to a NeedQuestion. */
struct Wanted
{
	static constexpr uint16_t kType = 0x17;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	std::vector<Want> wants; // one per id; empty: the relay withholds too many ids

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.list(m.wants);
	}
};

} // namespace wire
