#include "pg/cycle/service_entry.h"

static constexpr const char *after[] = {"initializer"};

static constexpr std::string_view columns[] = {
	"bigbrotr.relays relay_id integer",
	"bigbrotr.relays url text",
	"bigbrotr.relays network text",
	"bigbrotr.relays inserted_at bigint",
	"bigbrotr.relays last_seen bigint",
	"bigbrotr.relays status text",
	"bigbrotr.events eid bigint",
	"bigbrotr.events event_id bytea",
	"bigbrotr.events pubkey bytea",
	"bigbrotr.events created_at bigint",
	"bigbrotr.events kind integer",
	"bigbrotr.events tags bigbrotr.tags",
	"bigbrotr.events content text",
	"bigbrotr.events sig bytea",
	"bigbrotr.events inserted_at bigint",
	"bigbrotr.events raw bytea",
	"bigbrotr.sightings eid bigint",
	"bigbrotr.sightings relay_id integer",
	"bigbrotr.sightings seen_at bigint",
	"bigbrotr.coverage relay_id integer",
	"bigbrotr.coverage filter jsonb",
	"bigbrotr.coverage lower bigint",
	"bigbrotr.coverage upper bigint",
	"bigbrotr.coverage evidence text",
	"bigbrotr.coverage events bigint",
	"bigbrotr.coverage proven_at bigint",
	"bigbrotr.relay_sync relay_id integer",
	"bigbrotr.relay_sync phase text",
	"bigbrotr.relay_sync next_attempt bigint",
	"bigbrotr.relay_refusals relay_id integer",
	"bigbrotr.event_rejects event_id bytea",
};

static constexpr std::string_view functions[] = {
	"bigbrotr.known_events(bytea[])",
	"bigbrotr.store_events(bytea[],bytea[],bigint[],integer[],text[],text[],bytea[],bytea[],"
	"bigint)",
	"bigbrotr.hold_relays(integer[])",
	"bigbrotr.store_sightings(bytea[],integer[],bigint[])",
	"bigbrotr.reject_event(bytea,integer,text,text,bytea,bigint)",
	"bigbrotr.claim_coverage(integer,bigint,bigint,text,bigint,bigint)",
	"bigbrotr.gaps(integer,bigint)",
	"bigbrotr.due_relays(boolean,bigint)",
	"bigbrotr.take_relays(integer,boolean,bigint)",
	"bigbrotr.report_relay(integer,text,text,text,bigint,bigint,bigint,bigint)",
	"bigbrotr.release_relays(bigint)",
	"bigbrotr.unwanted_relays(integer[],boolean)",
	"bigbrotr.count_traffic(integer[],bigint[],bigint[],bigint[],bigint[],bigint[],bigint)",
	"bigbrotr.count_refusals(integer[],text[],bigint[],text[],bigint)",
};

extern constinit const pg::ServiceEntry synchronizer_entry = {
	.name = "synchronizer",
	.description = "archives the events of relays and proves how completely",
	.net_role = pg::NetRole::Sync,
	.after = after,
	.columns = columns,
	.functions = functions,
};
