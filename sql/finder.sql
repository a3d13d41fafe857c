-- The finder: where relays are named, what is counted of it, which of them become relays.
\pset null null
CREATE EXTENSION bigbrotr;
SELECT bigbrotr.unix_now() AS now \gset

SELECT * FROM bigbrotr.relay_mentions(10002, '[["r","wss://a.com/"],["r","b.com","read"],["r","no relay"],["p","x","wss://c.com"]]', '');
SELECT * FROM bigbrotr.relay_mentions(1, '[]', 'wss://a.com/x, nrelay1qqthwumn8ghj7un9d3shjtn90psk6urvv5hxxmmdu9x9vf and wss://u:p@a.com');
SELECT * FROM bigbrotr.relay_mentions(3, '[]', '{"wss://a.com":{"read":true},"a\u0000b":1}');

-- Author n, at second `at`. Both ways of writing let the finder read the event.
CREATE FUNCTION note(author integer, at bigint, tags text, kind integer DEFAULT 10002, content text DEFAULT '') RETURNS bigint LANGUAGE sql AS $$
	SELECT i.events FROM _bigbrotr.insert_verified_events(ARRAY[sha256(format('%s %s %s %s', author, at, tags, content)::bytea)],
		ARRAY[sha256(author::text::bytea)], ARRAY[at], ARRAY[kind], ARRAY[tags], ARRAY[content], ARRAY[sha256('a') || sha256('b')], ARRAY[NULL::bytea],
		'{}', '{}', '{}', at) AS i $$;
SELECT note(1, 10, '[["r","wss://a.com"],["r","wss://b.com"]]'), note(2, 30, '[["r","wss://a.com"],["r","wss://u:secret@b.com"]]'),
       note(2, 20, '[["e","x","wss://a.com/"]]', 1, 'wss://a.com wss://a.com'), note(3, 40, '[["relay","wss://avoided.com"],["relay","wss://a.com"]]', 10006);
INSERT INTO bigbrotr.events (created_at, inserted_at, kind, event_id, pubkey, sig, tags, content)
VALUES (50, 50, 10002, sha256('sql'), sha256('3'), sha256('a') || sha256('b'), '[["r","wss://a.com"],["r","127.0.0.1"]]', '');
SELECT count(*) AS batches, sum(upper(r) - lower(r)) AS events FROM _bigbrotr.finder_queue AS q, unnest(q.eids) AS r;
SELECT * FROM _bigbrotr.find_relays(3, 1000, 100);
SELECT * FROM _bigbrotr.find_relays(100, 1000, 100);
SELECT * FROM _bigbrotr.find_relays(100, 1000, 100);
SELECT relay_url, network, site, candidate_state, author_count, is_exact, listed, mention_count, extract(epoch FROM first_seen) AS first, extract(epoch FROM last_seen) AS last
FROM bigbrotr.candidates ORDER BY 1;
SELECT relay_url, place, source, mention_count, extract(epoch FROM first_seen) AS first, extract(epoch FROM last_seen) AS last FROM bigbrotr.candidate_sources ORDER BY 1, 2;
SELECT relay_url, count(*) FROM bigbrotr.candidate_authors GROUP BY 1 ORDER BY 1;
SELECT reason, name, mention_count, extract(epoch FROM first_seen) AS first FROM bigbrotr.candidate_rejects ORDER BY 1, 2;

-- Enough authors make a relay of it; what was deleted stays away.
SELECT _bigbrotr.admit_relays(10, 4, 10) AS four, _bigbrotr.admit_relays(10, 3, 10) AS three, _bigbrotr.admit_relays(10, 3, 10) AS again;
SELECT url FROM bigbrotr.relays ORDER BY 1;
CALL bigbrotr.delete_relay('wss://a.com');
UPDATE _bigbrotr.named_relays SET admitted_at = NULL;
SELECT _bigbrotr.admit_relays(10, 1, 10);
SELECT relay_url, candidate_state FROM bigbrotr.candidates ORDER BY 1;

-- Caps. One author names many, one site has many names.
SELECT note(9, 100, (SELECT jsonb_agg(jsonb_build_array('r', format('wss://many%s.com', n)))::text FROM generate_series(1, 30) AS n)),
       note(8, 101, (SELECT jsonb_agg(jsonb_build_array('r', format('wss://s%s.site.com', n)))::text FROM generate_series(1, 9) AS n)),
       note(9, 102, '[["r","wss://b.com"]]');
SELECT * FROM _bigbrotr.find_relays(100, 20, 6);
SELECT count(*), sum(author_count) FROM bigbrotr.candidates WHERE relay_url ~ 'many';
SELECT count(*), site FROM bigbrotr.candidates WHERE site = 'site.com' GROUP BY site;
SELECT author_count FROM bigbrotr.candidates WHERE relay_url = 'wss://b.com';
SELECT reason, count(*), sum(mention_count) FROM bigbrotr.candidate_rejects WHERE reason ~ 'limit' GROUP BY 1 ORDER BY 1;
SELECT _bigbrotr.admit_relays(100, 1, 2);
SELECT count(*) FROM bigbrotr.relays WHERE url ~ 'site.com';

-- Lists are named, too.
SELECT * FROM bigbrotr.load_seeds('a list', E'wss://listed.com\nlisted.com\nwss://b.com\nno');
SELECT relay_url, place, source, mention_count FROM bigbrotr.candidate_sources WHERE source <> '' ORDER BY 1;
SELECT relay_url, candidate_state, author_count, listed FROM bigbrotr.candidates WHERE listed ORDER BY 1;
SELECT bigbrotr.add_relay('ws://b.com') > 0 AS added;
SELECT * FROM bigbrotr.relay_aliases;

-- Names that are refused are bounded.
SELECT note(7, 200 + n, (SELECT jsonb_agg(jsonb_build_array('r', format('x%s', n * 300 + k)))::text FROM generate_series(1, 300) AS k)) IS NULL AS refused
FROM generate_series(1, 5) AS n GROUP BY 1;
SELECT events, mentions, refused FROM _bigbrotr.find_relays(100, 100, 100);
SELECT count(*), sum(mention_count), max(mention_count) FILTER (WHERE name = '') AS others FROM bigbrotr.candidate_rejects WHERE reason = 'single_label';

-- A queue that nobody reads stays small; deleted events count for nothing.
SELECT note(5, 1000 + n, '[]') IS NULL AS refused FROM generate_series(1, 1100) AS n GROUP BY 1;
SELECT bigbrotr.delete_events(ARRAY(SELECT event_id FROM bigbrotr.events WHERE created_at = 1500)) IS NULL AS none;
SELECT _bigbrotr.fold_finder_queue() AS folded, count(*) FROM _bigbrotr.finder_queue;
SELECT count(*) AS ranges, sum(upper(r) - lower(r)) AS events FROM _bigbrotr.finder_queue AS q, unnest(q.eids) AS r;
SELECT sum(f.events) FROM generate_series(1, 12) AS n, LATERAL _bigbrotr.find_relays(100 + 0 * n, 100, 100) AS f;
SELECT count(*) FROM _bigbrotr.finder_queue;
DROP FUNCTION note;
SET bigbrotr.allow_drop_extension = on;
DROP EXTENSION bigbrotr;
