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
SELECT taken('one') AS first, taken('one') AS again, taken('old', created_at => 999399) AS old, taken('new', created_at => 1000601) AS future, taken('far', created_at => 9223372036854775807) AS end_of_time,
       taken('foreign', '[["p", "00"]]') AS foreign, taken('hidden', '[["encrypted"]]') AS for_nobody,
       taken('expired', '[["expiration", "1000000"]]') AS expired, taken('odd', '[["expiration", "soon"]]') AS odd_expiration,
       taken('ours', format('[["encrypted"], ["p", "00"], ["p", "%s"]]', :'us')) AS ours;
SELECT taken('four') AS one_too_many, taken('five') AS more, taken('six', customer => 'b') AS another, taken('paid', customer => 'c', is_free => false) AS priced;
INSERT INTO bigbrotr.deletions VALUES (sha256('gone'), false, sha256('b'), sha256('d'), 1), (sha256('here'), false, sha256('a'), sha256('d'), 1);
SELECT taken('gone', customer => 'b') AS deleted, taken('here', customer => 'b') AS deleted_by_a_stranger;

-- Kind 5050 is for others, unless it names us and a table.
SELECT tags, _bigbrotr.take_job(replace(request('rows ' || n, tags, 'f', 1000000), '5400', '5050'), 'wss://r.example.com', sha256('us'), 9, true, 1000000) AS taken
FROM unnest(ARRAY['[]', '[["param", "table", "relay"]]', '[["p", "us"]]', '[["p", "us"], ["param", "table", "relay"]]']) WITH ORDINALITY AS t (given, n) CROSS JOIN LATERAL (SELECT replace(given, '"us"', format('"%s"', :'us'))) AS r (tags);
DELETE FROM _bigbrotr.job_requests WHERE kind = 5050;

-- ---- Work. What breaks off is begun again after a minute.
SELECT left(encode(request_id, 'hex'), 8) AS id, relay_url, attempts FROM _bigbrotr.next_job(1000000);
SELECT count(*) AS others FROM generate_series(1, 10) AS n CROSS JOIN LATERAL (SELECT * FROM _bigbrotr.next_job(1000000 + 0 * n)) AS j WHERE j.request_id IS NOT NULL;
SELECT count(j.request_id) AS none FROM _bigbrotr.next_job(1000059) AS j;
SELECT left(encode(request_id, 'hex'), 8) AS id, attempts FROM _bigbrotr.next_job(1000060);
SELECT _bigbrotr.resume_jobs(1000061);
SELECT count(j.request_id) AS again FROM _bigbrotr.next_job(1000061) AS j;
-- One too many waits to be told so; a price is asked before, and sent until a relay has accepted it.
SELECT left(encode(request_id, 'hex'), 8) AS id, state, error FROM _bigbrotr.job_requests WHERE request_id IN (sha256('four'), sha256('paid')) ORDER BY state;
SELECT request_id = sha256('paid') AS is_paid, is_unpaid, error FROM generate_series(1, 10) AS n CROSS JOIN LATERAL (SELECT * FROM _bigbrotr.next_job(1000121 + 0 * n)) AS j WHERE j.is_unpaid OR j.error <> '' ORDER BY 1;
SELECT _bigbrotr.price_job(sha256('paid'), '{"id":"01"}', 5000, 1000122) AS priced, _bigbrotr.price_job(sha256('paid'), '{"id":"02"}', 5000, 1000122) AS twice, _bigbrotr.price_job(sha256('one'), '{"id":"03"}', 5000, 1000122) AS free;
SELECT count(*) FILTER (WHERE j.is_unpaid) AS priced_already FROM generate_series(1, 10) AS n CROSS JOIN LATERAL (SELECT * FROM _bigbrotr.next_job(1000301 + 0 * n)) AS j;
SELECT request_id = sha256('paid') AS paid, answer, is_posted FROM _bigbrotr.answers_to_send(10, 1000301);
SELECT _bigbrotr.answer_sent(sha256('paid'), '\x02', true);
SELECT answer AS not_that_one FROM _bigbrotr.answers_to_send(10, 1000361);
SELECT _bigbrotr.answer_sent(sha256('paid'), '\x01', true);
SELECT count(*) AS none FROM _bigbrotr.answers_to_send(10, 2000000);
SELECT bigbrotr.pay_job(encode(sha256('paid'), 'hex')) AS paid, bigbrotr.pay_job(encode(sha256('paid'), 'hex')) AS twice, bigbrotr.pay_job(encode(sha256('one'), 'hex')) AS free;
SELECT request_id = sha256('paid') AS is_next, attempts FROM _bigbrotr.next_job(1000001);

-- ---- Answers: stored once, sent until a relay has accepted it, or six times.
SELECT _bigbrotr.answer_job(sha256('one'), '{"id":"ab"}', NULL, 1000002) AS answered, _bigbrotr.answer_job(sha256('one'), '{"id":"cd"}', NULL, 1000003) AS twice,
       _bigbrotr.answer_job(sha256('six'), '{"id":"ef"}', 'why', 1000002) AS failed, _bigbrotr.answer_job(sha256('nothing'), '{}', NULL, 1) AS unknown;
SELECT request_id = sha256('one') AS one, answer, request LIKE '{"id":%' AS request FROM _bigbrotr.answers_to_send(10, 1000002) ORDER BY answer;
SELECT count(*) AS none FROM _bigbrotr.answers_to_send(10, 1000061);
SELECT _bigbrotr.answer_sent(sha256('one'), '\xab', true), _bigbrotr.answer_sent(sha256('six'), '\xef', false);
SELECT n, (SELECT array_agg(answer) FROM _bigbrotr.answers_to_send(10, 1000002 + 60 * n) AS a) AS due FROM unnest('{1,2,3,6,7,14,15,30,31,32,33}'::bigint[]) AS n;
SELECT _bigbrotr.answer_sent(sha256('six'), '\xef', false);
SELECT left(encode(request_id, 'hex'), 8) AS id, kind, state, error, answer_id FROM bigbrotr.dvm_jobs ORDER BY request_id;
SELECT taken('unpaid', customer => 'e', is_free => false) AS unpaid;
SELECT _bigbrotr.forget_jobs(1000000 + 3600) AS none, _bigbrotr.forget_jobs(1000001 + 3600) AS unpaid;
-- Who posted a request fetches the answer, for an hour.
SELECT _bigbrotr.take_job(request('posted', '[]', 'd', 1000000), '', sha256('us'), 3, false, 1000000) AS posted;
SELECT item ->> 'state' AS state, item -> 'events' AS events FROM _bigbrotr.api_job_state(encode(sha256('posted'), 'hex'));
SELECT _bigbrotr.price_job(sha256('posted'), '{"id":"04"}', 5000, 1000000) AS priced, bigbrotr.pay_job(encode(sha256('posted'), 'hex')) AS paid, _bigbrotr.answer_job(sha256('posted'), '{"id":"05"}', NULL, 1000010) AS answered;
SELECT answer, is_posted FROM _bigbrotr.answers_to_send(10, 1000010) WHERE request_id = sha256('posted');
SELECT _bigbrotr.answer_sent(sha256('posted'), '\x05', true);
SELECT item ->> 'state' AS state, item -> 'events' AS events FROM _bigbrotr.api_job_state(encode(sha256('posted'), 'hex'));
SELECT _bigbrotr.forget_jobs(1000010 + 3600) AS none;
SELECT item ->> 'state' AS state, item -> 'events' AS events FROM _bigbrotr.api_job_state(encode(sha256('posted'), 'hex'));
SELECT _bigbrotr.forget_jobs(1000011 + 3600) AS none;
SELECT j.item AS job, d.answer_id FROM _bigbrotr.api_job_state(encode(sha256('posted'), 'hex')) AS j JOIN bigbrotr.dvm_jobs AS d ON d.request_id = sha256('posted');
SELECT count(*) AS unknown FROM _bigbrotr.api_job_state(repeat('0', 64));
SELECT _bigbrotr.forget_jobs(1000000 + 30 * 86400) AS none, _bigbrotr.forget_jobs(1000001 + 30 * 86400) AS all;

-- ---- Payments by zaps (NIP-57). The invoice is of 250000000 millisatoshi.
CREATE FUNCTION zapped(job text, wanted text, zapper text DEFAULT 'zapper', receiver text DEFAULT encode(sha256('us'), 'hex'), amount text DEFAULT '250000000', kind integer DEFAULT 9734, price bigint DEFAULT 250000000) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	invoice CONSTANT text := 'lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpuaztrnwngzn3kdzw5hydlzf03qdgm2hdq27cqv3agm2awhz5se903vruatfhq77w3ls4evs3ch9zw97j25emudupq63nyw24cg27h2rspfj9srp';
	description CONSTANT text := bigbrotr.sign_event(sha256('customer'), kind, '', jsonb_build_array(jsonb_build_array('e', wanted), jsonb_build_array('p', receiver), jsonb_build_array('amount', amount))::text::bigbrotr.tags, 1000000);
	paid boolean;
BEGIN
	PERFORM taken(job, customer => job, is_free => false), _bigbrotr.price_job(sha256(job::bytea), format('{"id":"%s"}', encode(sha256('price'), 'hex')), price, 1000000);
	paid := _bigbrotr.take_zap(bigbrotr.sign_event(sha256(zapper::bytea), 9735, '', jsonb_build_array(jsonb_build_array('bolt11', invoice), jsonb_build_array('description', description))::text::bigbrotr.tags, 1000000),
		bigbrotr.public_key(sha256('zapper')), sha256('us'));
	RETURN format('%s %s', paid, (SELECT j.state FROM _bigbrotr.job_requests AS j WHERE j.request_id = sha256(job::bytea)));
END
$$;
SELECT zapped('z1', encode(sha256('z1'), 'hex')) AS of_the_request, zapped('z1', encode(sha256('z1'), 'hex')) AS twice, zapped('z2', encode(sha256('price'), 'hex')) AS of_the_feedback;
SELECT zapped('z3', encode(sha256('z3'), 'hex'), price => 250000001) AS too_little, zapped('z4', encode(sha256('z1'), 'hex')) AS of_another, zapped('z5', encode(sha256('z5'), 'hex'), zapper => 'somebody') AS of_a_stranger,
       zapped('z6', encode(sha256('z6'), 'hex'), receiver => repeat('0', 64)) AS to_another, zapped('z7', encode(sha256('z7'), 'hex'), amount => '249999999') AS other_amount, zapped('z8', encode(sha256('z8'), 'hex'), kind => 9735) AS no_zap_request, zapped('z9', 'x') AS of_nothing;
SELECT _bigbrotr.take_zap('{}', '\x', '\x') AS nothing, _bigbrotr.take_zap(bigbrotr.sign_event(sha256('zapper'), 9735, '', '[["bolt11", "lnbc1"], ["description", "{}"]]', 1), bigbrotr.public_key(sha256('zapper')), '\x') AS rubbish;

-- ---- Requests that are posted to the API: what is refused, and with which SQLSTATE. The dvm service does not run here.
CREATE FUNCTION posted(body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	RETURN (SELECT item ->> 'state' FROM _bigbrotr.post_job(body::json));
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format('%s %s | %s | %s', SQLSTATE, SQLERRM, detail, left(hint, 60));
END
$$;
SELECT bigbrotr.sign_event(sha256('author'), 5400, '', '[]', bigbrotr.unix_now()) AS signed \gset
SELECT posted('{}') AS nothing, posted(replace(:'signed', '5400', '5401')) AS forged, posted(jsonb_build_object('x', repeat('x', 32768))::text) AS large;
SELECT posted(:'signed') AS never_ran;
SELECT _bigbrotr.note_job_provider(sha256('us'), '{5400}');
SELECT posted(:'signed') AS does_not_run, (SELECT count(*) FROM _bigbrotr.job_requests) AS noted;

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
-- The form of BigBrotr's own jobs.
SELECT job(5050, '[["param", "table", "relay"], ["param", "filter", "network=clearnet,url=ILIKE:%R1%"], ["param", "sort", "url:desc"]]') AS relays;
SELECT a -> 'meta' AS meta, (SELECT json_agg(d -> 'content') FROM json_array_elements(a -> 'data') AS d) AS contents FROM (SELECT job(5050, '[["param", "read_model", "event"], ["param", "filter", "kind=1,created_at=>:1700000003"], ["param", "sort", "created_at"], ["param", "limit", "2"], ["param", "offset", "1"]]')::json AS a) AS x;
SELECT (SELECT string_agg(k, ' ' ORDER BY k) FROM json_object_keys(a #> '{data,0}') AS k) AS columns, a #>> '{data,0,content}' AS content FROM (SELECT job(5050, jsonb_build_array('["param", "table", "event"]'::jsonb, jsonb_build_array('param', 'filter', 'id=' || (SELECT encode(event_id, 'hex') FROM bigbrotr.events WHERE content = 'note 4'))))::json AS a) AS x;
-- What goes wrong.
SELECT job(k, i, c) FROM (VALUES
	(5000, '[]'::jsonb, ''), (5400, '{}', ''), (5400, '[1]', ''), (5400, '[["i", "https://x", "url"]]', ''), (5400, '[["i", "{\"kinds\": 1}"]]', ''),
	(5400, '[["param", "relay", "no relay"]]', ''), (5400, '[["param", "group", "a", "b"]]', ''), (5400, '[["param", "group", "''"]]', ''), (5302, '[]', ''), (5302, '[["i", "x"], ["param", "since", "yesterday"]]', ''),
	(5411, '[]', ''), (5411, '[["param", "route", "req"]]', ''), (5411, '[["param", "route", "badge_svg"]]', ''), (5411, '[["param", "route", "event"]]', ''),
	(5411, '[["param", "route", "event"], ["param", "id", "0000000000000000000000000000000000000000000000000000000000000000"]]', ''),
	(5411, '[["param", "route", "events"], ["param", "tags", "{"]]', ''), (5411, '[["param", "route", "events"], ["param", "since", "1; DROP TABLE x"]]', ''),
	(5050, '[]', ''), (5050, '[["param", "table", "pg_shadow"]]', ''), (5050, '[["param", "table", "event"], ["param", "filter", "x=1"]]', ''), (5050, '[["param", "table", "event"], ["param", "filter", "id=xyz"]]', ''),
	(5050, '[["param", "table", "event"], ["param", "filter", "kind=1 OR true"]]', ''), (5050, '[["param", "table", "relay"], ["param", "sort", "url:up"]]', ''), (5050, '[["param", "table", "relay"], ["param", "limit", "x"]]', ''),
	(5050, '[["param", "table", "relay"], ["param", "filter", "url='' OR true --"]]', ''), (5300, '[["param", "max_results", "x"]]', ''), (5300, '[["i", "x", "event"]]', ''),
	(5411, '[["param", "route", "events_by_filter"], ["i", "not JSON"]]', ''), (5411, '[["param", "route", "relays"], ["param", "cursor", "[1"]]', '')
) AS j (k, i, c);
-- What does not fit is left for the next page.
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM (SELECT bigbrotr.insert_events_batch(ARRAY(
	SELECT bigbrotr.sign_event(sha256('author'), 7000 + n, repeat('x', 20000), '[]', 1700000000)::jsonb
	       || '{"relay_url": "wss://r1.example.com", "relay_network": "clearnet", "relay_inserted_at": 1700000000, "seen_at": 1700001000}'::jsonb
	FROM generate_series(1, 3) AS n))) AS x;
SELECT json_array_length(j -> 'items') AS events, j ->> 'next' IS NOT NULL AS more FROM (SELECT job(5411, '[["param", "route", "events"], ["param", "since", "0"], ["param", "kinds", "7001,7002,7003"]]')::json AS j) AS x;
-- What others react to: distinct authors count, and words are searched for.
SELECT count(*) FROM (SELECT bigbrotr.insert_events_batch(ARRAY(
	SELECT bigbrotr.sign_event(sha256(('fan' || n)::bytea), CASE n WHEN 1 THEN 6 ELSE 7 END, '+', format('[["e", "%s"], ["e", "%s"]]', repeat('0', 64),
	       (SELECT encode(event_id, 'hex') FROM bigbrotr.events WHERE content = CASE WHEN n <= 2 THEN 'note 1' WHEN n <= 5 THEN 'note 4' ELSE 'note 2' END))::bigbrotr.tags, 1700000100 + n)::jsonb
	       || '{"relay_url": "wss://r1.example.com", "relay_network": "clearnet", "relay_inserted_at": 1700000000, "seen_at": 1700001000}'::jsonb
	FROM generate_series(1, 9) AS n))) AS x;
SET SESSION AUTHORIZATION bigbrotr_api;
SELECT e.content, t ->> 0 AS tag, t ->> 2 AS relay FROM json_array_elements(job(5300, '[["param", "user", "x"]]')::json) WITH ORDINALITY AS a (t, n) JOIN bigbrotr.events AS e ON e.event_id = decode(t ->> 1, 'hex') ORDER BY n;
SELECT json_array_length(job(5300, '[["param", "max_results", "1"]]')::json) AS one;
RESET SESSION AUTHORIZATION;

SET bigbrotr.allow_drop_extension = on;
DROP EXTENSION bigbrotr CASCADE;
