/*
 * The only way to write events and sightings: for batches of workers, for SQL
 * (_bigbrotr.insert_verified_events, bigbrotr.insert_event …) and for imports.
 *
 * Rows are written by direct table access (table.h) or, if that is not possible, by
 * _bigbrotr.store_events and store_sightings. Both write the same rows. All writers process events
 * in the order of their ids, then sightings in the order of eid and relay_id, so that writers
 * cannot deadlock.
 */
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "nostr/event.h"

namespace archive {

/*
 * An event whose signature was verified before. Texts are valid UTF-8. If content or tags contain
 * U+0000, there are two forms: has_nul is set and they are exact; or U+FFFD replaces U+0000 and
 * `raw` is the exact JSON.
 */
struct VerifiedEvent
{
	std::string_view id, pubkey, sig; // bytes
	int64_t created_at = 0;           // Unix seconds
	int32_t kind = 0;
	std::string_view tags; // JSON
	std::string_view content;
	bool has_nul = false;
	std::string_view raw = {}; // empty: none
};

/* The result points into `event`. */
VerifiedEvent verified(const nostr::Event &event);

struct NewSighting
{
	/* Id of an archived event, or of one in the same batch. Sightings of other events are reported
	 * as missing, unless a retention rule leaves the event out. */
	std::string_view id;
	int32_t relay_id = 0;
	int64_t seen_at = 0; // Unix seconds
	/* Kind and time of the event, if the caller knows them. */
	int32_t kind = -1;
	int64_t created_at = 0;
};

using IdSet = std::unordered_set<std::string_view>;

struct RelaySightings
{
	int32_t relay_id;
	int64_t count;
};

/* Whether the relays of the sightings must be locked. */
enum class RelayLocks : uint8_t
{
	Unknown, // a relay may be missing or may be deleted meanwhile, so each is locked
	Held     // the caller has leased the relays, so they stay until the transaction ends
};

/* Whether blocked events must be left out (block_list.h). */
enum class Screening : uint8_t
{
	Needed,
	Done // this transaction has left them out, and may have inserted events since
};

struct Inserted
{
	/* All ids point into the batch. */
	IdSet events;                          // ids of new events
	std::vector<RelaySightings> sightings; // number of new sightings for each relay
	IdSet rejected;                        // ids of events that the database has refused for good
	std::vector<VerifiedEvent> blocked;    // events that a block has left out
	/* Ids that a retention rule leaves out: of events, and of sightings without an archived
	 * event. */
	IdSet left_out;
	/*
	 * Ids of sightings whose event is not archived, rejected or left out. These sightings were not
	 * stored. If a net process took such an event for archived, the net process was wrong.
	 */
	IdSet missing;
};

/*
 * Must be called inside a transaction with SPI connected and a snapshot pushed. `now`: Unix
 * seconds. An event that the database refuses goes to bigbrotr.event_rejects. An event that is
 * blocked (block_list.h), or that a retention rule would delete (retention.h), is left out; the
 * caller gives the blocked ones to note_missing(). The other events are stored. Throws pg::Error
 * for errors that no single event caused: deadlock, no disk space, no privilege.
 */
Inserted insert_verified_events(std::span<const VerifiedEvent> events,
								std::span<const NewSighting> sightings, int64_t now,
								RelayLocks relays = RelayLocks::Unknown,
								Screening screening = Screening::Needed);

struct Recorded
{
	std::vector<uint8_t> known; // for each sighting: whether its event is archived or rejected
	std::vector<RelaySightings> sightings; // number of new sightings for each relay
};

/*
 * Inserts sightings whose events may not be archived. Conditions as for insert_verified_events().
 * The caller must verify and insert the unknown events with their sightings.
 */
Recorded insert_sightings(std::span<const NewSighting> sightings);

enum class Standing : uint8_t
{
	Unknown,
	Archived,
	KeptOut // blocked, or permanently rejected by the database
};

/* For each id (32 bytes): what is known of the event. Conditions as for
 * insert_verified_events(). */
std::vector<Standing> find_standings(std::span<const std::string_view> ids);

/* As find_standings(): whether the event is archived or kept out. */
std::vector<uint8_t> known_events(std::span<const std::string_view> ids);

} // namespace archive
