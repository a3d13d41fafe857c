#include "pg/cycle/service_entry.h"
#include "workers/synchronizer/settings.h"

constinit SynchronizerSettings synchronizer_settings{};

using pg::integer;

static constexpr pg::Setting settings[] = {
	integer("sync_instances", &synchronizer_settings.instances, "1", {"1", "16"},
			"Workers that share the relays, each with a net process."),
	integer("sync_connections", &synchronizer_settings.connections, "200", {"1", "5000"},
			"Relays open at the same time, of each worker."),
	integer("sync_connections_per_host", &synchronizer_settings.connections_per_host, "4",
			{"1", "5000"}, "Relays open at the same time on one host."),
	integer("sync_connections_per_site", &synchronizer_settings.connections_per_site, "16",
			{"1", "5000"}, "Relays open at the same time on all hosts of one registered domain."),
	integer("sync_connections_per_address", &synchronizer_settings.net.max_per_address, "32",
			{"0", "5000"},
			"Relays open at the same time at one address, by whatever name, of each worker; 0: no "
			"bound."),
	integer("sync_relay_quota", &synchronizer_settings.relay_quota, "1000000", {"0"},
			"New events that one relay may bring in an hour, unless it is a priority relay; 0: no "
			"bound."),
	integer("verify_sample", &synchronizer_settings.verify_sample, "256", {"0"},
			"One in this number of events that the net process verified is verified again, at "
			"random; 0: none, 1: all."),
	integer("min_free_disk", &synchronizer_settings.min_free_disk_mb, "1GB", {"0"},
			"Free space on each disk of the archive below which no relay is read; 0: no bound.",
			GUC_UNIT_MB),
	integer("max_database_size", &synchronizer_settings.max_database_size_mb, "0", {"0"},
			"Size of the database from which on no relay is read; 0: no bound.", GUC_UNIT_MB),
	integer(
		"sync_interval", &synchronizer_settings.interval_s, "5min", {"1s", "7d"},
		"Time after which a live relay is paged again, from the last second that was read; while "
		"others wait, a relay is read no longer than that at a time.",
		GUC_UNIT_S),
	integer("sync_confirm_delay", &synchronizer_settings.confirm_delay_s, "1h", {"0", "30d"},
			"Time after which a range that was read is read once more, on another connection: only "
			"that proves it.",
			GUC_UNIT_S),
	integer("sync_audit_interval", &synchronizer_settings.audit_interval_s, "1d", {"1s", "30d"},
			"Time after which a relay's claims are audited, at random; after each audit that finds "
			"nothing it is twice as long, up to 64 times.",
			GUC_UNIT_S),
	integer("sync_page_limit", &synchronizer_settings.net.page_limit, "500", {"1", "5000"},
			"Events asked for with one page."),
	integer("sync_verifier_threads", &synchronizer_settings.net.verifier_threads, "2", {"1", "64"},
			"Threads that check signatures; a change restarts the net process."),
	integer("sync_buffer", &synchronizer_settings.net.buffer_kb, "32MB", {"1MB", "1GB"},
			"Memory for events in flight in the net process; past it nothing more is asked for.",
			GUC_UNIT_KB),
	integer("retry_delay", &synchronizer_settings.retry_delay_ms, "10s", {"10ms", "1h"},
			"First delay before a failed relay is tried again; it doubles up to "
			"bigbrotr.retry_delay_max.",
			GUC_UNIT_MS),
	integer("retry_delay_max", &synchronizer_settings.retry_delay_max_s, "1h", {"1s", "7d"},
			"Longest delay before a failed relay is tried again; longer for some reasons "
			"(docs/operations.md).",
			GUC_UNIT_S),
	integer("response_timeout", &synchronizer_settings.net.response_timeout_ms, "30s",
			{"100ms", "10min"}, "Longest silence while an answer is awaited.", GUC_UNIT_MS),
	integer("max_message_size", &synchronizer_settings.net.max_message_size_kb, "2MB",
			{"16kB", "64MB"}, "Largest message taken from a relay, inflated.", GUC_UNIT_KB),
};

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
	"bigbrotr.coverage filter_id integer",
	"bigbrotr.coverage reader integer",
	"bigbrotr.coverage lower bigint",
	"bigbrotr.coverage upper bigint",
	"bigbrotr.coverage evidence text",
	"bigbrotr.coverage doubts text[]",
	"bigbrotr.coverage observations integer",
	"bigbrotr.coverage events bigint",
	"bigbrotr.coverage refused bigint",
	"bigbrotr.coverage observed_at bigint",
	"bigbrotr.coverage audited_at bigint",
	"bigbrotr.sync_filters filter_id integer",
	"bigbrotr.sync_filters relay_id integer",
	"bigbrotr.sync_filters enabled boolean",
	"bigbrotr.audits relay_id integer",
	"_bigbrotr.relay_sync relay_id integer",
	"_bigbrotr.relay_sync phase text",
	"_bigbrotr.relay_sync next_attempt bigint",
	"_bigbrotr.relay_sync waits_for text",
	"_bigbrotr.relay_sync authenticate boolean",
	"_bigbrotr.relay_traffic relay_id integer",
	"_bigbrotr.relay_leases relay_id integer",
	"_bigbrotr.sync_workers owner text",
	"_bigbrotr.relay_refusals relay_id integer",
	"_bigbrotr.relay_needs relay_id integer",
	"_bigbrotr.relay_comparisons relay_id integer",
	"bigbrotr.event_rejects event_id bytea",
	"bigbrotr.blocked_events event_id bytea",
	"bigbrotr.blocked_authors pubkey bytea",
	"bigbrotr.retention_rules deletes_before bigint",
};

static constexpr std::string_view functions[] = {
	"bigbrotr.known_events(bytea[])",
	"_bigbrotr.store_events(bytea[],bytea[],bigint[],integer[],text[],text[],bytea[],bytea[],"
	"bigint)",
	"_bigbrotr.leave_out_blocked(bytea[],bytea[],bigint)",
	"_bigbrotr.note_left_out(integer[],bytea[])",
	"_bigbrotr.hold_relays(integer[])",
	"_bigbrotr.store_sightings(bytea[],integer[],bigint[])",
	"_bigbrotr.reject_event(bytea,integer,text,text,bytea,bigint)",
	"_bigbrotr.claim_coverage(integer,integer,integer,bigint,bigint,text,text[],boolean,bigint,"
	"bigint,bigint,bigint)",
	"_bigbrotr.retract_coverage(integer,bigint,bigint,text,boolean,bigint)",
	"_bigbrotr.gaps(integer,integer,integer,bigint,bigint,integer)",
	"_bigbrotr.relay_filters(integer)",
	"_bigbrotr.recent_time(integer,integer,integer,bigint)",
	"_bigbrotr.unconfirmed(integer,integer,integer,bigint,bigint,boolean,integer)",
	"_bigbrotr.audit_windows(integer,integer,bigint,bigint,double precision)",
	"_bigbrotr.report_miss(integer,bigint,bigint,bigint)",
	"_bigbrotr.horizon()",
	"_bigbrotr.record_audit(integer,integer,bigint,bigint,text,text,bigint,bigint,bigint,bigint,"
	"bigint,bigint)",
	"_bigbrotr.start_synchronizer(text,bigint,bigint,boolean)",
	"_bigbrotr.hold_leases(text)",
	"_bigbrotr.renew_leases(text,bigint)",
	"_bigbrotr.expire_leases(bigint)",
	"_bigbrotr.sync_clock_set_back(text,bigint,bigint)",
	"_bigbrotr.adopt_relays()",
	"_bigbrotr.wake_relays(boolean)",
	"_bigbrotr.due_relays(bigint)",
	"_bigbrotr.take_relays(text,integer,integer,integer,text[],boolean,bigint)",
	"_bigbrotr.allowed_subscriptions(integer)",
	"_bigbrotr.unwanted_relays(text,text[])",
	"_bigbrotr.note_reader(integer,integer)",
	"_bigbrotr.crowded_relays(text)",
	"_bigbrotr.report_relay(text,integer,text,text,text,bigint,integer,integer,bigint,bigint,"
	"bigint)",
	"_bigbrotr.count_traffic(integer[],bigint[],bigint[],bigint[],bigint[],bigint[],bigint,bigint[]"
	","
	"bigint[],bigint[])",
	"_bigbrotr.count_refusals(integer[],text[],bigint[],text[],bigint)",
	"_bigbrotr.seen_events(integer,integer,bigint,bigint,integer)",
	"_bigbrotr.note_needs(integer,integer,bytea[],bigint,bigint)",
	"_bigbrotr.needs_wait(integer,integer,bigint)",
	"_bigbrotr.settle_needs(integer,integer,bigint,bigint,bigint,bigint)",
	"_bigbrotr.note_comparison(integer,text,bigint,bigint,text,bigint)",
	"_bigbrotr.may_compare(integer,bigint)",
};

extern constinit const pg::ServiceEntry synchronizer_entry = {
	.name = "synchronizer",
	.description = "archives the events of relays and proves how completely",
	.net_role = wire::Role::Sync,
	.instances = &synchronizer_settings.instances,
	.after = after,
	.settings = settings,
	.columns = columns,
	.functions = functions,
};
