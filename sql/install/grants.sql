-- Who may do what. Tables belong to the extension's owner; nobody gets TRIGGER or ownership on what
-- the workers write, else they could run code as the worker.

REVOKE ALL ON ALL ROUTINES IN SCHEMA bigbrotr FROM PUBLIC;
GRANT USAGE ON SCHEMA bigbrotr TO bigbrotr_reader;

-- Reading: all tables and views.
GRANT SELECT ON ALL TABLES IN SCHEMA bigbrotr TO bigbrotr_reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA bigbrotr TO bigbrotr_reader;
GRANT EXECUTE ON FUNCTION
	bigbrotr.normalise_relay_url(text, boolean),
	bigbrotr.unix_now(),
	bigbrotr.allow_local_relays(),
	bigbrotr.known_events(bytea[]),
	bigbrotr.event_json(bigbrotr.events),
	bigbrotr.gaps(integer, bigint, bigint, integer),
	bigbrotr.relay_site(text),
	bigbrotr.due_relays(bigint),
	bigbrotr.unwanted_relays(text, boolean),
	bigbrotr.crowded_relays(text),
	bigbrotr.end_kind(text),
	bigbrotr.refusal_kind(text),
	bigbrotr.limit_time(text),
	bigbrotr.batch_size(integer),
	bigbrotr.hex_argument(text, text, integer),
	bigbrotr.verify_references(),
	bigbrotr.verify_statistics(),
	bigbrotr.count_authors(integer[], bigint, bigint),
	bigbrotr.estimate_authors(integer[], bigint, bigint)
	TO bigbrotr_reader;

-- Feeding the archive.
GRANT INSERT ON bigbrotr.events, bigbrotr.sightings, bigbrotr.event_rejects TO bigbrotr_writer;
GRANT INSERT, DELETE ON bigbrotr.statistics_deltas TO bigbrotr_writer;
GRANT INSERT, UPDATE ON bigbrotr.statistics TO bigbrotr_writer;
GRANT INSERT, UPDATE ON bigbrotr.relays, bigbrotr.relay_sync, bigbrotr.relay_traffic, bigbrotr.relay_refusals TO bigbrotr_writer;
GRANT INSERT, UPDATE, DELETE ON bigbrotr.coverage, bigbrotr.sync_workers TO bigbrotr_writer;
GRANT INSERT, DELETE ON bigbrotr.relay_leases TO bigbrotr_writer;
GRANT INSERT ON bigbrotr.relay_checks TO bigbrotr_writer;
GRANT INSERT, DELETE ON bigbrotr.seed_rejects TO bigbrotr_writer;
GRANT EXECUTE ON FUNCTION
	bigbrotr.add_relay(text),
	bigbrotr.load_seeds(text, text),
	bigbrotr.reject_seeds(text, text),
	bigbrotr.store_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bigint),
	bigbrotr.check_elements(integer),
	bigbrotr.hold_events(bytea[]),
	bigbrotr.hold_relays(integer[]),
	bigbrotr.store_sightings(bytea[], integer[], bigint[]),
	bigbrotr.insert_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bytea[], integer[], bigint[], bigint),
	bigbrotr.insert_sightings(bytea[], integer[], bigint[]),
	bigbrotr.fold_statistics(integer),
	bigbrotr.check_event(bytea, bytea, bigint, integer, jsonb, text, bytea, bigint),
	bigbrotr.require_relay(text),
	bigbrotr.check_relay(text, text, bigint),
	bigbrotr.insert_relays_checked(text[], text[], bigint[], bigint[]),
	bigbrotr.insert_events_checked(bytea[], bytea[], bigint[], integer[], jsonb[], text[], bytea[], text[], text[], bigint[], bigint[], integer),
	bigbrotr.insert_event(bytea, bytea, bigint, integer, jsonb, text, bytea, text, text, bigint, bigint),
	bigbrotr.insert_event(text, text, bigint, integer, jsonb, text, text, text, text, bigint, bigint),
	bigbrotr.jsonb_elements(text[], text),
	bigbrotr.insert_events_batch(jsonb[], integer),
	bigbrotr.insert_events_batch(text[], integer),
	bigbrotr.insert_relay(text, text, bigint),
	bigbrotr.insert_relays_batch(jsonb[], integer),
	bigbrotr.insert_relays_batch(text[], integer),
	bigbrotr.check_measurement(bigint),
	bigbrotr.insert_relay_metadata(text, text, bigint, bigint, boolean, boolean, boolean, boolean, integer, integer, integer, boolean, text, text, text, text, jsonb, text, text),
	bigbrotr.insert_relay_metadata_batch(jsonb[], integer),
	bigbrotr.insert_relay_metadata_batch(text[], integer),
	bigbrotr.reject_event(bytea, integer, text, text, bytea, bigint),
	bigbrotr.claim_coverage(integer, bigint, bigint, text, bigint, bigint),
	bigbrotr.merge_dense(integer, integer, bigint),
	bigbrotr.trim_coverage(bigint),
	bigbrotr.hold_leases(text),
	bigbrotr.renew_leases(text, bigint),
	bigbrotr.end_lease(text, integer),
	bigbrotr.release_relays(text, bigint),
	bigbrotr.expire_leases(bigint),
	bigbrotr.adopt_relays(),
	bigbrotr.start_synchronizer(text, bigint, bigint),
	bigbrotr.take_relays(text, integer, integer, integer, boolean, bigint),
	bigbrotr.wake_relays(boolean),
	bigbrotr.report_relay(text, integer, text, text, text, bigint, integer, integer, bigint, bigint, bigint),
	bigbrotr.count_traffic(integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint),
	bigbrotr.count_refusals(integer[], text[], bigint[], text[], bigint)
	TO bigbrotr_writer;

-- Managing: what deletes, and the functions of the services, is granted beside them.
GRANT UPDATE ON bigbrotr.relay_checks TO bigbrotr_admin;
GRANT DELETE ON bigbrotr.event_rejects, bigbrotr.relay_refusals TO bigbrotr_admin;
