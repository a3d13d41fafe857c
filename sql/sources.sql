-- Lists of relays on the web: which are fetched when, and what becomes of the names in them.
\pset null null
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE EXTENSION bigbrotr;

-- Nothing is fetched unless an administrator says so.
SELECT url, path, source_state FROM bigbrotr.relay_sources ORDER BY 1;
SELECT * FROM _bigbrotr.take_relay_sources(10, 1000, 600);
SELECT bigbrotr.enable_relay_source('https://api.nostr.watch/v1/online');
SELECT bigbrotr.add_relay_source('HTTPS://Lists.Example.COM:443/a?b=c#d', '$.relays[*].url', '1 hour', 1000, 5);
SELECT bigbrotr.add_relay_source('http://lines.com', NULL);
SELECT bigbrotr.add_relay_source('http://lines.com/', NULL, '2 hours');
SELECT url, path, source_state, fetch_interval, max_bytes, max_names, failures, next_fetch = to_timestamp(0) AS due FROM bigbrotr.relay_sources ORDER BY source_state, url;
SELECT * FROM _bigbrotr.take_relay_sources(2, 1000, 600) ORDER BY url;
SELECT url FROM _bigbrotr.take_relay_sources(10, 1000, 600);
SELECT url FROM _bigbrotr.take_relay_sources(10, 1599, 600);
SELECT url FROM _bigbrotr.take_relay_sources(10, 1600, 600) ORDER BY url;

-- What is no list.
SELECT bigbrotr.add_relay_source(url) FROM unnest(ARRAY['wss://a.com']) AS url;
SELECT bigbrotr.add_relay_source('https://user:password@a.com/');
SELECT bigbrotr.add_relay_source('https://a.com/ b');
SELECT bigbrotr.add_relay_source('https:///a');
SELECT bigbrotr.add_relay_source('https://a.com/' || repeat('x', 2000)) IS NULL;
SELECT bigbrotr.add_relay_source(NULL);
SELECT bigbrotr.add_relay_source('http://169.254.169.254/latest');
SELECT bigbrotr.add_relay_source('http://localhost/');
SELECT bigbrotr.add_relay_source('https://a.com/', path) FROM unnest(ARRAY['$.a ? (@ > 1)']) AS path;
SELECT bigbrotr.add_relay_source('https://a.com/', 'relays');
SELECT bigbrotr.add_relay_source('https://a.com/', fetch_interval => '1 second');
SELECT bigbrotr.add_relay_source('https://a.com/', max_bytes => 100000000);
SELECT bigbrotr.add_relay_source('https://a.com/', max_names => NULL);
SELECT bigbrotr.add_relay_source(format('https://a.com/%s', n)) IS NULL FROM generate_series(1, 100) AS n;
SELECT bigbrotr.enable_relay_source('https://unknown.com/');
SELECT bigbrotr.disable_relay_source('https://nostr.watch/relays.json');
SELECT bigbrotr.remove_relay_source('https://unknown.com/');
-- Every path that is accepted is one that PostgreSQL understands.
SELECT p, p::jsonpath FROM unnest(ARRAY['$', '$[*]', '$[0]', '$.relays.*[*]', '$."a b"[3].c_d']) AS p;

-- Names count as names in events do.
SELECT bigbrotr.add_relay('wss://known.com') > 0 AS added;
SELECT bigbrotr.add_relay('wss://deleted.com') > 0 AS added;
CALL bigbrotr.delete_relay('wss://deleted.com');
SELECT _bigbrotr.record_fetch('https://lists.example.com/a?b=c', 2000, 200, '', '', '"1"', '', ARRAY['wss://new.com/', 'new.com', 'https://known.com', 'wss://deleted.com',
	'no relay', 'no relay', '', '10.0.0.1', 'nsec1abc', 'wss://a.site.com', 'wss://b.site.com', 'wss://c.site.com'], 3, 2);
SELECT source_state, http_status, last_error, failures, named, refused, fetched_at = read_at AS same, next_fetch - fetched_at AS later, etag FROM bigbrotr.relay_sources WHERE url ~ 'lists';
SELECT relay_url, candidate_state, author_count, listed, mention_count FROM bigbrotr.candidates ORDER BY 1;
SELECT relay_url, place, source, mention_count, extract(epoch FROM first_seen) AS first, extract(epoch FROM last_seen) AS last FROM bigbrotr.candidate_sources ORDER BY 1;
SELECT reason, name, mention_count FROM bigbrotr.candidate_rejects ORDER BY 1, 2;
-- They become relays, those with authors first, as far as their site has room; what was deleted stays away.
SELECT _bigbrotr.admit_relays(10, 3, 1);
SELECT url FROM bigbrotr.relays ORDER BY 1;
SELECT relay_url, candidate_state FROM bigbrotr.candidates ORDER BY 1;

-- A second reading, one that changed nothing, failures, and one that is good again.
SELECT _bigbrotr.record_fetch('https://lists.example.com/a?b=c', 3000, 200, '', '', '"2"', 'today', ARRAY['wss://new.com'], 0, 2);
SELECT _bigbrotr.record_fetch('https://lists.example.com/a?b=c', 4000, 304, '', '', '', '', NULL, 0, 2);
SELECT relay_url, mention_count, extract(epoch FROM last_seen) AS last FROM bigbrotr.candidate_sources WHERE relay_url = 'wss://new.com';
SELECT source_state, http_status, named, refused, etag, modified_at, extract(epoch FROM read_at) AS read FROM bigbrotr.relay_sources WHERE url ~ 'lists';
SELECT n, _bigbrotr.record_fetch('https://lists.example.com/a?b=c', 5000, 404, 'http_error', 'HTTP status 404', '', '', NULL, 0, 2) AS added,
       (SELECT string_agg(next_fetch::text, '') FROM _bigbrotr.relay_fetches WHERE url ~ 'lists') AS before FROM generate_series(1, 3) AS n;
SELECT source_state, http_status, last_error, failures, named, etag, extract(epoch FROM fetched_at) AS fetched, extract(epoch FROM read_at) AS read, next_fetch - fetched_at AS later
FROM bigbrotr.relay_sources WHERE url ~ 'lists';
SELECT count(_bigbrotr.record_fetch('https://lists.example.com/a?b=c', 5000, 0, 'too_large', 'more than 1000 bytes', '', '', NULL, 0, 2)) FROM generate_series(1, 30);
SELECT last_error, failures, next_fetch - fetched_at AS later FROM bigbrotr.relay_sources WHERE url ~ 'lists';
SELECT _bigbrotr.record_fetch('https://lists.example.com/a?b=c', 6000, 200, '', '', '', '', '{}', 0, 2);
SELECT source_state, last_error, failures, named, refused, etag, next_fetch - fetched_at AS later FROM bigbrotr.relay_sources WHERE url ~ 'lists';

-- Disabled, enabled, removed while it is fetched.
SELECT bigbrotr.disable_relay_source('https://lists.example.com/a?b=c');
SELECT source_state, next_fetch FROM bigbrotr.relay_sources WHERE url ~ 'lists';
SELECT count(*) FROM _bigbrotr.take_relay_sources(10, 100000, 600) WHERE url ~ 'lists';
SELECT bigbrotr.enable_relay_source('https://LISTS.example.com/a?b=c');
SELECT url, etag FROM _bigbrotr.take_relay_sources(10, 200000, 600) WHERE url ~ 'lists';
SELECT bigbrotr.remove_relay_source('https://lists.example.com/a?b=c');
SELECT _bigbrotr.record_fetch('https://lists.example.com/a?b=c', 7000, 200, '', '', '', '', '{wss://late.com}', 0, 2);
SELECT count(*) FROM bigbrotr.candidates WHERE relay_url = 'wss://late.com';
SELECT bigbrotr.remove_relay_source('https://api.nostr.watch/v1/online');
SELECT url, source_state FROM bigbrotr.relay_sources ORDER BY 1;

-- Administrators only.
SET ROLE bigbrotr_worker;
SELECT bigbrotr.add_relay_source('https://a.com/');
SET ROLE bigbrotr_admin;
SELECT bigbrotr.add_relay_source('https://a.com/');
SELECT bigbrotr.disable_relay_source('https://a.com/');
SELECT bigbrotr.enable_relay_source('https://a.com/');
SELECT bigbrotr.remove_relay_source('https://a.com/');
RESET ROLE;
SET bigbrotr.allow_drop_extension = on;
DROP EXTENSION bigbrotr;
