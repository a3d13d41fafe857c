-- Views for users: sightings with ids and URLs, refusals, and the progress of the synchronizer.

CREATE VIEW bigbrotr.event_relay AS
	SELECT e.event_id, r.url AS relay_url, s.seen_at
	FROM bigbrotr.sightings AS s
	     JOIN bigbrotr.events AS e ON e.eid = s.eid
	     JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id;
COMMENT ON VIEW bigbrotr.event_relay IS 'Which relay delivered which event';
COMMENT ON COLUMN bigbrotr.event_relay.relay_url IS 'Normalised URL of the relay';

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
COMMENT ON VIEW bigbrotr.refusals IS 'Data that were refused and connections that failed, counted by reason';
COMMENT ON COLUMN bigbrotr.refusals.source IS 'relay: sent by a relay; database: verified, but refused by the database (bigbrotr.event_rejects); seeds: a line of a seed list (bigbrotr.seed_rejects)';
COMMENT ON COLUMN bigbrotr.refusals.relay_url IS 'Normalised URL of the relay; null: a line of a seed list, or an event that no relay delivered';
COMMENT ON COLUMN bigbrotr.refusals.seed_list IS 'Name of the seed list; null: source is not seeds';
COMMENT ON COLUMN bigbrotr.refusals.reason IS 'Reason code, or SQLSTATE';
COMMENT ON COLUMN bigbrotr.refusals.kind IS 'policy: a limit of this archive; connection: the connection failed, no data were refused; fault: the data are invalid; database: the database refused the event';
COMMENT ON COLUMN bigbrotr.refusals.refusal_count IS 'Number of refusals';
COMMENT ON COLUMN bigbrotr.refusals.first_at IS 'Time of the first refusal';
COMMENT ON COLUMN bigbrotr.refusals.last_at IS 'Time of the last refusal';
COMMENT ON COLUMN bigbrotr.refusals.last_detail IS 'Detail of the last refusal';

CREATE VIEW bigbrotr.coverage_gaps AS
	SELECT r.url AS relay_url, f.filter_id, to_timestamp(p.lower) AS lower, to_timestamp(p.upper) AS upper, p.upper - p.lower + 1 AS seconds, p.reason,
	       to_timestamp(g.tried_at) AS tried_at
	FROM bigbrotr.relays AS r
	     LEFT JOIN _bigbrotr.relay_sync AS s ON s.relay_id = r.relay_id
	     CROSS JOIN LATERAL _bigbrotr.relay_filters(r.relay_id) AS f
	     CROSS JOIN LATERAL _bigbrotr.gaps(r.relay_id, f.filter_id, coalesce(s.reader, 0), bigbrotr.unix_now()) AS g
	     CROSS JOIN LATERAL (VALUES
	         (greatest(g.lower, bigbrotr.unix_now() - _bigbrotr.settling() + 1), g.upper, 'too new'),
	         (g.lower, CASE g.reason WHEN 'unread' THEN least(g.upper, bigbrotr.unix_now() - _bigbrotr.settling()) ELSE g.upper END, g.reason))
	         AS p (lower, upper, reason)
	WHERE p.lower <= p.upper AND (p.reason <> 'too new' OR g.reason = 'unread');
COMMENT ON VIEW bigbrotr.coverage_gaps IS 'Gaps in what was read of each relay''s history, from 0 (or the first second that retention rules keep) until now, by the reader that the relay was last read as: anonymous, or signed in';
COMMENT ON COLUMN bigbrotr.coverage_gaps.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.coverage_gaps.filter_id IS 'bigbrotr.sync_filters.filter_id; 0: everything';
COMMENT ON COLUMN bigbrotr.coverage_gaps.lower IS 'First created_at of the gap, inclusive';
COMMENT ON COLUMN bigbrotr.coverage_gaps.upper IS 'Last created_at of the gap, inclusive';
COMMENT ON COLUMN bigbrotr.coverage_gaps.seconds IS 'Length of the gap, seconds';
COMMENT ON COLUMN bigbrotr.coverage_gaps.reason IS 'unread; too new: the last 15 minutes, in which events still arrive; or the doubts of a range that was seen in part, see bigbrotr.coverage.doubts';
COMMENT ON COLUMN bigbrotr.coverage_gaps.tried_at IS 'When a range that was seen in part was last tried; null: unread or too new';

CREATE VIEW bigbrotr.sync_status AS
	SELECT r.relay_id, r.url AS relay_url, r.network, r.status,
	       CASE WHEN s.enabled IS FALSE THEN 'paused' ELSE coalesce(s.phase, 'waiting') END AS phase,
	       to_timestamp(s.phase_since) AS phase_since,
	       CASE
	           WHEN NOT s.enabled THEN 'to be enabled'
	           WHEN s.waits_for ~ '^(priority )?host ' THEN 'a place of its host (bigbrotr.sync_connections_per_host)'
	           WHEN s.waits_for ~ '^(priority )?site ' THEN 'a place of its site (bigbrotr.sync_connections_per_site)'
	           WHEN s.waits_for ~ '^(priority )?network ' THEN 'a place of its network (bigbrotr.sync_connections_per_network)'
	           WHEN s.waits_for = 'permission' THEN 'permission to open local relays (bigbrotr.allow_local_relays)'
	           WHEN s.waits_for = 'proxy' THEN 'a proxy to its network (bigbrotr.' || r.network || '_proxy)'
	           WHEN s.waits_for = 'key' THEN 'a key to sign in with (bigbrotr.key_file)'
	           WHEN s.phase IN ('connecting', 'backfill', 'live') THEN NULL
	           WHEN p.relay_url IS NOT NULL AND s.next_attempt <= bigbrotr.unix_now() THEN 'the priority synchronizer'
	           WHEN s.next_attempt <= bigbrotr.unix_now() IS NOT FALSE THEN 'a place (bigbrotr.sync_connections)'
	           WHEN s.phase = 'waiting' THEN 'its next turn'
	           WHEN s.last_error = 'rate_limited' THEN 'the end of the pause that the relay asked for'
	           WHEN s.last_error = 'auth_required' THEN 'authentication, which the relay demands (bigbrotr.authenticate_at)'
	           WHEN _bigbrotr.end_kind(s.last_error) = 'ours' THEN 'the next attempt after a failure of the proxy to its network'
	           WHEN _bigbrotr.end_kind(s.last_error) = 'fault' THEN 'the end of its ban for what it sent'
	           ELSE 'the next attempt after a failure' END AS waiting_for,
	       to_timestamp(nullif(s.next_attempt, 0)) AS next_attempt, l.owner, p.read_interval, p.interval_state,
	       coalesce(t.sightings, 0) AS sighting_count, coalesce(t.events, 0) AS new_event_count,
	       CASE WHEN t.counted_at > bigbrotr.unix_now() - 60 THEN t.sightings_per_second ELSE 0 END AS sightings_per_second,
	       coalesce(t.messages, 0) AS message_count, coalesce(t.bytes, 0) AS byte_count, coalesce(t.pages, 0) AS page_count,
	       t.delivered::double precision / nullif(t.delivered - t.repeated, 0) AS read_amplification,
	       to_timestamp(s.oldest) AS oldest_event, to_timestamp(c.read_from) AS read_from, to_timestamp(c.read_until) AS read_until,
	       make_interval(secs => bigbrotr.unix_now() - c.read_until) AS lag,
	       least(1, c.read_seconds / w.seconds) AS read_fraction,
	       least(1, c.proven_seconds / w.seconds) AS proven_fraction,
	       least(1, c.reconciled_seconds / w.seconds) AS reconciled_fraction,
	       c.partial_seconds, (SELECT array_agg(DISTINCT d ORDER BY d) FROM unnest(c.doubts) AS d) AS doubts,
	       coalesce(s.withdrawals, 0) AS withdrawal_count, to_timestamp(s.withdrawn_at) AS last_withdrawal,
	       to_timestamp(nullif(s.next_audit, 0)) AS next_audit,
	       CASE WHEN s.phase = 'backfill' AND t.seconds_per_second > 0 AND t.counted_at > bigbrotr.unix_now() - 60
	            THEN now() + make_interval(secs => greatest(w.seconds - c.read_seconds, 0) / t.seconds_per_second) END AS estimated_end,
	       f.refusals AS refusal_count, coalesce(s.failures, 0) AS failure_count, coalesce(s.faults, 0) AS fault_count,
	       s.last_error, s.last_detail, to_timestamp(s.last_error_at) AS last_error_at, to_timestamp(t.last_success) AS last_success
	FROM bigbrotr.relays AS r
	     LEFT JOIN _bigbrotr.relay_sync AS s ON s.relay_id = r.relay_id
	     LEFT JOIN _bigbrotr.relay_traffic AS t ON t.relay_id = r.relay_id
	     LEFT JOIN _bigbrotr.relay_leases AS l ON l.relay_id = r.relay_id
	     LEFT JOIN bigbrotr.priority_relays AS p ON p.relay_url = r.url
	     -- The history of a relay, for each filter it is asked for: from its oldest event (if that is not known, from the first event
	     -- of Nostr, 2020-11-07) or the first second that retention rules keep, to the last second that has settled.
	     CROSS JOIN LATERAL (
	         SELECT greatest(coalesce(s.oldest, 1604707200), min(_bigbrotr.asked_since(f.filter_id))) AS lower,
	                bigbrotr.unix_now() - _bigbrotr.settling() AS upper,
	                array_agg(f.filter_id) AS filters
	         FROM _bigbrotr.relay_filters(r.relay_id) AS f) AS k
	     CROSS JOIN LATERAL (
	         SELECT greatest(k.upper - k.lower + 1, 1)::double precision * cardinality(k.filters) AS seconds) AS w
	     CROSS JOIN LATERAL (
	         SELECT coalesce(sum(p.seconds) FILTER (WHERE c.evidence <> 'partial'), 0)::double precision AS read_seconds,
	                coalesce(sum(p.seconds) FILTER (WHERE _bigbrotr.is_proven(c.evidence, c.doubts)), 0)::double precision AS proven_seconds,
	                coalesce(sum(p.seconds) FILTER (WHERE c.evidence = 'reconciled' AND _bigbrotr.is_proven(c.evidence, c.doubts)), 0)::double precision AS reconciled_seconds,
	                coalesce(sum(c.upper - c.lower + 1) FILTER (WHERE c.evidence = 'partial'), 0)::bigint AS partial_seconds,
	                min(c.lower) FILTER (WHERE c.evidence <> 'partial') AS read_from,
	                max(c.upper) FILTER (WHERE c.evidence <> 'partial') AS read_until,
	                string_to_array(string_agg(DISTINCT nullif(array_to_string(c.doubts, ','), ''), ','), ',') AS doubts
	         FROM bigbrotr.coverage AS c
	              CROSS JOIN LATERAL (SELECT greatest(least(c.upper, k.upper) - greatest(c.lower, k.lower) + 1, 0) AS seconds) AS p
	         WHERE c.relay_id = r.relay_id AND c.filter_id = ANY (k.filters) AND c.reader = coalesce(s.reader, 0)) AS c
	     CROSS JOIN LATERAL (
	         SELECT coalesce(sum(f.count) FILTER (WHERE _bigbrotr.refusal_kind(f.reason) <> 'connection'), 0)::bigint AS refusals
	         FROM _bigbrotr.relay_refusals AS f WHERE f.relay_id = r.relay_id) AS f;
COMMENT ON VIEW bigbrotr.sync_status IS 'State and progress of the synchronizer for each relay';
COMMENT ON COLUMN bigbrotr.sync_status.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.sync_status.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.sync_status.network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.sync_status.status IS 'candidate, online, unstable, offline, dead, retired, refused or ignored, see bigbrotr.relays.status';
COMMENT ON COLUMN bigbrotr.sync_status.phase IS 'paused, waiting, connecting, backfill, live or backoff, see _bigbrotr.relay_sync';
COMMENT ON COLUMN bigbrotr.sync_status.phase_since IS 'When the phase began';
COMMENT ON COLUMN bigbrotr.sync_status.waiting_for IS 'What the relay waits for before it is opened, in words; null: it is open';
COMMENT ON COLUMN bigbrotr.sync_status.next_attempt IS 'Earliest time of the next attempt; null: never tried';
COMMENT ON COLUMN bigbrotr.sync_status.owner IS 'Worker that archives the relay now, see _bigbrotr.relay_leases; null: no worker';
COMMENT ON COLUMN bigbrotr.sync_status.read_interval IS 'Longest time from one reading of a priority relay to the next; null: not a priority relay';
COMMENT ON COLUMN bigbrotr.sync_status.interval_state IS 'kept or missed: state of read_interval, see bigbrotr.priority_relays; null: not a priority relay';
COMMENT ON COLUMN bigbrotr.sync_status.sighting_count IS 'Number of archived events that the relay delivered';
COMMENT ON COLUMN bigbrotr.sync_status.new_event_count IS 'Number of events that this relay delivered first';
COMMENT ON COLUMN bigbrotr.sync_status.sightings_per_second IS 'Sightings per second, between the last two updates of the counters; 0 if they are older than a minute';
COMMENT ON COLUMN bigbrotr.sync_status.message_count IS 'Number of WebSocket messages received';
COMMENT ON COLUMN bigbrotr.sync_status.byte_count IS 'Bytes of the WebSocket messages received, after decompression';
COMMENT ON COLUMN bigbrotr.sync_status.page_count IS 'Number of pages that were read to their end';
COMMENT ON COLUMN bigbrotr.sync_status.read_amplification IS 'Events delivered in answer to requests, divided by the number of different events in each reading; 1: none came twice; null: no event was delivered';
COMMENT ON COLUMN bigbrotr.sync_status.oldest_event IS 'created_at of the oldest event of the relay; null: not known yet';
COMMENT ON COLUMN bigbrotr.sync_status.read_from IS 'Oldest second (created_at) that was read; null: none';
COMMENT ON COLUMN bigbrotr.sync_status.read_until IS 'Newest second (created_at) that was read; null: none';
COMMENT ON COLUMN bigbrotr.sync_status.lag IS 'Time from read_until to now: at least 15 minutes, because newer events still arrive';
COMMENT ON COLUMN bigbrotr.sync_status.read_fraction IS 'Share of the relay''s history that was read at least once, 0 .. 1; the history begins with its oldest event, or on 2020-11-07 if that is not known';
COMMENT ON COLUMN bigbrotr.sync_status.proven_fraction IS 'Share of the relay''s history that is proven, 0 .. 1: confirmed by other readings or reconciled, without a doubt except unencrypted';
COMMENT ON COLUMN bigbrotr.sync_status.reconciled_fraction IS 'Share of the relay''s history that is proven by a comparison of the sets of ids (NIP-77), 0 .. 1';
COMMENT ON COLUMN bigbrotr.sync_status.partial_seconds IS 'Seconds of history with evidence partial';
COMMENT ON COLUMN bigbrotr.sync_status.doubts IS 'All doubts about the ranges that were read, see bigbrotr.coverage.doubts; null: none';
COMMENT ON COLUMN bigbrotr.sync_status.withdrawal_count IS 'Number of times that a claim of coverage had to be withdrawn';
COMMENT ON COLUMN bigbrotr.sync_status.last_withdrawal IS 'When a claim was last withdrawn; null: never';
COMMENT ON COLUMN bigbrotr.sync_status.next_audit IS 'Earliest time of the next audit of the claims; the audit happens at the first visit after it; null: at the next visit';
COMMENT ON COLUMN bigbrotr.sync_status.estimated_end IS 'When the backfill will end at the present speed; null: not known';
COMMENT ON COLUMN bigbrotr.sync_status.refusal_count IS 'Number of refusals of data from the relay, see bigbrotr.refusals; failed connections are not counted';
COMMENT ON COLUMN bigbrotr.sync_status.failure_count IS 'Number of failed or broken connections since the last page was read';
COMMENT ON COLUMN bigbrotr.sync_status.fault_count IS 'Number of connections that were closed because the relay sent what no honest relay sends; each day without a fault lowers it by one';
COMMENT ON COLUMN bigbrotr.sync_status.last_error IS 'Reason code of the last failure; null: a page was read since then';
COMMENT ON COLUMN bigbrotr.sync_status.last_detail IS 'Text of the relay or the system about the last failure';
COMMENT ON COLUMN bigbrotr.sync_status.last_error_at IS 'Time of the last failure';
COMMENT ON COLUMN bigbrotr.sync_status.last_success IS 'When a page was last read to its end; null: never';

-- The averages leave out relays that were never reached: such relays say nothing about how complete the archive of the
-- other relays is.
CREATE VIEW bigbrotr.sync_totals AS
	SELECT count(*) AS relay_count,
	       count(*) FILTER (WHERE s.phase = 'paused') AS paused_count,
	       count(*) FILTER (WHERE s.phase = 'waiting') AS waiting_count,
	       count(*) FILTER (WHERE s.phase = 'connecting') AS connecting_count,
	       count(*) FILTER (WHERE s.phase = 'backfill') AS backfill_count,
	       count(*) FILTER (WHERE s.phase = 'live') AS live_count,
	       count(*) FILTER (WHERE s.phase = 'backoff') AS backoff_count,
	       count(*) FILTER (WHERE s.last_success IS NULL) AS unreached_count,
	       coalesce(sum(s.sighting_count), 0)::bigint AS sighting_count,
	       coalesce(sum(s.new_event_count), 0)::bigint AS event_count,
	       coalesce(sum(s.sightings_per_second), 0) AS sightings_per_second,
	       coalesce(sum(s.message_count), 0)::bigint AS message_count,
	       coalesce(sum(s.byte_count), 0)::bigint AS byte_count,
	       coalesce(sum(s.page_count), 0)::bigint AS page_count,
	       coalesce(sum(s.refusal_count), 0)::bigint AS refusal_count,
	       coalesce(sum(s.failure_count), 0)::bigint AS failure_count,
	       coalesce(sum(s.partial_seconds), 0)::bigint AS partial_seconds,
	       coalesce(sum(s.withdrawal_count), 0)::bigint AS withdrawal_count,
	       coalesce(avg(s.read_fraction) FILTER (WHERE s.phase <> 'paused' AND s.last_success IS NOT NULL), 0) AS read_fraction,
	       coalesce(avg(s.proven_fraction) FILTER (WHERE s.phase <> 'paused' AND s.last_success IS NOT NULL), 0) AS proven_fraction,
	       max(s.estimated_end) AS estimated_end
	FROM bigbrotr.sync_status AS s;
COMMENT ON VIEW bigbrotr.sync_totals IS 'Progress of the synchronizer for all relays: one row';
COMMENT ON COLUMN bigbrotr.sync_totals.relay_count IS 'Number of known relays; the sum of the next six columns';
COMMENT ON COLUMN bigbrotr.sync_totals.paused_count IS 'Relays that are disabled for the synchronizer';
COMMENT ON COLUMN bigbrotr.sync_totals.waiting_count IS 'Relays that wait for their turn';
COMMENT ON COLUMN bigbrotr.sync_totals.connecting_count IS 'Relays whose connection is being opened';
COMMENT ON COLUMN bigbrotr.sync_totals.backfill_count IS 'Relays whose history is being read, page by page';
COMMENT ON COLUMN bigbrotr.sync_totals.live_count IS 'Relays whose history was read, with a subscription to new events';
COMMENT ON COLUMN bigbrotr.sync_totals.backoff_count IS 'Relays that failed and wait for the next attempt';
COMMENT ON COLUMN bigbrotr.sync_totals.unreached_count IS 'Relays of which no page was ever read';
COMMENT ON COLUMN bigbrotr.sync_totals.sighting_count IS 'Sightings archived by the synchronizer';
COMMENT ON COLUMN bigbrotr.sync_totals.event_count IS 'Events archived by the synchronizer';
COMMENT ON COLUMN bigbrotr.sync_totals.sightings_per_second IS 'Sightings per second, between the last two updates of the counters';
COMMENT ON COLUMN bigbrotr.sync_totals.message_count IS 'Number of WebSocket messages received';
COMMENT ON COLUMN bigbrotr.sync_totals.byte_count IS 'Bytes of the WebSocket messages received, after decompression';
COMMENT ON COLUMN bigbrotr.sync_totals.page_count IS 'Number of pages that were read to their end';
COMMENT ON COLUMN bigbrotr.sync_totals.refusal_count IS 'Number of refusals of data from relays, see bigbrotr.refusals; failed connections are not counted';
COMMENT ON COLUMN bigbrotr.sync_totals.failure_count IS 'Number of failed or broken connections since the last page of each relay, summed over all relays';
COMMENT ON COLUMN bigbrotr.sync_totals.partial_seconds IS 'Seconds of history with evidence partial, summed over all relays';
COMMENT ON COLUMN bigbrotr.sync_totals.withdrawal_count IS 'Number of times that a claim of coverage had to be withdrawn';
COMMENT ON COLUMN bigbrotr.sync_totals.read_fraction IS 'Mean of bigbrotr.sync_status.read_fraction, 0 .. 1, over the relays that are not paused and were reached';
COMMENT ON COLUMN bigbrotr.sync_totals.proven_fraction IS 'Mean of bigbrotr.sync_status.proven_fraction, 0 .. 1, over the relays that are not paused and were reached';
COMMENT ON COLUMN bigbrotr.sync_totals.estimated_end IS 'When the last backfill that runs now will end at the present speed; null: not known';

CREATE VIEW bigbrotr.live_relays AS
	SELECT p.relay_url, p.network, p.phase_since AS live_since, to_timestamp(r.last_seen) AS last_seen
	FROM bigbrotr.sync_status AS p JOIN bigbrotr.relays AS r ON r.relay_id = p.relay_id
	WHERE p.phase = 'live';
COMMENT ON VIEW bigbrotr.live_relays IS 'Relays in the phase live: the connection is open, the history was read, and new events are subscribed to';
COMMENT ON COLUMN bigbrotr.live_relays.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.live_relays.network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.live_relays.live_since IS 'When the phase live began';
COMMENT ON COLUMN bigbrotr.live_relays.last_seen IS 'When the relay last sent a message; up to half a minute late';
