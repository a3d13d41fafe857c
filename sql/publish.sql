-- What the publisher sends and when; what other monitors say (NIP-66).
\pset null null
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SELECT bigbrotr.unix_now() AS now \gset

-- When an event is sent again. The last one: content a, accepted at 1000, of second 900.
CREATE FUNCTION may(outcome text, next_attempt bigint, content text, created_at bigint, at bigint) RETURNS boolean LANGUAGE sql AS
	$$ SELECT _bigbrotr.may_publish(ROW('wss://t', 30166, 'wss://s', '', '', 1000, outcome, '', 0, next_attempt, 900, 'a')::_bigbrotr.relay_publications,
		content::bytea, created_at, 3600, 600, at) $$;
SELECT may('accepted', 1000, 'a', 4000, 4599) AS unchanged, may('accepted', 1000, 'a', 4000, 4600) AS period_over, may('accepted', 1000, 'b', 1500, 1599) AS too_soon,
       may('accepted', 1000, 'b', 1500, 1600) AS changed, may('accepted', 1000, 'b', 900, 9999) AS same_visit,
       may('refused', 1200, 'a', 1100, 1199) AS pausing, may('refused', 1200, 'a', 1100, 1200) AS retry, may('failed', 1200, 'a', 900, 1200) AS nothing_new;
SELECT _bigbrotr.may_publish(NULL, 'a', 1, 3600, 600, 1) AS never_sent;

-- Answers are recorded. A refusal costs ever more, a broken connection does not: the connection has a pause of its own.
CREATE FUNCTION answered(outcome text, at bigint) RETURNS text LANGUAGE sql AS $$
	SELECT _bigbrotr.record_publications('wss://t', sha256('monitor'), '{30166}', '{wss://s}', ARRAY[sha256('e')], ARRAY[at], ARRAY['h'::bytea], ARRAY[outcome], '{why}', at);
	SELECT concat_ws(' ', p.outcome, 'failures', p.failures, 'pause', p.next_attempt - p.sent_at, 'accepted', p.accepted_at) FROM _bigbrotr.relay_publications AS p $$;
SELECT answered(o.outcome, 100 * o.n) FROM unnest('{refused,refused,refused,failed,accepted,refused}'::text[]) WITH ORDINALITY AS o (outcome, n);
SELECT relay_url, kind, subject, outcome, detail, failure_count, sent_at = to_timestamp(600) AS sent, next_attempt = to_timestamp(660) AS next FROM bigbrotr.publications;
DELETE FROM _bigbrotr.relay_publications;

-- What may be said of relays: of those that answered at their last visit.
SELECT bigbrotr.add_relay(u) FROM unnest('{wss://free.example.com,wss://closed.example.com/x,wss://down.example.com,wss://old.example.com,wss://bare.example.com,wss://down2.example.com}'::text[]) AS u;
INSERT INTO bigbrotr.relays (url, network, inserted_at) VALUES ('ws://127.0.0.1:7777', 'local', 0);
SELECT _bigbrotr.adopt_visits();
UPDATE _bigbrotr.relay_visits SET owner = 'w';
SELECT _bigbrotr.record_visits('w', '{1,2,3,4,5,6,7}', ARRAY[:now, :now, :now, :now - 20000, :now, :now, :now], '{answered,answered,failed,answered,answered,answered,answered}',
	'{"","",connection_refused,"","","",""}', '{t,t,f,t,t,t,t}', '{t,f,NULL,t,t,t,t}', '{t,f,NULL,NULL,NULL,NULL,NULL}', '{10,20,NULL,1,1,1,1}', '{11,NULL,NULL,1,1,1,1}', '{12,NULL,NULL,NULL,NULL,NULL,NULL}',
	ARRAY['{"supported_nips":[45,1,42,77],"limitation":{"auth_required":true,"min_pow_difficulty":20},"tags":["b","a","x\ny",1,null],"language_tags":["pt-BR","EN","en-419","*","deu",1,null,"i"]}',
	      '{"limitation":{"auth_required":false,"payment_required":true,"restricted_writes":"yes","min_pow_difficulty":0}}', NULL, NULL, NULL, '{"limitation":[],"tags":{},"language_tags":"en"}', NULL],
	ARRAY['{"geo":{"country":"DE","geohash":"u0yjj","as_number":64500},"nips":{"1":true,"11":true,"45":false,"50":true},"write":{"accepted":true,"shown":true}}', '{"geo":{"country":"FR"},"write":{"accepted":false,"reason":"restricted"}}', NULL, NULL, NULL, NULL, NULL],
	ARRAY['{"steps":[]}', '{"steps":[{"step":"read","error":"auth_required"}]}', '{}', '{}', '{}', '{}', '{}'], '{t,t,f,f,f,f,f}', 'normal');
-- It answered, and then it did not.
UPDATE _bigbrotr.relay_visits SET owner = 'w' WHERE relay_id = 6;
SELECT _bigbrotr.record_visits('w', '{6}', ARRAY[:now + 1], '{failed}', '{tls_failed}', '{f}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{"{}"}', '{f}', 'normal');
\x on
SELECT url, network, checked_at = :now AS now, rtt_open, rtt_read, rtt_write, nips, auth, payment, writes, pow, topics, document, geohash, country, as_number, languages
FROM _bigbrotr.relays_to_publish('wss://t', false, 3600, 600, 100, :now + 1) ORDER BY url;
\x off
SELECT url, network FROM _bigbrotr.relays_to_publish('ws://127.0.0.1', true, 3600, 600, 100, :now + 1) WHERE network = 'local';
SELECT count(*) FROM _bigbrotr.relays_to_publish('wss://t', true, 3600, 600, 1, :now + 1);
-- What was accepted is not due, unless it says something else.
SELECT _bigbrotr.record_publications('wss://t', sha256('4'), array_agg(30166), array_agg(url), array_agg(sha256('e')), array_agg(checked_at - 9),
	array_agg(CASE WHEN url ~ 'free' THEN 'other'::bytea ELSE digest END), array_agg('accepted'::text), array_agg(''::text), :now - 1000)
FROM _bigbrotr.relays_to_publish('wss://t', false, 3600, 600, 100, :now + 1);
SELECT url FROM _bigbrotr.relays_to_publish('wss://t', false, 3600, 600, 100, :now + 1);
SELECT count(*) FROM _bigbrotr.relays_to_publish('wss://t', false, 3600, 600, 100, :now + 2600);
SELECT count(*) FROM _bigbrotr.relays_to_publish('wss://t2', false, 3600, 600, 100, :now + 1);
-- The last write check is remembered.
UPDATE _bigbrotr.relay_visits SET owner = 'w' WHERE relay_id = 1;
SELECT _bigbrotr.record_visits('w', '{1}', ARRAY[:now + 2], '{answered}', '{""}', '{t}', '{t}', '{NULL}', '{30}', '{31}', '{NULL}', '{NULL}', '{"{\"nips\":{\"11\":true}}"}', '{"{}"}', '{f}', 'normal');
SELECT v.rtt_write, f.facts -> 'write' AS write FROM _bigbrotr.relay_visits AS v JOIN _bigbrotr.nip66_facts AS f USING (nip66_id) WHERE v.relay_id = 1;
SELECT * FROM _bigbrotr.announcement(:now);
SELECT * FROM _bigbrotr.announcement(:now + 8000);

-- Other monitors. 1 and 2 announce themselves, 3 does not, 4 is this archive's own; 2 is slow.
CREATE FUNCTION say(author integer, kind integer, at bigint, tags text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO bigbrotr.events (created_at, inserted_at, kind, event_id, pubkey, sig, tags, content)
	VALUES (at, at, kind, sha256(concat_ws(' ', author, kind, at, tags)::bytea), sha256(author::text::bytea), sha256('a') || sha256('b'), tags::bigbrotr.tags, '') $$;
SELECT say(1, 10166, :now - 100, '[["frequency","3600"]]'), say(1, 10166, :now - 200, '[["frequency","5"]]'), say(2, 10166, :now, '[["frequency","99999999999"]]'), say(4, 10166, :now, '[]');
SELECT _bigbrotr.record_publications('wss://t', sha256('4'), '{10002}', '{""}', ARRAY[sha256('e')], '{1}', ARRAY['h'::bytea], '{accepted}', '{""}', 1);
SELECT encode(m.pubkey, 'hex') = encode(sha256('1'), 'hex') AS one, m.frequency, m.announced_at = to_timestamp(:now - 100) AS newest FROM bigbrotr.monitors AS m ORDER BY 1 DESC;
SELECT say(a.author, 30166, a.at, format('[["d","%s"]]', a.url)) FROM (VALUES
	(1, :now, 'wss://free.example.com/'), (1, :now - 5000, 'wss://free.example.com'), (2, :now - 4000, 'wss://FREE.example.com'), (3, :now, 'wss://closed.example.com/x'),
	(1, :now - 7300, 'wss://closed.example.com/x'), (1, :now, 'wss://down.example.com/'), (2, :now, 'wss://down.example.com/'), (1, :now, 'wss://unknown.example.com'),
	(4, :now, 'wss://down2.example.com'), (1, :now, 'no relay'), (2, :now + 5000, 'wss://old.example.com')) AS a (author, at, url);
-- Nobody's word counts before somebody is trusted; then that of 5, which never told of anything, changes nothing.
SELECT count(*), max(monitors_seeing) AS seeing, max(trusted_active) AS active, bool_or(quorum) AS quorum, array_agg(DISTINCT verdict) AS verdicts FROM bigbrotr.relay_opinions;
INSERT INTO bigbrotr.trusted_monitors (pubkey) SELECT sha256(n::text::bytea) FROM generate_series(1, 5, 2) AS n;
SELECT relay_url, ours_up, monitors_seeing AS seeing, trusted_seeing AS trusted, trusted_active AS active, quorum, verdict FROM bigbrotr.relay_opinions ORDER BY 1;
INSERT INTO bigbrotr.trusted_monitors (pubkey, remark) VALUES (sha256('2'), 'two');
SELECT relay_url, ours_up, monitors_seeing AS seeing, trusted_seeing AS trusted, trusted_active AS active, quorum, verdict FROM bigbrotr.relay_opinions ORDER BY 1;
INSERT INTO bigbrotr.trusted_monitors (pubkey) VALUES ('');
SELECT trusted, count(*) FROM bigbrotr.monitors GROUP BY 1;

-- What was sent long ago is forgotten.
SELECT _bigbrotr.trim_publications(:now - 1000) AS gone, _bigbrotr.trim_publications(:now - 999) AS the_others, count(*) AS seen FROM _bigbrotr.relay_publications;
DROP FUNCTION may, answered, say;
DROP EXTENSION bigbrotr;
