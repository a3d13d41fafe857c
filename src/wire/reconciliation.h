/*
 * Messages of the archive desk about comparing sets (NIP-77): which events a relay has shown, and
 * which ids that it offers are wanted. The variants of archive.h name them.
 */
#pragma once

#include "fields.h"
#include "nostr/event.h"
#include "nostr/evidence.h"

namespace wire {

constexpr size_t kMaxSeen = 10000;  // records of one Seen
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

/* Which archived events that pass the filter has the relay shown? There is one question at a time
 * of each kind and relay. */
struct SeenQuestion
{
	static constexpr uint16_t kType = 0x1a;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	uint32_t filter_id = 0; // 0: all
	nostr::TimeRange range;
	uint32_t most = 0; // with more the answer is only that there are more

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.number(m.filter_id);
		range_fields(c, m.range);
		c.number(m.most, 1, INT32_MAX, "number of records out of range");
	}
};

/* The relay offers these ids, which it has not shown yet: which of them are to be fetched? What is
 * wanted is written down before it is answered. */
struct NeedQuestion
{
	static constexpr uint16_t kType = 0x1b;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	nostr::TimeRange range; // where they were offered
	std::span<const nostr::Id> ids;

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		range_fields(c, m.range);
		c.fixed_list(m.ids);
		c.demand([&] { return m.ids.size() <= kMaxNeeds; }, "too many ids");
	}
};

/* How a comparison of sets ended. */
enum class Comparison : uint8_t
{
	Finished,
	Refused, // the relay does not do it, or not now
	Broken   // it began and did not end well
};

struct Compared
{
	int32_t relay_id = 0;
	Comparison outcome = Comparison::Finished;
	uint64_t needed = 0; // ids that the relay offered and had not shown
	uint64_t lost = 0;   // events that it has shown and has no more
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

/* The answer to a SeenQuestion, in one message or several. */
struct Seen
{
	static constexpr uint16_t kType = 0x16;
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	std::vector<SeenRecord> records; // in no order
	bool last = false;
	bool too_many = false; // there are more than was asked for; the records are not all

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.list(m.records);
		c.flag(m.last);
		c.flag(m.too_many);
	}
};

/* What is to be done about an id that a relay offers. */
struct Want
{
	enum Kind : uint8_t
	{
		Shown, // the relay has shown it by now: nothing
		Fetch,
		Withheld // the relay has offered it before and not served it: not now
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
	std::vector<Want>
		wants; // for each id asked; empty: the relay offers too much that it withholds

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.list(m.wants);
	}
};

} // namespace wire
