-- Jobs (NIP-90): which requests are noted, that each is answered once, and what the answers say.
\pset null null
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never

-- ---- Requests. We are sha256('us') as a public key; the time is 1000000.
CREATE FUNCTION request(name text, tags text, customer text, created_at bigint) RETURNS text LANGUAGE sql AS
	$$ SELECT format('{"id":"%s","pubkey":"%s","created_at":%s,"kind":5400,"tags":%s,"content":"","sig":"%s"}',
		encode(sha256(name::bytea), 'hex'), encode(sha256(customer::bytea), 'hex'), created_at, tags, repeat('0', 128)) $$;
CREATE FUNCTION taken(name text, tags text DEFAULT '[]', customer text DEFAULT 'a', created_at bigint DEFAULT 1000000, is_free boolean DEFAULT true, most integer DEFAULT 3) RETURNS text
	LANGUAGE sql AS $$ SELECT _bigbrotr.take_job(request(name, tags, customer, created_at), 'wss://r.example.com', sha256('us'), most, is_free, 1000000) $$;
SELECT encode(sha256('us'), 'hex') AS us \gset
SELECT taken('one') AS first, taken('one') AS again, taken('old', created_at => 999399) AS old, taken('new', created_at => 1000601) AS future,
       taken('foreign', '[["p", "00"]]') AS foreign, taken('hidden', '[["encrypted"]]') AS for_nobody,
       taken('expired', '[["expiration", "1000000"]]') AS expired, taken('odd', '[["expiration", "soon"]]') AS odd_expiration,
       taken('ours', format('[["encrypted"], ["p", "00"], ["p", "%s"]]', :'us')) AS ours;
SELECT taken('four') AS one_too_many, taken('five') AS more, taken('six', customer => 'b') AS another, taken('paid', customer => 'c', is_free => false) AS priced;
INSERT INTO bigbrotr.deletions VALUES (sha256('gone'), false, sha256('b'), sha256('d'), 1), (sha256('here'), false, sha256('a'), sha256('d'), 1);
SELECT taken('gone', customer => 'b') AS deleted, taken('here', customer => 'b') AS deleted_by_a_stranger;

-- ---- Work. What breaks off is begun again after a minute.
SELECT left(encode(request_id, 'hex'), 8) AS id, relay_url, attempts FROM _bigbrotr.next_job(1000000);
SELECT count(*) AS others FROM generate_series(1, 10) AS n CROSS JOIN LATERAL (SELECT * FROM _bigbrotr.next_job(1000000 + 0 * n)) AS j WHERE j.request_id IS NOT NULL;
SELECT count(j.request_id) AS none FROM _bigbrotr.next_job(1000059) AS j;
SELECT left(encode(request_id, 'hex'), 8) AS id, attempts FROM _bigbrotr.next_job(1000060);
SELECT _bigbrotr.resume_jobs(1000061);
SELECT count(j.request_id) AS again FROM _bigbrotr.next_job(1000061) AS j;
SELECT bigbrotr.pay_job(encode(sha256('paid'), 'hex')) AS paid, bigbrotr.pay_job(encode(sha256('paid'), 'hex')) AS twice, bigbrotr.pay_job(encode(sha256('one'), 'hex')) AS free;
SELECT request_id = sha256('paid') AS is_next FROM _bigbrotr.next_job(1000001);

-- ---- Answers: stored once, sent until a relay has accepted it, or six times.
SELECT _bigbrotr.answer_job(sha256('one'), '{"id":"ab"}', NULL, 1000002) AS answered, _bigbrotr.answer_job(sha256('one'), '{"id":"cd"}', NULL, 1000003) AS twice,
       _bigbrotr.answer_job(sha256('six'), '{"id":"ef"}', 'why', 1000002) AS failed, _bigbrotr.answer_job(sha256('nothing'), '{}', NULL, 1) AS unknown;
SELECT request_id = sha256('one') AS one, answer, request LIKE '{"id":%' AS request FROM _bigbrotr.answers_to_send(10, 1000002) ORDER BY answer;
SELECT count(*) AS none FROM _bigbrotr.answers_to_send(10, 1000061);
SELECT _bigbrotr.answer_sent(sha256('one'), true), _bigbrotr.answer_sent(sha256('six'), false);
SELECT n, (SELECT array_agg(answer) FROM _bigbrotr.answers_to_send(10, 1000002 + 60 * n) AS a) AS due FROM unnest('{1,2,3,6,7,14,15,30,31,32,33}'::bigint[]) AS n;
SELECT _bigbrotr.answer_sent(sha256('six'), false);
SELECT left(encode(request_id, 'hex'), 8) AS id, kind, state, error, answer_id FROM bigbrotr.dvm_jobs ORDER BY request_id;
SELECT _bigbrotr.forget_jobs(1000000 + 86400) AS none, _bigbrotr.forget_jobs(1000001 + 86400) AS unpaid;
SELECT _bigbrotr.forget_jobs(1000000 + 30 * 86400) AS none, _bigbrotr.forget_jobs(1000001 + 30 * 86400) AS all;

-- ---- What the answers say, in the role of the API.
SELECT count(*) FROM (SELECT bigbrotr.insert_events_batch(ARRAY(
	SELECT bigbrotr.sign_event(sha256(('author' || n % 2)::bytea), n % 3, 'note ' || n, format('[["t", "%s"]]', CASE n % 3 WHEN 1 THEN 'nostr' ELSE 'news' END)::bigbrotr.tags, 1700000000 + n)::jsonb
	       || format('{"relay_url": "wss://r%s.example.com", "relay_network": "clearnet", "relay_inserted_at": 1700000000, "seen_at": 1700001000}', n % 4)::jsonb
	FROM generate_series(1, 12) AS n))) AS x;
CREATE FUNCTION job(kind integer, inputs jsonb, content text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	RETURN _bigbrotr.api_job(kind, 5411, inputs, content);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format('%s %s | %s | %s', SQLSTATE, SQLERRM, detail, left(hint, 60));
END
$$;
GRANT USAGE ON SCHEMA public TO bigbrotr_api;
SET SESSION AUTHORIZATION bigbrotr_api;
-- Counts.
SELECT job(5400, '[]') AS all, job(5400, '[["i", "{\"kinds\": [1]}", "text"]]') AS filter, job(5400, '[]', '[{"kinds": [1]}, {"kinds": [2]}]') AS content,
       job(5400, '[["param", "relay", "wss://R1.example.com", "r2.example.com"]]') AS of_relays, job(5400, '[["param", "group", "kind"]]') AS kinds,
       job(5400, '[["param", "group", "t"], ["param", "relay", "wss://r1.example.com"]]') AS tags, job(5400, '[["param", "group", "r"]]') AS nothing;
SELECT count(*) AS authors, sum(value::integer) AS events FROM json_each_text(job(5400, '[["param", "group", "pubkey"]]')::json);
-- Routes of the API.
SELECT job(5411, '[["param", "route", "count"], ["param", "kinds", "1"]]') AS count, job(5411, '[["param", "route", "statistics_kinds"], ["param", "limit", "2"]]') AS page;
SELECT job(5411, jsonb_build_array('["param", "route", "statistics_kinds"]'::jsonb, '["param", "limit", "2"]'::jsonb,
	jsonb_build_array('param', 'cursor', job(5411, '[["param", "route", "statistics_kinds"], ["param", "limit", "2"]]')::json ->> 'next'))) AS next_page;
SELECT json_array_length(job(5411, '[["param", "route", "events_by_filter"], ["i", "{\"kinds\": [1]}"]]')::json -> 'items') AS events,
       json_array_length(job(5411, '[["param", "route", "events_by_filter"]]', '{"kinds": [2], "limit": 3}')::json -> 'items') AS content,
       json_array_length(job(5411, '[["param", "route", "relays"]]')::json -> 'items') AS relays;
-- What goes wrong.
SELECT job(k, i, c) FROM (VALUES
	(5000, '[]'::jsonb, ''), (5400, '{}', ''), (5400, '[1]', ''), (5400, '[["i", "https://x", "url"]]', ''), (5400, '[["i", "{\"kinds\": 1}"]]', ''),
	(5400, '[["param", "relay", "no relay"]]', ''), (5400, '[["param", "group", "a", "b"]]', ''), (5400, '[["param", "group", "''"]]', ''), (5302, '[]', ''), (5302, '[["i", "x"], ["param", "since", "yesterday"]]', ''),
	(5411, '[]', ''), (5411, '[["param", "route", "req"]]', ''), (5411, '[["param", "route", "badge_svg"]]', ''), (5411, '[["param", "route", "event"]]', ''),
	(5411, '[["param", "route", "event"], ["param", "id", "0000000000000000000000000000000000000000000000000000000000000000"]]', ''),
	(5411, '[["param", "route", "events"], ["param", "tags", "{"]]', ''), (5411, '[["param", "route", "events"], ["param", "since", "1; DROP TABLE x"]]', ''),
	(5411, '[["param", "route", "events_by_filter"], ["i", "not JSON"]]', ''), (5411, '[["param", "route", "relays"], ["param", "cursor", "[1"]]', '')
) AS j (k, i, c);
-- What does not fit is left for the next page.
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM (SELECT bigbrotr.insert_events_batch(ARRAY(
	SELECT bigbrotr.sign_event(sha256('author'), 7000 + n, repeat('x', 20000), '[]', 1700000000)::jsonb
	       || '{"relay_url": "wss://r1.example.com", "relay_network": "clearnet", "relay_inserted_at": 1700000000, "seen_at": 1700001000}'::jsonb
	FROM generate_series(1, 3) AS n))) AS x;
SELECT json_array_length(j -> 'items') AS events, j ->> 'next' IS NOT NULL AS more FROM (SELECT job(5411, '[["param", "route", "events"], ["param", "since", "0"], ["param", "kinds", "7001,7002,7003"]]')::json AS j) AS x;

SET bigbrotr.allow_drop_extension = on;
DROP EXTENSION bigbrotr CASCADE;
