-- Views for users: sightings and measurements with the names of the original specification, what was refused, progress.

CREATE VIEW bigbrotr.event_relay AS
	SELECT e.event_id, r.url AS relay_url, s.seen_at
	FROM bigbrotr.sightings AS s
	     JOIN bigbrotr.events AS e ON e.eid = s.eid
	     JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id;
COMMENT ON VIEW bigbrotr.event_relay IS 'Which relay delivered which event';
COMMENT ON COLUMN bigbrotr.event_relay.relay_url IS 'Normalised URL of the relay';

CREATE VIEW bigbrotr.relay_metadata AS
	SELECT r.url AS relay_url, r.network AS relay_network, r.inserted_at AS relay_inserted_at, c.generated_at,
	       c.nip66_present, c.nip66_openable, c.nip66_readable, c.nip66_writable,
	       c.nip66_rtt_open, c.nip66_rtt_read, c.nip66_rtt_write,
	       c.nip11_present, c.nip11_name, c.nip11_description, c.nip11_pubkey, c.nip11_contact,
	       c.nip11_supported_nips, c.nip11_software, c.nip11_version
	FROM _bigbrotr.relay_checks AS c JOIN bigbrotr.relays AS r ON r.relay_id = c.relay_id;
COMMENT ON VIEW bigbrotr.relay_metadata IS 'Measurements of relays (NIP-66) and the documents they serve (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_metadata.relay_network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.relay_metadata.relay_inserted_at IS 'When the relay became known, Unix seconds';

CREATE VIEW bigbrotr.refusals AS
	SELECT 'relay'::text AS source, r.url AS relay_url, NULL::text AS seed_list, f.reason, _bigbrotr.refusal_kind(f.reason) AS kind,
	       f.count AS refusal_count, to_timestamp(f.first_at) AS first_at, to_timestamp(f.last_at) AS last_at, f.last_detail
	FROM _bigbrotr.relay_refusals AS f JOIN bigbrotr.relays AS r ON r.relay_id = f.relay_id
	UNION ALL
	SELECT 'database', r.url, NULL, j.sqlstate, 'database', count(*), to_timestamp(min(j.rejected_at)), to_timestamp(max(j.rejected_at)),
	       (array_agg(j.message ORDER BY j.rejected_at DESC))[1]
	FROM bigbrotr.event_rejects AS j LEFT JOIN bigbrotr.relays AS r ON r.relay_id = j.relay_id
	GROUP BY r.url, j.sqlstate
	UNION ALL
	SELECT 'seeds', NULL, s.source, s.reason, 'fault', count(*), to_timestamp(min(s.read_at)), to_timestamp(max(s.read_at)),
	       (array_agg(s.text ORDER BY s.line DESC))[1]
	FROM bigbrotr.seed_rejects AS s
	GROUP BY s.source, s.reason;
COMMENT ON VIEW bigbrotr.refusals IS 'Everything that was not archived, and every connection that failed, counted by reason';
COMMENT ON COLUMN bigbrotr.refusals.source IS 'relay: sent by a relay; database: verified, but the database would not take it (bigbrotr.event_rejects); seeds: a line of a seed list (bigbrotr.seed_rejects)';
COMMENT ON COLUMN bigbrotr.refusals.relay_url IS 'Normalised URL of the relay; null: not a relay''s, or an event that no relay delivered';
COMMENT ON COLUMN bigbrotr.refusals.seed_list IS 'Name of the seed list; null: not of a seed list';
COMMENT ON COLUMN bigbrotr.refusals.reason IS 'Reason code, or SQLSTATE';
COMMENT ON COLUMN bigbrotr.refusals.kind IS 'policy: a limit of ours; connection: it failed, nothing was refused; fault: it is not what it should be; database: see the error';
COMMENT ON COLUMN bigbrotr.refusals.refusal_count IS 'How often';
COMMENT ON COLUMN bigbrotr.refusals.first_at IS 'First time';
COMMENT ON COLUMN bigbrotr.refusals.last_at IS 'Last time';
COMMENT ON COLUMN bigbrotr.refusals.last_detail IS 'What it was the last time';

CREATE VIEW bigbrotr.coverage_gaps AS
	SELECT r.url AS relay_url, g.lower, g.upper, g.upper - g.lower + 1 AS seconds, g.reason, to_timestamp(g.tried_at) AS tried_at
	FROM bigbrotr.relays AS r, _bigbrotr.gaps(r.relay_id, bigbrotr.unix_now()) AS g;
COMMENT ON VIEW bigbrotr.coverage_gaps IS 'What is not proven of each relay''s history, from 0 until now';
COMMENT ON COLUMN bigbrotr.coverage_gaps.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.coverage_gaps.lower IS 'First created_at of the gap, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage_gaps.upper IS 'Last created_at of the gap, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage_gaps.seconds IS 'Length of the gap';
COMMENT ON COLUMN bigbrotr.coverage_gaps.reason IS 'unread; or dense: more events in one second than the relay shows in a page';
COMMENT ON COLUMN bigbrotr.coverage_gaps.tried_at IS 'When a dense second was last tried';

CREATE VIEW bigbrotr.relay_progress AS
	SELECT r.relay_id, r.url AS relay_url, r.network, r.status, coalesce(s.enabled, true) AS enabled,
	       coalesce(s.phase, 'waiting') AS phase, to_timestamp(s.phase_since) AS phase_since,
	       CASE
	           WHEN NOT s.enabled THEN 'to be enabled'
	           WHEN s.waits_for LIKE 'host %' THEN 'a place of its host (bigbrotr.sync_connections_per_host)'
	           WHEN s.waits_for LIKE 'site %' THEN 'a place of its site (bigbrotr.sync_connections_per_site)'
	           WHEN s.waits_for = 'permission' THEN 'permission to open local relays (bigbrotr.allow_local_relays)'
	           WHEN s.waits_for = 'proxy' THEN 'a proxy to its network'
	           WHEN s.phase IN ('connecting', 'backfill', 'live') THEN NULL
	           WHEN s.next_attempt <= bigbrotr.unix_now() IS NOT FALSE THEN 'a place (bigbrotr.sync_connections)'
	           WHEN s.phase = 'waiting' THEN 'its next turn'
	           WHEN s.last_error = 'rate_limited' THEN 'the end of the pause that the relay asked for'
	           WHEN s.last_error = 'auth_required' THEN 'authentication, which the relay demands'
	           WHEN _bigbrotr.end_kind(s.last_error) = 'fault' THEN 'the end of its ban for what it sent'
	           ELSE 'the next attempt after a failure' END AS waiting_for,
	       coalesce(t.events, 0) AS event_count, coalesce(t.sightings, 0) AS sighting_count,
	       coalesce(t.messages, 0) AS message_count, coalesce(t.bytes, 0) AS byte_count, coalesce(t.pages, 0) AS page_count,
	       c.proven_seconds, c.dense_seconds, to_timestamp(c.proven_from) AS proven_from, to_timestamp(c.proven_until) AS proven_until,
	       least(1, c.proven_seconds::double precision / (bigbrotr.unix_now() + 1)) AS proven_fraction,
	       f.refusals AS refusal_count, coalesce(s.failures, 0) AS failure_count, coalesce(s.faults, 0) AS fault_count,
	       s.last_error, to_timestamp(s.last_error_at) AS last_error_at, s.last_detail, to_timestamp(t.last_success) AS last_success,
	       to_timestamp(nullif(s.next_attempt, 0)) AS next_attempt, l.owner
	FROM bigbrotr.relays AS r
	     LEFT JOIN _bigbrotr.relay_sync AS s ON s.relay_id = r.relay_id
	     LEFT JOIN _bigbrotr.relay_traffic AS t ON t.relay_id = r.relay_id
	     LEFT JOIN _bigbrotr.relay_leases AS l ON l.relay_id = r.relay_id
	     CROSS JOIN LATERAL (
	         SELECT coalesce(sum(c.upper - c.lower + 1) FILTER (WHERE c.evidence <> 'dense'), 0)::bigint AS proven_seconds,
	                coalesce(sum(c.upper - c.lower + 1) FILTER (WHERE c.evidence = 'dense'), 0)::bigint AS dense_seconds,
	                min(c.lower) FILTER (WHERE c.evidence <> 'dense') AS proven_from,
	                max(c.upper) FILTER (WHERE c.evidence <> 'dense') AS proven_until
	         FROM bigbrotr.coverage AS c WHERE c.relay_id = r.relay_id AND c.filter = '{}') AS c
	     CROSS JOIN LATERAL (
	         SELECT coalesce(sum(f.count), 0)::bigint AS refusals
	         FROM _bigbrotr.relay_refusals AS f
	         WHERE f.relay_id = r.relay_id AND _bigbrotr.refusal_kind(f.reason) <> 'connection') AS f;
COMMENT ON VIEW bigbrotr.relay_progress IS 'How far each relay is archived';
COMMENT ON COLUMN bigbrotr.relay_progress.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_progress.phase_since IS 'When the phase began';
COMMENT ON COLUMN bigbrotr.relay_progress.waiting_for IS 'In words: what must come before it is opened; null: it is open';
COMMENT ON COLUMN bigbrotr.relay_progress.event_count IS 'Events first archived through this relay';
COMMENT ON COLUMN bigbrotr.relay_progress.sighting_count IS 'Sightings archived';
COMMENT ON COLUMN bigbrotr.relay_progress.message_count IS 'WebSocket messages received';
COMMENT ON COLUMN bigbrotr.relay_progress.byte_count IS 'Bytes of these messages, inflated';
COMMENT ON COLUMN bigbrotr.relay_progress.page_count IS 'Pages read to their end';
COMMENT ON COLUMN bigbrotr.relay_progress.proven_seconds IS 'Seconds of history proven to be archived';
COMMENT ON COLUMN bigbrotr.relay_progress.dense_seconds IS 'Seconds seen in part, since one of them has more events than a page holds';
COMMENT ON COLUMN bigbrotr.relay_progress.proven_from IS 'Oldest second proven (created_at)';
COMMENT ON COLUMN bigbrotr.relay_progress.proven_until IS 'Newest second proven (created_at)';
COMMENT ON COLUMN bigbrotr.relay_progress.proven_fraction IS 'Share of the history from 0 until now that is proven, 0 .. 1';
COMMENT ON COLUMN bigbrotr.relay_progress.refusal_count IS 'What it sent and was refused, failed connections aside; see bigbrotr.refusals';
COMMENT ON COLUMN bigbrotr.relay_progress.failure_count IS 'Connections failed or broken since the last page was read';
COMMENT ON COLUMN bigbrotr.relay_progress.fault_count IS 'Connections that we cut since the relay sent what no honest one sends; one is forgiven a day';
COMMENT ON COLUMN bigbrotr.relay_progress.last_error_at IS 'When the last failure was';
COMMENT ON COLUMN bigbrotr.relay_progress.last_success IS 'When a page was last read to its end';
COMMENT ON COLUMN bigbrotr.relay_progress.next_attempt IS 'Not opened before; null: never tried';
COMMENT ON COLUMN bigbrotr.relay_progress.owner IS 'Worker that archives it now; null: none';

CREATE VIEW bigbrotr.sync_progress AS
	SELECT count(*) AS relay_count,
	       count(*) FILTER (WHERE NOT p.enabled) AS disabled_count,
	       count(*) FILTER (WHERE p.enabled AND p.phase = 'waiting') AS waiting_count,
	       count(*) FILTER (WHERE p.enabled AND p.phase = 'connecting') AS connecting_count,
	       count(*) FILTER (WHERE p.enabled AND p.phase = 'backfill') AS backfill_count,
	       count(*) FILTER (WHERE p.enabled AND p.phase = 'live') AS live_count,
	       count(*) FILTER (WHERE p.enabled AND p.phase = 'backoff') AS backoff_count,
	       coalesce(sum(p.event_count), 0)::bigint AS event_count,
	       coalesce(sum(p.sighting_count), 0)::bigint AS sighting_count,
	       coalesce(sum(p.message_count), 0)::bigint AS message_count,
	       coalesce(sum(p.byte_count), 0)::bigint AS byte_count,
	       coalesce(sum(p.page_count), 0)::bigint AS page_count,
	       coalesce(sum(p.refusal_count), 0)::bigint AS refusal_count,
	       coalesce(sum(p.dense_seconds), 0)::bigint AS dense_seconds,
	       coalesce(avg(p.proven_fraction) FILTER (WHERE p.enabled), 0) AS proven_fraction
	FROM bigbrotr.relay_progress AS p;
COMMENT ON VIEW bigbrotr.sync_progress IS 'How far the archive is, in one row';
COMMENT ON COLUMN bigbrotr.sync_progress.relay_count IS 'Relays known';
COMMENT ON COLUMN bigbrotr.sync_progress.disabled_count IS 'Relays the synchronizer leaves alone; the following five add up to the rest';
COMMENT ON COLUMN bigbrotr.sync_progress.waiting_count IS 'Relays waiting for their turn';
COMMENT ON COLUMN bigbrotr.sync_progress.connecting_count IS 'Relays being connected to';
COMMENT ON COLUMN bigbrotr.sync_progress.backfill_count IS 'Relays whose history is being paged';
COMMENT ON COLUMN bigbrotr.sync_progress.live_count IS 'Relays caught up, subscribed to what is new';
COMMENT ON COLUMN bigbrotr.sync_progress.backoff_count IS 'Relays that failed and wait for the next attempt';
COMMENT ON COLUMN bigbrotr.sync_progress.event_count IS 'Events archived by the synchronizer';
COMMENT ON COLUMN bigbrotr.sync_progress.sighting_count IS 'Sightings archived by the synchronizer';
COMMENT ON COLUMN bigbrotr.sync_progress.message_count IS 'WebSocket messages received';
COMMENT ON COLUMN bigbrotr.sync_progress.byte_count IS 'Bytes of these messages, inflated';
COMMENT ON COLUMN bigbrotr.sync_progress.page_count IS 'Pages read to their end';
COMMENT ON COLUMN bigbrotr.sync_progress.refusal_count IS 'What relays sent and was refused, see bigbrotr.refusals';
COMMENT ON COLUMN bigbrotr.sync_progress.dense_seconds IS 'Seconds seen in part, since one of them has more events than a page holds';
COMMENT ON COLUMN bigbrotr.sync_progress.proven_fraction IS 'Mean share of the enabled relays'' history that is proven, 0 .. 1';

CREATE VIEW bigbrotr.live_relays AS
	SELECT p.relay_url, p.network, p.phase_since AS live_since, to_timestamp(r.last_seen) AS last_seen
	FROM bigbrotr.relay_progress AS p JOIN bigbrotr.relays AS r ON r.relay_id = p.relay_id
	WHERE p.enabled AND p.phase = 'live';
COMMENT ON VIEW bigbrotr.live_relays IS 'Relays that are open now, their history read as far as they show it, subscribed to what is new';
COMMENT ON COLUMN bigbrotr.live_relays.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.live_relays.network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.live_relays.live_since IS 'Since when';
COMMENT ON COLUMN bigbrotr.live_relays.last_seen IS 'When the relay last sent us anything; up to half a minute behind';
