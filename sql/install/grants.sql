-- Privileges. Tables belong to the owner of the extension. No role gets TRIGGER on tables that workers write, or owns them,
-- because a trigger could run code as the worker.
--   bigbrotr_reader  SELECT on all tables but keys of the API and receivers of alerts; all functions but those below
--   bigbrotr_writer  functions that check their arguments and run as the extension's owner (SECURITY DEFINER)
--   bigbrotr_worker  writes to tables and calls all functions of _bigbrotr, which verify nothing; it deletes events by
--                    delete_expired and advance_retention alone, which run as the owner and delete what the retention rules say
--   bigbrotr_admin   deletes; manages relays, services and indexes
-- Each role has the rights of the one above it (roles.sql).

REVOKE ALL ON ALL ROUTINES IN SCHEMA bigbrotr, _bigbrotr FROM PUBLIC;
DO $grants$
DECLARE
	item record;
BEGIN
	FOR item IN
		SELECT p.oid::regprocedure AS routine, CASE
			WHEN p.proname = ANY ('{add_sync_filter,remove_sync_filter,add_relay_source,remove_relay_source,enable_relay_source,disable_relay_source,add_priority_relay,remove_priority_relay,watch_relay,unwatch_relay,pay_job,enable_relay,disable_relay,authenticate_at,retry_relay,read_again,delete_relay,delete_events,delete_withdrawn,cleanup_orphans,block_events,block_author,unblock_events,unblock_author,add_retention_rule,remove_retention_rule,
				delete_orphan_events,delete_orphan_nip11,delete_orphan_nip66,
				start_service,stop_service,restart_service,pause_service,resume_service,start_services,stop_services,health_check,
				create_tag_index,drop_tag_index,create_search_index,drop_search_index,create_api_key,revoke_api_key}') THEN 'bigbrotr_admin'
			WHEN p.prosecdef AND p.pronamespace = 'bigbrotr'::regnamespace OR p.proname = 'import_events' THEN 'bigbrotr_writer'
			-- Internal functions that views and functions for readers call with the privileges of the reader.
			WHEN p.pronamespace = 'bigbrotr'::regnamespace OR p.proname ~ '^tags_|_to_tags$|^api_|^rstate_' OR p.proname = ANY ('{
				event_matches,tag_keys,tag_matches,address_id,is_searchable,search_vector,search_matches,search_rank,limit_time,
				settling,horizon,depths,depth_due,evidence_rank,is_proven,doubt_words,doubt_text,unix_time,seconds_of,missed_intervals,sync_filter,filter_implies,
				names_blocked,filter_kinds,kept_since,missing_seconds,reject_facts,asked_since,kinds_text,retention_reasons,check_retention,relay_filters,announce_search,gaps,end_kind,refusal_kind,error_words,share_up,differences,distance_km,is_in_box,geohash_point,
				is_public,newest,tag_keys_match,public_query_sql,public_count_sql,known_relay,relay_source_examples,metric_samples,archive_samples,time_text,facts_text,archiving_text,claimed_number,demanded,masters,service_states,setting_declarations,library_version,required_schema}') THEN 'bigbrotr_reader'
			ELSE 'bigbrotr_worker' END AS role
		FROM pg_proc AS p WHERE p.pronamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace)
	LOOP
		EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', item.routine, item.role);
	END LOOP;
END
$grants$;

GRANT USAGE ON SCHEMA bigbrotr, _bigbrotr TO bigbrotr_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA bigbrotr, _bigbrotr TO bigbrotr_reader;
-- Readers must not see keys of the API and URLs of receivers of alerts: both are secrets.
REVOKE SELECT ON _bigbrotr.issued_keys, _bigbrotr.key_usage, bigbrotr.api_keys, _bigbrotr.relay_watches, _bigbrotr.relay_alerts FROM bigbrotr_reader;
GRANT SELECT ON _bigbrotr.issued_keys, _bigbrotr.key_usage, bigbrotr.api_keys, _bigbrotr.relay_watches, _bigbrotr.relay_alerts TO bigbrotr_worker;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA bigbrotr, _bigbrotr TO bigbrotr_reader;

GRANT INSERT ON bigbrotr.events, bigbrotr.sightings, bigbrotr.event_rejects, bigbrotr.blocked_events, bigbrotr.deletions, bigbrotr.vanish_requests TO bigbrotr_worker;
GRANT INSERT, UPDATE ON bigbrotr.relays TO bigbrotr_worker;
GRANT INSERT, UPDATE, DELETE ON bigbrotr.coverage TO bigbrotr_worker;
GRANT INSERT, DELETE ON bigbrotr.seed_rejects, bigbrotr.audits TO bigbrotr_worker;
GRANT INSERT ON _bigbrotr.deleted_events TO bigbrotr_worker;
GRANT INSERT, UPDATE, DELETE ON
	_bigbrotr.statistics, _bigbrotr.statistics_deltas, _bigbrotr.relay_sync, _bigbrotr.relay_traffic, _bigbrotr.relay_refusals,
	_bigbrotr.relay_leases, _bigbrotr.sync_workers, _bigbrotr.relay_priorities, _bigbrotr.relay_needs, _bigbrotr.relay_comparisons, _bigbrotr.finder_queue,
	_bigbrotr.relay_health, _bigbrotr.relay_outages, _bigbrotr.relay_history, _bigbrotr.relay_visits, _bigbrotr.relay_stories,
	_bigbrotr.relay_checks, _bigbrotr.relay_series, _bigbrotr.nip11_documents, _bigbrotr.nip66_facts TO bigbrotr_worker;
GRANT INSERT, UPDATE ON _bigbrotr.named_relays, _bigbrotr.naming_authors, _bigbrotr.naming_places, _bigbrotr.refused_names TO bigbrotr_worker;
GRANT INSERT, DELETE ON _bigbrotr.naming_deltas TO bigbrotr_worker;
GRANT INSERT, UPDATE, DELETE ON _bigbrotr.job_requests TO bigbrotr_worker;
GRANT INSERT, UPDATE ON _bigbrotr.job_provider, _bigbrotr.reader_key TO bigbrotr_worker;
GRANT INSERT, UPDATE, DELETE ON _bigbrotr.relay_publications TO bigbrotr_worker;
GRANT UPDATE ON _bigbrotr.relay_watches TO bigbrotr_worker;
GRANT INSERT, DELETE ON _bigbrotr.relay_alerts TO bigbrotr_worker;
GRANT INSERT, UPDATE ON _bigbrotr.relay_fetches, _bigbrotr.key_usage, _bigbrotr.archive_figures, _bigbrotr.past_counts TO bigbrotr_worker;

GRANT INSERT, UPDATE ON bigbrotr.sync_filters, bigbrotr.retention_rules, _bigbrotr.issued_keys TO bigbrotr_admin;
GRANT INSERT, UPDATE, DELETE ON bigbrotr.trusted_monitors TO bigbrotr_admin;
GRANT INSERT, UPDATE, DELETE ON _bigbrotr.added_sources TO bigbrotr_admin;
GRANT INSERT, DELETE ON _bigbrotr.relay_watches TO bigbrotr_admin;
GRANT INSERT, UPDATE, DELETE ON bigbrotr.blocked_events, bigbrotr.blocked_authors TO bigbrotr_admin;
GRANT DELETE ON bigbrotr.relays, bigbrotr.events, bigbrotr.sightings, bigbrotr.event_rejects, bigbrotr.import_rejects TO bigbrotr_admin;
GRANT INSERT, UPDATE, DELETE ON _bigbrotr.deletion_progress, _bigbrotr.imports, _bigbrotr.deleted_relays, _bigbrotr.deleted_events, _bigbrotr.imported_events TO bigbrotr_admin;
