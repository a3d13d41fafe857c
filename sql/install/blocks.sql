-- The block list: authors and events that the operator does not want in the archive (court orders, illegal content). Writers
-- read the block list (src/archive/block_list.h), and treat a blocked event like an event that the database rejected for good.

CREATE TABLE bigbrotr.blocked_authors (
	pubkey     bytea  NOT NULL,
	blocked_at bigint NOT NULL,
	reason     text   NOT NULL,
	CONSTRAINT blocked_authors_pkey PRIMARY KEY (pubkey)
);
COMMENT ON TABLE bigbrotr.blocked_authors IS 'Authors whose events are not archived (bigbrotr.block_author)';
COMMENT ON COLUMN bigbrotr.blocked_authors.pubkey IS 'Public key of the author, 32 bytes';
COMMENT ON COLUMN bigbrotr.blocked_authors.blocked_at IS 'When the operator blocked the author, Unix seconds';
COMMENT ON COLUMN bigbrotr.blocked_authors.reason IS 'Reason of the block, in the words of the operator';

CREATE TABLE bigbrotr.blocked_events (
	event_id   bytea  NOT NULL,
	pubkey     bytea,
	blocked_at bigint NOT NULL,
	reason     text   NOT NULL,
	CONSTRAINT blocked_events_pkey PRIMARY KEY (event_id)
);
COMMENT ON TABLE bigbrotr.blocked_events IS 'Events that are not archived: events of bigbrotr.block_events, and events of blocked authors that were archived or delivered';
COMMENT ON COLUMN bigbrotr.blocked_events.event_id IS 'id of the event, 32 bytes (NIP-01)';
COMMENT ON COLUMN bigbrotr.blocked_events.pubkey IS 'Author whose block covers the event, 32 bytes; null: the event itself is blocked (bigbrotr.block_events)';
COMMENT ON COLUMN bigbrotr.blocked_events.blocked_at IS 'When the event was put on the list, Unix seconds';
COMMENT ON COLUMN bigbrotr.blocked_events.reason IS 'Reason of the block, in the words of the operator';
CREATE INDEX blocked_events_pubkey_idx ON bigbrotr.blocked_events (pubkey) WHERE pubkey IS NOT NULL;

CREATE FUNCTION _bigbrotr.leave_out_blocked(event_ids bytea[], pubkeys bytea[], at bigint) RETURNS bytea[]
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		WITH given AS (
			SELECT g.event_id, g.pubkey FROM unnest(event_ids, pubkeys) AS g (event_id, pubkey)
		), noted AS (
			INSERT INTO bigbrotr.blocked_events (event_id, pubkey, blocked_at, reason)
			SELECT DISTINCT g.event_id, g.pubkey, at, a.reason
			FROM given AS g JOIN bigbrotr.blocked_authors AS a ON a.pubkey = g.pubkey
			ORDER BY g.event_id -- every writer uses this order, so that two writers cannot cause a deadlock
			ON CONFLICT ON CONSTRAINT blocked_events_pkey DO NOTHING
		)
		SELECT coalesce(array_agg(g.event_id), '{}') FROM given AS g
		WHERE EXISTS (SELECT FROM bigbrotr.blocked_events AS b WHERE b.event_id = g.event_id)
		      OR EXISTS (SELECT FROM bigbrotr.blocked_authors AS a WHERE a.pubkey = g.pubkey);
	END;
COMMENT ON FUNCTION _bigbrotr.leave_out_blocked(bytea[], bytea[], bigint) IS
	'Ids of those given events that must not be archived. Adds the events of blocked authors to bigbrotr.blocked_events, so that they are known from now on. at: Unix seconds';

CREATE FUNCTION _bigbrotr.note_missing(event_ids bytea[], created_ats bigint[], kinds integer[]) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF EXISTS (SELECT FROM unnest(event_ids, created_ats, kinds) AS g (event_id, created_at, kind)
	           WHERE (octet_length(g.event_id) = 32 AND g.created_at >= 0 AND g.kind >= 0 AND g.kind <= 65535) IS NOT TRUE) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'the id, time or kind of an event is wrong',
			DETAIL = 'An id has 32 bytes, a time is not negative, a kind is from 0 to 65535. The n-th elements of the arrays belong together.',
			HINT = 'Give events that passed bigbrotr.verify_event.';
	END IF;
	INSERT INTO _bigbrotr.deleted_events (event_id, created_at, kind)
	SELECT DISTINCT ON (g.event_id) g.event_id, g.created_at, g.kind
	FROM unnest(event_ids, created_ats, kinds) AS g (event_id, created_at, kind) ORDER BY g.event_id
	ON CONFLICT ON CONSTRAINT deleted_events_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION _bigbrotr.note_missing(bytea[], bigint[], integer[]) IS
	'Adds events that were left out because they are blocked to _bigbrotr.deleted_events: when the block ends, their seconds are not proven. An error if an id, a time or a kind is wrong';

CREATE FUNCTION _bigbrotr.check_reason(reason text, needed_by text, shown_by text) RETURNS text
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF (length(btrim(reason)) BETWEEN 1 AND 1000) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s needs a reason', needed_by),
			DETAIL = format('It has %s characters, and 1 to 1000 are wanted.', coalesce(length(btrim(reason)), 0)),
			HINT = format('Say in a sentence who asked for it and why: %s shows the reason.', shown_by);
	END IF;
	RETURN btrim(reason);
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_reason(text, text, text) IS 'The reason without leading and trailing spaces; an error if it does not have 1 to 1000 characters. needed_by (a block, a rule) and shown_by (the function that shows the reason) are words of the error';

-- A transaction that began before the block was committed may not see the block, and may still store a blocked event.
CREATE PROCEDURE _bigbrotr.wait_for_writers()
	LANGUAGE plpgsql
	AS $$
DECLARE
	-- The xmax of a snapshot would not do: a transaction that runs may have a higher number.
	next CONSTANT pg_catalog.xid8 := pg_catalog.pg_current_xact_id();
BEGIN
	WHILE pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) OPERATOR(pg_catalog.<) next LOOP
		COMMIT;
		PERFORM pg_catalog.pg_sleep(0.02);
	END LOOP;
END
$$;
COMMENT ON PROCEDURE _bigbrotr.wait_for_writers() IS 'Returns when all transactions that were running at the time of the call have ended. Commits';

CREATE FUNCTION _bigbrotr.delete_blocked_events(event_ids bytea[]) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- All writers and deletions lock events before they add rows to _bigbrotr.deleted_events, as the trigger of event_rejects does.
	deleted CONSTANT bigint := bigbrotr.delete_events(event_ids);
BEGIN
	DELETE FROM bigbrotr.event_rejects AS r WHERE r.event_id = ANY (event_ids);
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION _bigbrotr.delete_blocked_events(bytea[]) IS
	'Deletes events with their sightings, also from bigbrotr.event_rejects. Returns the number of archived events that were deleted';

CREATE PROCEDURE bigbrotr.block_events(event_ids text[], reason text, INOUT deleted bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	ids pg_catalog.bytea[]; -- schema names: a procedure is compiled with the search path of its caller
	given CONSTANT pg_catalog.text := _bigbrotr.check_reason(reason, 'a block', 'bigbrotr.explain_event');
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	PERFORM _bigbrotr.check_elements(cardinality(event_ids));
	ids := ARRAY(SELECT DISTINCT bigbrotr.event_id(i.id) AS id FROM unnest(event_ids) AS i (id) WHERE i.id IS NOT NULL ORDER BY 1);
	INSERT INTO bigbrotr.blocked_events AS b (event_id, blocked_at, reason)
	SELECT i.id, bigbrotr.unix_now(), given FROM unnest(ids) AS i (id)
	ON CONFLICT ON CONSTRAINT blocked_events_pkey DO UPDATE SET pubkey = NULL, reason = excluded.reason;
	COMMIT;
	CALL _bigbrotr.wait_for_writers();
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	deleted := _bigbrotr.delete_blocked_events(ids);
END
$$;
COMMENT ON PROCEDURE bigbrotr.block_events(text[], text, bigint) IS
	'CALL bigbrotr.block_events(''{note1…}'', ''why''): deletes these events (hex, note1…, nevent1…) and blocks them, so that they are not archived again. deleted: number of events that were archived. Waits for running transactions. Not inside a transaction block; after an interruption, call it again';

CREATE PROCEDURE bigbrotr.block_author(author text, reason text, INOUT deleted bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	slice CONSTANT integer := 10000;
	key CONSTANT pg_catalog.bytea := bigbrotr.pubkey(author);
	given CONSTANT pg_catalog.text := _bigbrotr.check_reason(reason, 'a block', 'bigbrotr.explain_event');
	ids pg_catalog.bytea[];
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	IF key IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'no author is given', DETAIL = 'The argument author is null.',
			HINT = 'Give 64 hex digits, npub1… or nprofile1….';
	END IF;
	INSERT INTO bigbrotr.blocked_authors AS b (pubkey, blocked_at, reason) VALUES (key, bigbrotr.unix_now(), given)
		ON CONFLICT ON CONSTRAINT blocked_authors_pkey DO UPDATE SET reason = excluded.reason;
	COMMIT;
	CALL _bigbrotr.wait_for_writers();
	deleted := 0;
	LOOP
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		PERFORM pg_catalog.pg_current_xact_id(); -- bigbrotr.unblock_author waits for transactions with an id
		ids := ARRAY(SELECT e.event_id FROM bigbrotr.events AS e WHERE e.pubkey = key LIMIT slice);
		EXIT WHEN ids = '{}';
		-- At isolation level READ COMMITTED the function sees events that were inserted a moment ago.
		PERFORM _bigbrotr.leave_out_blocked(ids, array_fill(key, ARRAY[cardinality(ids)]), bigbrotr.unix_now());
		deleted := deleted + _bigbrotr.delete_blocked_events(ids);
		COMMIT;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE bigbrotr.block_author(text, text, bigint) IS
	'CALL bigbrotr.block_author(''npub1…'', ''why''): deletes all events of an author (hex, npub1…, nprofile1…) in slices, each in its own transaction, and blocks the author, so that no event of the author is archived again. deleted: number of events that were archived. Waits for running transactions. Not inside a transaction block; after an interruption, call it again: it continues';

CREATE FUNCTION bigbrotr.unblock_events(event_ids text[]) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	unblocked bigint;
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(event_ids));
	DELETE FROM bigbrotr.blocked_events AS b
	WHERE b.pubkey IS NULL AND b.event_id = ANY (ARRAY(SELECT bigbrotr.event_id(i.id) FROM unnest(event_ids) AS i (id)));
	GET DIAGNOSTICS unblocked = ROW_COUNT;
	RETURN unblocked;
END
$$;
COMMENT ON FUNCTION bigbrotr.unblock_events(text[]) IS
	'Removes events from the block list (bigbrotr.block_events) and returns their number. An unblocked event is archived when a relay delivers it; bigbrotr.read_again asks relays for it. Events of a blocked author stay blocked';

CREATE PROCEDURE bigbrotr.unblock_author(author text, INOUT unblocked bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	key CONSTANT pg_catalog.bytea := bigbrotr.pubkey(author);
BEGIN
	DELETE FROM bigbrotr.blocked_authors AS b WHERE b.pubkey OPERATOR(pg_catalog.=) key;
	COMMIT;
	CALL _bigbrotr.wait_for_writers(); -- a running transaction may still add a blocked event of this author
	DELETE FROM bigbrotr.blocked_events AS b WHERE b.pubkey OPERATOR(pg_catalog.=) key;
	GET DIAGNOSTICS unblocked = ROW_COUNT;
END
$$;
COMMENT ON PROCEDURE bigbrotr.unblock_author(text, bigint) IS
	'CALL bigbrotr.unblock_author(''npub1…''): removes an author from the block list (bigbrotr.block_author). unblocked: number of events that were blocked because of this author; such an event is archived when a relay delivers it, and bigbrotr.read_again asks relays for it. Waits for running transactions. Not inside a transaction block; after an interruption, call it again';

CREATE FUNCTION _bigbrotr.names_blocked(filter jsonb) RETURNS boolean
	LANGUAGE sql STABLE
	RETURN EXISTS (SELECT FROM bigbrotr.blocked_authors AS a WHERE (filter -> 'authors') ? encode(a.pubkey, 'hex'))
	       OR EXISTS (SELECT FROM bigbrotr.blocked_events AS e WHERE (filter -> 'ids') ? encode(e.event_id, 'hex'));
COMMENT ON FUNCTION _bigbrotr.names_blocked(jsonb) IS 'Whether a filter (NIP-01) names a blocked author or a blocked event';

SELECT pg_extension_config_dump('bigbrotr.blocked_authors', '');
SELECT pg_extension_config_dump('bigbrotr.blocked_events', '');
