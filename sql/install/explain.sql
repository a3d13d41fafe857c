-- Explanations of one relay or one event, in words.

CREATE FUNCTION _bigbrotr.time_text(at bigint) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN CASE WHEN at BETWEEN -62135596800 AND 253402300799 THEN to_char(to_timestamp(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
	            ELSE at || ' (Unix seconds)' END;
COMMENT ON FUNCTION _bigbrotr.time_text(bigint) IS 'Unix seconds as text: date and time (UTC) in the years 1 to 9999, else the number';

CREATE FUNCTION _bigbrotr.facts_text(facts jsonb) RETURNS SETOF text
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT l.line
		FROM (SELECT facts -> 'tls' AS tls, facts -> 'geo' AS geo) AS f
		     CROSS JOIN LATERAL (VALUES
		         (1, 'addresses: ' || (SELECT string_agg(a.address, ', ') FROM jsonb_array_elements_text(facts -> 'addresses') AS a (address))),
		         (2, 'the name stands for ' || (facts ->> 'cname')),
		         (3, 'certificate: ' || CASE WHEN (f.tls ->> 'valid')::boolean THEN 'valid' ELSE 'not valid' || coalesce(', ' || (f.tls ->> 'fault'), '') END
		             || coalesce(', of ' || (f.tls ->> 'subject'), '') || coalesce(', issued by ' || (f.tls ->> 'issuer'), '')
		             || coalesce(', for ' || (SELECT string_agg(n.name, ', ' ORDER BY n.i) FILTER (WHERE n.i <= 10) || CASE WHEN count(*) > 10 THEN format(' and %s more', count(*) - 10) ELSE '' END
		                                    FROM jsonb_array_elements_text(f.tls -> 'names') WITH ORDINALITY AS n (name, i)), '')
		             || ', ' || _bigbrotr.time_text((f.tls ->> 'not_before')::bigint) || ' to ' || _bigbrotr.time_text((f.tls ->> 'not_after')::bigint)
		             || coalesce(', ' || (f.tls ->> 'protocol'), '')),
		         (4, 'place: ' || nullif(concat_ws(', ', f.geo ->> 'city', f.geo ->> 'region', f.geo ->> 'country', 'AS' || (f.geo ->> 'as_number'), f.geo ->> 'as_name'), '')),
		         (5, 'web server: ' || nullif(concat_ws(', ', facts ->> 'server', facts ->> 'powered_by'), '')),
		         (6, 'document: ' || nullif(concat_ws('; ', 'HTTP status ' || (facts -> 'nip11' ->> 'status'),
		             CASE (facts -> 'nip11' ->> 'cors')::boolean WHEN true THEN 'web pages of other origins may read it' WHEN false THEN 'no web page of another origin may read it' END,
		             'it comes from ' || (facts -> 'nip11' ->> 'final_url'),
		             (SELECT string_agg(d.field || ' is ' || replace(d.fault, '_', ' '), ', ' ORDER BY d.field) FROM jsonb_each_text(facts -> 'nip11' -> 'faults') AS d (field, fault))), ''))) AS l (n, line)
		WHERE l.line IS NOT NULL
		ORDER BY l.n;
	END;
COMMENT ON FUNCTION _bigbrotr.facts_text(jsonb) IS
	'Facts that a visit measured (_bigbrotr.relay_stories.facts), in words, one line for each subject: addresses, certificate, place, headers, document';

CREATE FUNCTION _bigbrotr.archiving_text(relay integer) RETURNS SETOF text
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		WITH state AS MATERIALIZED (SELECT y.* FROM bigbrotr.sync_status AS y WHERE y.relay_id = relay)
		SELECT l.line
		FROM state AS s CROSS JOIN LATERAL (VALUES
		         (1, 'Its archiving: ' || s.phase || coalesce(' since ' || _bigbrotr.time_text(extract(epoch FROM s.phase_since)::bigint), '')
		             || CASE s.phase WHEN 'paused' THEN ', until it is enabled' ELSE coalesce(', waits for ' || s.waiting_for, '') END
		             || CASE WHEN s.waiting_for IS NOT NULL AND s.next_attempt > now() THEN ', next at ' || _bigbrotr.time_text(extract(epoch FROM s.next_attempt)::bigint) ELSE '' END),
		         (2, '  the last failure, ' || _bigbrotr.time_text(extract(epoch FROM s.last_error_at)::bigint) || ': ' || _bigbrotr.error_words(s.last_error)
		             || coalesce(' (' || nullif(s.last_detail, '') || ')', '')),
		         (3, '  read to ' || _bigbrotr.time_text(extract(epoch FROM s.read_until)::bigint) || ', ' || date_trunc('second', s.lag) || ' ago'),
		         (4, format('  of its history %s %% is read and %s %% proven', trunc((100 * s.read_fraction)::numeric, 1), trunc((100 * s.proven_fraction)::numeric, 1))
		             || coalesce('; doubts: ' || array_to_string(s.doubts, ', '), ''))) AS l (n, line)
		WHERE l.line IS NOT NULL
		ORDER BY l.n;
	END;
COMMENT ON FUNCTION _bigbrotr.archiving_text(integer) IS
	'How the archiving of a relay goes, in words, from bigbrotr.sync_status: its phase and what it waits for, the last failure, to what time and how much of its history is read';

CREATE FUNCTION bigbrotr.explain_relay(relay_url text) RETURNS SETOF text
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay integer := _bigbrotr.known_relay(relay_url);
	state record;
	told record;
BEGIN
	SELECT s.* INTO state FROM bigbrotr.relay_status AS s
	     JOIN bigbrotr.relays AS r ON r.url = s.relay_url WHERE r.relay_id = relay;
	RETURN NEXT state.relay_url || ' is ' || state.status
		|| coalesce(' since ' || to_char(state.status_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'), '')
		|| CASE WHEN state.run > 1 AND state.reason IS NOT NULL THEN format(': %s, %s times in a row', state.reason_in_words, state.run)
		        ELSE coalesce(': ' || state.reason_in_words, '') END;
	FOR told IN
		SELECT s.outcome, _bigbrotr.time_text(s.visited_at) AS visited_at, s.story, s.facts
		FROM _bigbrotr.relay_stories AS s WHERE s.relay_id = relay ORDER BY s.visited_at DESC
	LOOP
		RETURN NEXT CASE told.outcome WHEN 'answered' THEN 'The last visit that went well, ' WHEN 'failed' THEN 'The last visit that failed, '
			ELSE 'The last visit at which this server could not look, ' END || told.visited_at || ':';
		RETURN QUERY
			SELECT '  ' || concat_ws(' ', e.step ->> 'step',
				CASE WHEN e.step ->> 'address' <> '' THEN format('(%s port %s)', e.step ->> 'address', e.step ->> 'port') END)
				|| ': ' || CASE WHEN coalesce(e.step ->> 'error', '') = '' THEN 'well'
				        ELSE CASE WHEN e.step ->> 'run' = 'false' THEN 'not run: ' ELSE '' END || _bigbrotr.error_words(e.step ->> 'error') END
				|| coalesce(', ' || (e.step ->> 'ms') || ' ms', '')
				|| coalesce(', to be kept for ' || (e.step ->> 'ttl') || ' s', '')
				|| coalesce(', ' || (e.step ->> 'size') || ' bytes', '')
				|| coalesce(' (' || nullif(e.step ->> 'detail', '') || ')', '')
			FROM jsonb_array_elements(told.story) WITH ORDINALITY AS e (step, n) ORDER BY e.n;
		RETURN QUERY SELECT '  ' || t FROM _bigbrotr.facts_text(told.facts) AS t;
	END LOOP;
	IF state.last_visit IS NULL THEN
		RETURN NEXT 'The monitor has not visited it';
	END IF;
	RETURN QUERY SELECT a FROM _bigbrotr.archiving_text(relay) AS a;
	RETURN QUERY
		SELECT format('  refused: %s, %s times, last at %s', replace(f.reason, '_', ' '), f.refusal_count, _bigbrotr.time_text(extract(epoch FROM f.last_at)::bigint))
			|| coalesce(' (' || nullif(f.last_detail, '') || ')', '')
		FROM bigbrotr.refusals AS f
		WHERE f.relay_url = state.relay_url AND f.kind <> 'connection' ORDER BY f.last_at DESC, f.reason LIMIT 10;
END
$$;
COMMENT ON FUNCTION bigbrotr.explain_relay(text) IS
	'The status of a relay, the steps and measured facts of its last visits, and how its archiving goes, as lines of text. Visits: the last that went well, the last that failed, and the last at which this server had no network connection. Archiving: phase, what it waits for, the last failure, how much is read and proven, the latest ten refusals. An error if the relay is unknown';

CREATE FUNCTION _bigbrotr.masters(event bigbrotr.events) RETURNS bytea[]
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN ARRAY[(event).pubkey] || CASE WHEN (event).kind IN (1059, 21059) THEN
		ARRAY(SELECT decode(v.value, 'hex') FROM unnest(bigbrotr.tag_values((event).tags, 'p')) AS v (value)
		      WHERE v.value ~ '^[0-9a-f]{64}$' LIMIT 10) END;
COMMENT ON FUNCTION _bigbrotr.masters(bigbrotr.events) IS 'Public keys whose requests may delete an event (NIP-09, NIP-62): that of its author, and those of the first ten receivers of a gift wrap (NIP-59)';

CREATE FUNCTION bigbrotr.explain_event(event_id text) RETURNS SETOF text
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted CONSTANT bytea := bigbrotr.event_id(explain_event.event_id);
	most CONSTANT integer := 20;
	e bigbrotr.events;
	told record;
	count bigint;
	served boolean;
BEGIN
	SELECT x.* INTO e FROM bigbrotr.events AS x WHERE x.event_id = wanted;
	IF NOT FOUND THEN
		RETURN NEXT encode(wanted, 'hex') || ' is not archived';
		RETURN QUERY SELECT format('The database refused it at %s, from %s: %s (%s)', _bigbrotr.time_text(j.rejected_at), coalesce(r.url, 'no relay'), j.message, j.sqlstate)
			FROM bigbrotr.event_rejects AS j LEFT JOIN bigbrotr.relays AS r ON r.relay_id = j.relay_id WHERE j.event_id = wanted;
		RETURN QUERY SELECT format('The operator has blocked %s at %s: %s', CASE WHEN b.pubkey IS NULL THEN 'it' ELSE 'its author ' || encode(b.pubkey, 'hex') END, _bigbrotr.time_text(b.blocked_at), b.reason)
			FROM bigbrotr.blocked_events AS b WHERE b.event_id = wanted;
		RETURN QUERY SELECT format('Retention rule %s (%s) deletes and leaves out %s before %s: it may be one of them', r.rule_id, r.reason, _bigbrotr.kinds_text(r.kinds),
				_bigbrotr.time_text(r.deletes_before))
			FROM bigbrotr.retention_rules AS r WHERE r.enabled ORDER BY r.rule_id;
		RETURN QUERY SELECT format('The deletion request %s of %s names it', encode(d.event_id, 'hex'), encode(d.pubkey, 'hex'))
			FROM bigbrotr.deletions AS d WHERE d.target = wanted AND NOT d.by_address ORDER BY d.created_at LIMIT most;
		RETURN;
	END IF;
	RETURN NEXT format('%s is archived since %s: kind %s of %s, created at %s', encode(wanted, 'hex'), _bigbrotr.time_text(e.inserted_at), e.kind,
		encode(e.pubkey, 'hex'), _bigbrotr.time_text(e.created_at));
	RETURN NEXT CASE WHEN bigbrotr.verify_event(bigbrotr.event_json(e))
		THEN 'Its id is its hash and its signature is good: checked again now' ELSE 'What is stored is no valid event: checked again now' END;
	count := (SELECT pg_catalog.count(*) FROM bigbrotr.sightings AS s WHERE s.eid = e.eid);
	RETURN NEXT CASE count WHEN 0 THEN 'No relay that is known delivered it' WHEN 1 THEN 'One relay delivered it:' ELSE format('%s relays delivered it, first of all:', count) END;
	RETURN QUERY SELECT format('  %s at %s', r.url, _bigbrotr.time_text(s.seen_at))
		FROM bigbrotr.sightings AS s JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id WHERE s.eid = e.eid ORDER BY s.seen_at, r.url LIMIT most;
	RETURN QUERY SELECT format('Retention rule %s (%s) deletes it after %s', r.rule_id, r.reason, _bigbrotr.time_text(e.created_at + r.older_than))
		FROM bigbrotr.retention_rules AS r
		WHERE r.enabled AND e.kind <@ r.kinds IS NOT FALSE AND e.created_at <= 253402300799 ORDER BY r.older_than, r.rule_id;
	served := true;
	FOR told IN
		SELECT 'The API does not show it: it is protected (NIP-70), or a message only for its receivers' AS reason WHERE NOT _bigbrotr.is_public(e.kind, e.tags)
		UNION ALL
		SELECT format('The API shows it only to those who ask for its id: %s is newer', encode(n.event_id, 'hex'))
		FROM (SELECT x.event_id FROM bigbrotr.events AS x
		      WHERE _bigbrotr.address_id(x.pubkey, x.kind, x.tags) = _bigbrotr.address_id(e.pubkey, e.kind, e.tags)
		      ORDER BY x.created_at DESC, x.event_id LIMIT 1) AS n
		WHERE NOT bigbrotr.is_current(e.event_id, e.pubkey, e.created_at, e.kind, e.tags)
		UNION ALL
		SELECT 'The API does not show it: ' || reasons.reason FROM (
			SELECT format('the deletion request %s names it (NIP-09)', encode(d.event_id, 'hex')) AS reason FROM bigbrotr.deletions AS d
			WHERE d.target = e.event_id AND NOT d.by_address AND d.pubkey = ANY (_bigbrotr.masters(e))
			UNION ALL
			SELECT format('the deletion request %s names its address (NIP-09)', encode(d.event_id, 'hex')) FROM bigbrotr.deletions AS d
			WHERE d.target = _bigbrotr.address_id(e.pubkey, e.kind, e.tags) AND d.by_address AND d.pubkey = e.pubkey AND d.created_at >= e.created_at
			UNION ALL
			SELECT format('the vanish request %s asks for it (NIP-62)', encode(v.event_id, 'hex')) FROM bigbrotr.vanish_requests AS v
			WHERE v.pubkey = ANY (_bigbrotr.masters(e)) AND v.created_at >= e.created_at
			UNION ALL
			SELECT 'it has expired (NIP-40): its tag says ' || x.at FROM (SELECT bigbrotr.expiration(e.tags) AS at) AS x WHERE x.at <= bigbrotr.unix_now()
			LIMIT most) AS reasons
		WHERE NOT bigbrotr.is_visible(e.event_id, e.pubkey, e.created_at, e.kind, e.tags)
	LOOP
		served := false;
		RETURN NEXT told.reason;
	END LOOP;
	IF served THEN
		RETURN NEXT CASE WHEN bigbrotr.is_visible(e.event_id, e.pubkey, e.created_at, e.kind, e.tags) THEN 'The API shows it' ELSE 'The API does not show it' END;
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.explain_event(text) IS
	'Explains as lines of text whether an event is archived, which relays delivered it and when, whether it is valid, and why the API does not show it';
