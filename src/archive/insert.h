/*
 * The only way for events and sightings into the archive: for the workers' batches, for SQL
 * (_bigbrotr.insert_verified_events, bigbrotr.insert_event …) and for imports.
 *
 * Rows are written by direct table access (table.h); where that is not possible, by
 * _bigbrotr.store_events and store_sightings. Both leave the same rows. All writers take events in
 * the order of their ids, then sightings in the order of eid and relay_id, so that they cannot
 * deadlock.
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
 * An event that was verified: nothing here verifies it. Texts are valid UTF-8. If content or tags
 * hold U+0000, either has_nul is set and they are exact, or U+FFFD stands in its place and `raw` is
 * the exact JSON.
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

/* Points into `event`. */
VerifiedEvent verified(const nostr::Event &event);

struct NewSighting
{
	/* Of an event in the archive or in the same batch; others are missing, unless a retention rule
	 * leaves them out. */
	std::string_view id;
	int32_t relay_id = 0;
	int64_t seen_at = 0; // Unix seconds
	/* Of the event, if the caller knows. */
	int32_t kind = -1;
	int64_t created_at = 0;
};

using IdSet = std::unordered_set<std::string_view>;

struct RelaySightings
{
	int32_t relay_id;
	int64_t count;
};

/* Do the relays of the sightings have to be locked? */
enum class Relays : uint8_t
{
	Unknown, // a relay may not exist, or be deleted meanwhile: each is locked
	Held     // they exist until the end of the transaction: the caller has leased them
};

struct Inserted
{
	IdSet events;                          // ids of those that are new, as they stand in the batch
	std::vector<RelaySightings> sightings; // new ones of each relay
	IdSet rejected;                        // ids of those that the database refused for good
	/* Ids, as they stand in the batch, of events and of sightings without an archived event, which
	 * a retention rule leaves out. */
	IdSet left_out;
	/*
	 * Ids of sightings, as they stand in the batch, whose event is neither archived nor rejected
	 * for good nor left out: these sightings were not stored, and a net process that took such an
	 * event for archived is wrong.
	 */
	IdSet missing;
};

/*
 * Inside a transaction with SPI connected and a snapshot pushed. `now`: Unix seconds. An event that
 * the database itself refuses goes to bigbrotr.event_rejects, one that is blocked is left out
 * (block_list.h), and so is one that a retention rule would delete (retention.h); the others are
 * stored. Throws pg::Error for whatever is not the fault of one event: deadlock, no disk space, no
 * privilege.
 */
Inserted insert_verified_events(std::span<const VerifiedEvent> events,
								std::span<const NewSighting> sightings, int64_t now,
								Relays relays = Relays::Unknown);

struct Recorded
{
	std::vector<uint8_t> known;            // for each sighting: is its event archived or rejected?
	std::vector<RelaySightings> sightings; // new ones of each relay
};

/*
 * Inserts sightings whose events may not be archived. Inside a transaction, as insert_events(). The
 * caller must verify and insert the events that are not known, with their sightings.
 */
Recorded insert_sightings(std::span<const NewSighting> sightings);

/* For each id (32 bytes): is the event archived, or was it rejected for good? Inside a transaction,
 * as insert_events(). */
std::vector<uint8_t> known_events(std::span<const std::string_view> ids);

} // namespace archive
