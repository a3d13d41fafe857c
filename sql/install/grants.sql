-- Who may do what. Tables belong to the extension's owner; nobody gets TRIGGER or ownership on what
-- the workers write, else they could run code as the worker.

REVOKE ALL ON ALL ROUTINES IN SCHEMA bigbrotr, _bigbrotr FROM PUBLIC;
GRANT USAGE ON SCHEMA bigbrotr, _bigbrotr TO bigbrotr_reader;

-- Reading: all tables and views.
GRANT SELECT ON ALL TABLES IN SCHEMA bigbrotr, _bigbrotr TO bigbrotr_reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA bigbrotr, _bigbrotr TO bigbrotr_reader;
GRANT EXECUTE ON FUNCTION
	bigbrotr.normalise_relay_url(text, boolean),
	bigbrotr.unix_now(),
	_bigbrotr.allow_local_relays(),
	bigbrotr.known_events(bytea[]),
	bigbrotr.event_json(bigbrotr.events),
	_bigbrotr.gaps(integer, bigint, bigint, integer),
	_bigbrotr.relay_site(text),
	_bigbrotr.due_relays(bigint),
	_bigbrotr.unwanted_relays(text, boolean),
	_bigbrotr.crowded_relays(text),
	_bigbrotr.end_kind(text),
	_bigbrotr.refusal_kind(text),
	_bigbrotr.limit_time(text),
	_bigbrotr.batch_size(integer),
	_bigbrotr.hex_argument(text, text, integer),
	bigbrotr.verify_references(),
	bigbrotr.verify_statistics(),
	bigbrotr.count_authors(integer[], bigint, bigint),
	bigbrotr.estimate_authors(integer[], bigint, bigint)
	TO bigbrotr_reader;

-- Feeding the archive.
GRANT INSERT ON bigbrotr.events, bigbrotr.sightings, bigbrotr.event_rejects TO bigbrotr_writer;
GRANT INSERT, DELETE ON _bigbrotr.statistics_deltas TO bigbrotr_writer;
GRANT INSERT, UPDATE ON _bigbrotr.statistics TO bigbrotr_writer;
GRANT INSERT, UPDATE ON bigbrotr.relays, _bigbrotr.relay_sync, _bigbrotr.relay_traffic, _bigbrotr.relay_refusals TO bigbrotr_writer;
GRANT INSERT, UPDATE, DELETE ON bigbrotr.coverage, _bigbrotr.sync_workers TO bigbrotr_writer;
GRANT INSERT, DELETE ON _bigbrotr.relay_leases TO bigbrotr_writer;
GRANT INSERT ON _bigbrotr.relay_checks TO bigbrotr_writer;
GRANT INSERT, DELETE ON bigbrotr.seed_rejects TO bigbrotr_writer;
GRANT EXECUTE ON FUNCTION
	bigbrotr.add_relay(text),
	bigbrotr.load_seeds(text, text),
	_bigbrotr.reject_seeds(text, text),
	_bigbrotr.store_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bigint),
	_bigbrotr.check_elements(integer),
	_bigbrotr.hold_events(bytea[]),
	_bigbrotr.hold_relays(integer[]),
	_bigbrotr.store_sightings(bytea[], integer[], bigint[]),
	_bigbrotr.insert_verified_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bytea[], integer[], bigint[], bigint),
	_bigbrotr.insert_sightings(bytea[], integer[], bigint[]),
	_bigbrotr.fold_statistics(integer),
	_bigbrotr.check_event(bytea, bytea, bigint, integer, jsonb, text, bytea, bigint),
	_bigbrotr.require_relay(text),
	_bigbrotr.check_relay(text, text, bigint),
	_bigbrotr.insert_relays_checked(text[], text[], bigint[], bigint[]),
	_bigbrotr.insert_events_checked(bytea[], bytea[], bigint[], integer[], jsonb[], text[], bytea[], text[], text[], bigint[], bigint[], integer),
	bigbrotr.insert_event(bytea, bytea, bigint, integer, jsonb, text, bytea, text, text, bigint, bigint),
	bigbrotr.insert_event(text, text, bigint, integer, jsonb, text, text, text, text, bigint, bigint),
	_bigbrotr.jsonb_elements(text[], text),
	bigbrotr.insert_events_batch(jsonb[], integer),
	bigbrotr.insert_events_batch(text[], integer),
	bigbrotr.insert_relay(text, text, bigint),
	bigbrotr.insert_relays_batch(jsonb[], integer),
	bigbrotr.insert_relays_batch(text[], integer),
	_bigbrotr.check_measurement(bigint),
	bigbrotr.insert_relay_metadata(text, text, bigint, bigint, boolean, boolean, boolean, boolean, integer, integer, integer, boolean, text, text, text, text, jsonb, text, text),
	bigbrotr.insert_relay_metadata_batch(jsonb[], integer),
	bigbrotr.insert_relay_metadata_batch(text[], integer),
	_bigbrotr.reject_event(bytea, integer, text, text, bytea, bigint),
	_bigbrotr.claim_coverage(integer, bigint, bigint, text, bigint, bigint),
	_bigbrotr.merge_dense(integer, integer, bigint),
	_bigbrotr.trim_coverage(bigint),
	_bigbrotr.hold_leases(text),
	_bigbrotr.renew_leases(text, bigint),
	_bigbrotr.end_lease(text, integer),
	_bigbrotr.release_relays(text, bigint),
	_bigbrotr.expire_leases(bigint),
	_bigbrotr.adopt_relays(),
	_bigbrotr.start_synchronizer(text, bigint, bigint),
	_bigbrotr.take_relays(text, integer, integer, integer, boolean, bigint),
	_bigbrotr.wake_relays(boolean),
	_bigbrotr.report_relay(text, integer, text, text, text, bigint, integer, integer, bigint, bigint, bigint),
	_bigbrotr.count_traffic(integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint),
	_bigbrotr.count_refusals(integer[], text[], bigint[], text[], bigint)
	TO bigbrotr_writer;

-- Managing: what deletes, and the functions of the services, is granted beside them.
GRANT EXECUTE ON FUNCTION
	_bigbrotr.set_enabled(text, boolean),
	bigbrotr.enable_relay(text),
	bigbrotr.disable_relay(text)
	TO bigbrotr_admin;
GRANT UPDATE ON _bigbrotr.relay_checks TO bigbrotr_admin;
GRANT DELETE ON bigbrotr.event_rejects, _bigbrotr.relay_refusals TO bigbrotr_admin;
