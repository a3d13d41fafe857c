-- Views for users: sightings with the names of the original specification, what was refused, progress.

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
COMMENT ON VIEW bigbrotr.refusals IS 'Everything that was not archived, and every connection that failed, counted by reason';
COMMENT ON COLUMN bigbrotr.refusals.source IS 'relay: sent by a relay; database: verified, but refused by the database (bigbrotr.event_rejects); seeds: a line of a seed list (bigbrotr.seed_rejects)';
COMMENT ON COLUMN bigbrotr.refusals.relay_url IS 'Normalised URL of the relay; null: a line of a seed list, or an event that no relay delivered';
COMMENT ON COLUMN bigbrotr.refusals.seed_list IS 'Name of the seed list; null: from elsewhere';
COMMENT ON COLUMN bigbrotr.refusals.reason IS 'Reason code, or SQLSTATE';
COMMENT ON COLUMN bigbrotr.refusals.kind IS 'policy: a limit of ours; connection: it failed, nothing was refused; fault: the data are wrong; database: the database refused the event';
COMMENT ON COLUMN bigbrotr.refusals.refusal_count IS 'How often';
COMMENT ON COLUMN bigbrotr.refusals.first_at IS 'First time';
COMMENT ON COLUMN bigbrotr.refusals.last_at IS 'Last time';
COMMENT ON COLUMN bigbrotr.refusals.last_detail IS 'Detail of the last one';

CREATE VIEW bigbrotr.coverage_gaps AS
	SELECT r.url AS relay_url, f.filter_id, p.lower, p.upper, p.upper - p.lower + 1 AS seconds, p.reason,
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
COMMENT ON VIEW bigbrotr.coverage_gaps IS 'What is not read of each relay''s history, from 0 until now, by the reader that the relay was last read as: anonymous, or signed in';
COMMENT ON COLUMN bigbrotr.coverage_gaps.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.coverage_gaps.filter_id IS 'bigbrotr.sync_filters.filter_id; 0: everything';
COMMENT ON COLUMN bigbrotr.coverage_gaps.lower IS 'First created_at of the gap, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage_gaps.upper IS 'Last created_at of the gap, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage_gaps.seconds IS 'Length of the gap';
COMMENT ON COLUMN bigbrotr.coverage_gaps.reason IS 'unread; too new: the last 15 minutes, in which events still arrive; or the doubts of what was seen in part, see bigbrotr.coverage.doubts';
COMMENT ON COLUMN bigbrotr.coverage_gaps.tried_at IS 'When what was seen in part was last tried';

CREATE VIEW bigbrotr.sync_status AS
	SELECT r.relay_id, r.url AS relay_url, r.network, r.status,
	       CASE WHEN s.enabled IS FALSE THEN 'paused' ELSE coalesce(s.phase, 'waiting') END AS phase,
	       to_timestamp(s.phase_since) AS phase_since,
	       CASE
	           WHEN NOT s.enabled THEN 'to be enabled'
	           WHEN s.waits_for ~ '^(priority )?host ' THEN 'a place of its host (bigbrotr.sync_connections_per_host)'
	           WHEN s.waits_for ~ '^(priority )?site ' THEN 'a place of its site (bigbrotr.sync_connections_per_site)'
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
	     -- Of each filter that the relay is asked for, from its oldest event, the first one of all, or what retention rules keep, to what has settled.
	     CROSS JOIN LATERAL (
	         SELECT greatest(coalesce(s.oldest, 1604707200), min(_bigbrotr.asked_since(f.filter_id))) AS lower,
	                bigbrotr.unix_now() - _bigbrotr.settling() AS upper,
	                array_agg(f.filter_id) AS filters
	         FROM _bigbrotr.relay_filters(r.relay_id) AS f) AS k
	     CROSS JOIN LATERAL (
	         SELECT greatest(k.upper - k.lower + 1, 1)::double precision * cardinality(k.filters) AS seconds) AS w
	     CROSS JOIN LATERAL (
	         SELECT coalesce(sum(p.seconds) FILTER (WHERE c.evidence <> 'partial'), 0)::double precision AS read_seconds,
	                coalesce(sum(p.seconds) FILTER (WHERE c.evidence IN ('confirmed', 'reconciled')), 0)::double precision AS proven_seconds,
	                coalesce(sum(p.seconds) FILTER (WHERE c.evidence = 'reconciled'), 0)::double precision AS reconciled_seconds,
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
COMMENT ON VIEW bigbrotr.sync_status IS 'How far each relay is archived';
COMMENT ON COLUMN bigbrotr.sync_status.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.sync_status.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.sync_status.network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.sync_status.status IS 'candidate, online, unstable, offline, dead, retired, refused or ignored, see bigbrotr.relays.status';
COMMENT ON COLUMN bigbrotr.sync_status.phase IS 'paused, waiting, connecting, backfill, live or backoff, see _bigbrotr.relay_sync';
COMMENT ON COLUMN bigbrotr.sync_status.phase_since IS 'When the phase began';
COMMENT ON COLUMN bigbrotr.sync_status.waiting_for IS 'In words: what must come before it is opened; null: it is open';
COMMENT ON COLUMN bigbrotr.sync_status.next_attempt IS 'Not opened before; null: never tried';
COMMENT ON COLUMN bigbrotr.sync_status.owner IS 'Worker that archives it now, see _bigbrotr.relay_leases';
COMMENT ON COLUMN bigbrotr.sync_status.read_interval IS 'Of a priority relay: longest time from one reading to the next';
COMMENT ON COLUMN bigbrotr.sync_status.interval_state IS 'Of a priority relay: whether that is kept or missed now, see bigbrotr.priority_relays';
COMMENT ON COLUMN bigbrotr.sync_status.sighting_count IS 'Events that the relay showed and that are archived';
COMMENT ON COLUMN bigbrotr.sync_status.new_event_count IS 'Those of them that no relay had shown before';
COMMENT ON COLUMN bigbrotr.sync_status.sightings_per_second IS 'How fast they come now';
COMMENT ON COLUMN bigbrotr.sync_status.message_count IS 'WebSocket messages received';
COMMENT ON COLUMN bigbrotr.sync_status.byte_count IS 'Bytes of these messages, inflated';
COMMENT ON COLUMN bigbrotr.sync_status.page_count IS 'Pages read to their end';
COMMENT ON COLUMN bigbrotr.sync_status.read_amplification IS 'Events delivered in answer to questions, for each different one of a reading: 1 is the least';
COMMENT ON COLUMN bigbrotr.sync_status.oldest_event IS 'created_at of its oldest event; null: not known yet';
COMMENT ON COLUMN bigbrotr.sync_status.read_from IS 'Oldest second read (created_at)';
COMMENT ON COLUMN bigbrotr.sync_status.read_until IS 'Newest second read (created_at)';
COMMENT ON COLUMN bigbrotr.sync_status.lag IS 'How long ago that is: 15 minutes and more, since newer events still arrive';
COMMENT ON COLUMN bigbrotr.sync_status.read_fraction IS 'Share of its history, from its oldest event or else from 2020-11-07, that is read, once at least, 0 .. 1';
COMMENT ON COLUMN bigbrotr.sync_status.proven_fraction IS 'Share that is proven: confirmed by a second reading, or reconciled';
COMMENT ON COLUMN bigbrotr.sync_status.reconciled_fraction IS 'Share that is reconciled: sets of ids were compared (NIP-77)';
COMMENT ON COLUMN bigbrotr.sync_status.partial_seconds IS 'Seconds seen in part';
COMMENT ON COLUMN bigbrotr.sync_status.doubts IS 'All doubts about what is read of it, see bigbrotr.coverage.doubts; null: none';
COMMENT ON COLUMN bigbrotr.sync_status.withdrawal_count IS 'How often a claim had to be withdrawn';
COMMENT ON COLUMN bigbrotr.sync_status.last_withdrawal IS 'When that was last';
COMMENT ON COLUMN bigbrotr.sync_status.next_audit IS 'Earliest time of the next audit of its claims, which comes at the visit after it; null: at the next visit';
COMMENT ON COLUMN bigbrotr.sync_status.estimated_end IS 'When its history will be read, if it goes on as fast as now; null: not known';
COMMENT ON COLUMN bigbrotr.sync_status.refusal_count IS 'What it sent and we refused, see bigbrotr.refusals; without failed connections';
COMMENT ON COLUMN bigbrotr.sync_status.failure_count IS 'Connections failed or broken since the last page was read';
COMMENT ON COLUMN bigbrotr.sync_status.fault_count IS 'Connections that we cut because the relay sent what no honest relay sends; one is forgiven a day';
COMMENT ON COLUMN bigbrotr.sync_status.last_error IS 'Reason code of the last failure; null: a page was read since';
COMMENT ON COLUMN bigbrotr.sync_status.last_detail IS 'What the relay or the system said then';
COMMENT ON COLUMN bigbrotr.sync_status.last_error_at IS 'When that was';
COMMENT ON COLUMN bigbrotr.sync_status.last_success IS 'When a page was last read to its end';

-- Relays that were never reached say nothing about how complete the archive of the others is.
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
COMMENT ON VIEW bigbrotr.sync_totals IS 'How far the archive is, in one row';
COMMENT ON COLUMN bigbrotr.sync_totals.relay_count IS 'Relays known; the following six add up to it';
COMMENT ON COLUMN bigbrotr.sync_totals.paused_count IS 'Relays the synchronizer leaves alone';
COMMENT ON COLUMN bigbrotr.sync_totals.waiting_count IS 'Relays waiting for their turn';
COMMENT ON COLUMN bigbrotr.sync_totals.connecting_count IS 'Relays being connected to';
COMMENT ON COLUMN bigbrotr.sync_totals.backfill_count IS 'Relays whose history is being paged';
COMMENT ON COLUMN bigbrotr.sync_totals.live_count IS 'Relays caught up, subscribed to what is new';
COMMENT ON COLUMN bigbrotr.sync_totals.backoff_count IS 'Relays that failed and wait for the next attempt';
COMMENT ON COLUMN bigbrotr.sync_totals.unreached_count IS 'Relays of which no page was ever read';
COMMENT ON COLUMN bigbrotr.sync_totals.sighting_count IS 'Sightings archived by the synchronizer';
COMMENT ON COLUMN bigbrotr.sync_totals.event_count IS 'Events archived by the synchronizer';
COMMENT ON COLUMN bigbrotr.sync_totals.sightings_per_second IS 'How fast sightings come now';
COMMENT ON COLUMN bigbrotr.sync_totals.message_count IS 'WebSocket messages received';
COMMENT ON COLUMN bigbrotr.sync_totals.byte_count IS 'Bytes of these messages, inflated';
COMMENT ON COLUMN bigbrotr.sync_totals.page_count IS 'Pages read to their end';
COMMENT ON COLUMN bigbrotr.sync_totals.refusal_count IS 'What relays sent and was refused, see bigbrotr.refusals; without failed connections';
COMMENT ON COLUMN bigbrotr.sync_totals.failure_count IS 'Connections failed or broken since a page was last read, of all relays';
COMMENT ON COLUMN bigbrotr.sync_totals.partial_seconds IS 'Seconds seen in part';
COMMENT ON COLUMN bigbrotr.sync_totals.withdrawal_count IS 'How often a claim had to be withdrawn';
COMMENT ON COLUMN bigbrotr.sync_totals.read_fraction IS 'Mean share of the history of the relays that were reached and are not paused that is read, 0 .. 1';
COMMENT ON COLUMN bigbrotr.sync_totals.proven_fraction IS 'The same for what is proven';
COMMENT ON COLUMN bigbrotr.sync_totals.estimated_end IS 'When the relays that are being read now will have been read; null: not known';

CREATE VIEW bigbrotr.live_relays AS
	SELECT p.relay_url, p.network, p.phase_since AS live_since, to_timestamp(r.last_seen) AS last_seen
	FROM bigbrotr.sync_status AS p JOIN bigbrotr.relays AS r ON r.relay_id = p.relay_id
	WHERE p.phase = 'live';
COMMENT ON VIEW bigbrotr.live_relays IS 'Relays that are open now, their history read as far as they show it, subscribed to what is new';
COMMENT ON COLUMN bigbrotr.live_relays.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.live_relays.network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.live_relays.live_since IS 'Since when';
COMMENT ON COLUMN bigbrotr.live_relays.last_seen IS 'When the relay last sent us anything; up to half a minute behind';
