/*
 * How a simulated relay differs from a good one. The values of a fresh Behaviour are those of an
 * honest relay that caps its answers at 500 events, newest first.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pool.h"

namespace simulator {

enum class Order
{
	Newest,    // newest first: NIP-01
	Ascending, // the newest ones, sent oldest first
	Oldest,    // the oldest ones first
	Insertion, // those that the relay got last
	Algorithm  // in an order of its own
};

/* What goes wrong with one answer. */
enum class Fault
{
	Drop,       // the connection ends
	Stall,      // the relay sends nothing more
	NoticeEose, // NOTICE, then EOSE without events
	EmptyEose,  // EOSE without events
	Closed,     // CLOSED with `text`
	NoEose,     // events, and no EOSE
	Slow        // the answer comes after `ms`
};

/* Where in an answer, or before it. */
enum class Position
{
	Connect, // before the handshake is answered
	Open,    // after it
	Request, // instead of an answer
	Events,  // after some events
	Frame,   // inside a frame
	Eose,    // before EOSE
	End      // after EOSE
};

struct Trouble
{
	Fault fault;
	Position position = Position::Request;
	double chance = 1;   // of each answer
	uint32_t after = 0;  // answers of the relay that are good before
	uint32_t most = ~0u; // answers with the trouble; those after them are good
	uint32_t ms = 0;
	std::string text;
};

/* What NIP-67 hints say. */
enum class Hints
{
	None,
	Right,
	FinishAlways,
	MoreAlways,
	MoreOnly // "more" where there is more, nothing else
};

/* What NIP-45 COUNT says. */
enum class Count
{
	None,   // NOTICE
	Right,  // what a stranger is served
	Hidden, // private events too
	Capped, // as REQ would answer
	Zero,
	Random
};

/* What NIP-77 reconciles with. */
enum class Negentropy
{
	None,        // NOTICE
	Right,       // what a stranger is served
	ClaimedOnly, // as None, but its document says that it can
	Hidden,      // offers private events too, which it does not serve
	Lagging,     // its set lacks a tenth of what REQ serves
	Limited,     // the newest ones up to the cap
	Equal,       // says that nothing differs, whatever it is told
	Garbage,     // no message of the protocol
	Silent,
	Blocked // more than 200 records are too many
};

/* What changes when the first pass is over. */
enum class Change
{
	None,
	LateLive, // backdated events arrive while connections are open
	LateAway, // the relay goes away, gets backdated events, and comes back
	Emptied,
	Replaced // other events at the same address
};

struct Behaviour
{
	// Answers
	size_t cap = 500;
	size_t cap_bytes = SIZE_MAX;
	bool cap_random = false;
	bool limit_ignored = false;
	Order order = Order::Newest;
	std::vector<std::vector<int32_t>> stores; // kinds of stores with a cap each, one after another
	bool stores_merged = false;               // as one answer, newest first
	size_t per_author = SIZE_MAX;             // most events of one author in an answer
	size_t per_kind = SIZE_MAX;
	int64_t look_back = INT64_MAX; // seconds before now; without kinds, authors and ids
	bool until_exclusive = false, since_exclusive = false;
	bool until_ignored = false, since_ignored = false, kinds_ignored = false;
	bool limit_one_empty = false; // nothing is found for "limit": 1
	bool kinds_empty = false;     // nor with kinds
	bool hides_private = false;   // counted against the cap, not sent
	bool hides_expired = false;
	bool pinned = false;             // an old event ends each capped answer
	size_t repeats = 1;              // how often each event is sent; all count
	bool milliseconds = false;       // unbounded scans end early
	size_t dropped_past = SIZE_MAX;  // bytes that a client may be behind before events are dropped
	bool private_after_auth = false; // sends AUTH, shows strangers a part
	uint32_t auth_after = 0;         // requests before AUTH
	bool auth_required = false;
	uint32_t replicas = 1; // connections are served by them in turn; each holds its own part
	Hints hints = Hints::None;
	Count count = Count::None;
	Negentropy negentropy = Negentropy::None;

	// Messages
	double early_eose = 0;         // chance of an answer: EOSE, and the events after it
	bool half_early_eose = false;  // half of them before
	double wrong_subscription = 0; // chance of an event
	double rubbish = 0;            // chance of an event: no JSON instead
	double no_subscription = 0;
	double forged_id = 0;      // chance of one more event with a wrong id
	double forged_sig = 0;     // the same with a wrong signature
	bool forged_only = false;  // nothing but wrong signatures
	bool forged_times = false; // answers are refused events with made-up times, once
	size_t flood = 0;          // messages that were not asked for, with each answer
	std::vector<Trouble> troubles;
	uint32_t requests_per_second = 0; // more are answered with a complaint
	bool complains_by_closed = false;
	bool complains_by_nothing = false; // EOSE without events
	bool complains_by_429 = false;
	uint32_t deaf_ms = 0; // after the handshake
	int64_t date_off = 0; // seconds, of the Date header
	bool no_date = false;
	Change change = Change::None;
};

} // namespace simulator
