# Which events are current and which are visible, of random events that supersede, delete and vanish each other in random
# order: against the plain definition, by the direct way in and by SQL.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = archive_server('facts', 'bigbrotr.databases' => '');
# Small worlds: a few authors, seconds, identifiers, so that nearly all concern each other.
$node->safe_psql('postgres', q{
	CREATE FUNCTION one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT choices[1 + floor(random() * cardinality(choices))::integer]';
	CREATE FUNCTION author() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT encode(sha256(one_of('a', 'b', 'c', 'd')::bytea), 'hex') $$;
	CREATE FUNCTION some_tag(kind integer) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
	BEGIN
		RETURN CASE one_of('d', 'd', 'p', 'expiration', 'e', 'a', 'a', 'relay')
			WHEN 'd' THEN CASE WHEN random() < 0.1 THEN '["d"]'::jsonb ELSE jsonb_build_array('d', one_of('', 'x', 'y:z')) END
			WHEN 'p' THEN jsonb_build_array('p', author())
			WHEN 'expiration' THEN CASE WHEN random() < 0.2 THEN jsonb_build_array('expiration', one_of('1', '99999999999', 'soon', '-1', '', '99999999999999999999')) ELSE '["x"]'::jsonb END
			WHEN 'relay' THEN CASE WHEN kind = 62 AND random() < 0.3 THEN '["relay", "ALL_RELAYS"]'::jsonb ELSE '["relay", "wss://relay.example.com"]' END
			WHEN 'e' THEN jsonb_build_array('e', one_of(encode(sha256(floor(random() * 1000)::text::bytea), 'hex'), 'no id'))
			ELSE jsonb_build_array('a', one_of('0', '10002', '30023', '30024') || ':' || author() || one_of('', ':', ':x', ':y:z')) END;
	END
	$$;
	CREATE FUNCTION some_tags(kind integer, count integer) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
		SELECT coalesce(jsonb_agg(some_tag(kind)), '[]') FROM generate_series(1, count)
	$$;
	CREATE TABLE made (n integer, event_id bytea, pubkey bytea, created_at bigint, kind integer, tags jsonb);
	-- Deletions reach back only a little, else little would stand.
	CREATE FUNCTION make() RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		TRUNCATE made, bigbrotr.events, bigbrotr.deletions, bigbrotr.vanish_requests;
		INSERT INTO made
		SELECT n, sha256(n::text::bytea), decode(author(), 'hex'), CASE WHEN kind = 62 THEN random() * 5 ELSE random() * 40 END, kind,
		       some_tags(kind, floor(random() * 5)::integer)
		FROM (SELECT n, one_of('0', '1', '1', '5', '62', '1059', '10002', '30023', '30024')::integer AS kind FROM generate_series(1, 700) AS n OFFSET 0) AS k;
		PERFORM _bigbrotr.insert_verified_events(array_agg(event_id), array_agg(pubkey), array_agg(created_at), array_agg(kind), array_agg(tags::text), array_agg(''::text),
			array_agg(sha256('a') || sha256('b')), array_agg(NULL::bytea), '{}', '{}', '{}', 1)
		FROM (SELECT m.*, row_number() OVER (ORDER BY random()) / 50 AS batch FROM made AS m) AS m GROUP BY batch;
	END
	$$;
	CREATE FUNCTION tag(tags jsonb, wanted text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
		SELECT t ->> 1 FROM jsonb_array_elements(tags) WITH ORDINALITY AS x (t, n) WHERE t ->> 0 = wanted ORDER BY n LIMIT 1
	$$;
	CREATE VIEW addressed AS SELECT m.*,
		CASE WHEN kind IN (0, 10002) THEN kind || ':' || encode(pubkey, 'hex') || ':'
		     WHEN kind >= 30000 THEN kind || ':' || encode(pubkey, 'hex') || ':' || coalesce(tag(tags, 'd'), '') END AS address
	FROM made AS m;
	CREATE VIEW expected AS SELECT m.event_id,
		NOT EXISTS (SELECT FROM addressed AS n WHERE n.address = m.address
			AND (n.created_at > m.created_at OR n.created_at = m.created_at AND n.event_id < m.event_id)) AS current,
		NOT (coalesce(CASE WHEN tag(m.tags, 'expiration') ~ '^\d{1,18}$' THEN tag(m.tags, 'expiration')::bigint <= bigbrotr.unix_now() END, false)
			OR m.kind NOT IN (5, 62) AND EXISTS (
				SELECT FROM made AS d, jsonb_array_elements(d.tags) AS t
				WHERE d.kind = 5 AND (d.pubkey = m.pubkey OR m.kind = 1059 AND m.tags @> jsonb_build_array(jsonb_build_array('p', encode(d.pubkey, 'hex'))))
				      AND (t ->> 0 = 'e' AND t ->> 1 = encode(m.event_id, 'hex')
				           OR t ->> 0 = 'a' AND m.address IN (t ->> 1, t ->> 1 || ':') AND m.created_at <= d.created_at))
			OR m.kind <> 62 AND EXISTS (
				SELECT FROM made AS v WHERE v.kind = 62 AND v.tags @> '[["relay", "ALL_RELAYS"]]' AND m.created_at <= v.created_at
				AND (v.pubkey = m.pubkey OR m.kind = 1059 AND m.tags @> jsonb_build_array(jsonb_build_array('p', encode(v.pubkey, 'hex')))))) AS standing
	FROM addressed AS m;
	CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
});

for my $way ('directly', 'by SQL')
{
	$node->safe_psql('postgres', 'CREATE TRIGGER mine AFTER INSERT ON bigbrotr.events EXECUTE FUNCTION nothing()') if $way eq 'by SQL';
	for my $seed (1 .. 2)
	{
		$node->safe_psql('postgres', "SELECT setseed(0.$seed); SELECT make()");
		is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), '700', "$way, $seed: all are stored");
		is($node->safe_psql('postgres', q{
			SELECT count(*) FROM expected AS x JOIN bigbrotr.events AS e USING (event_id)
			WHERE x.current <> bigbrotr.is_current(e.event_id, e.pubkey, e.created_at, e.kind, e.tags)
			   OR x.current <> (e.eid IN (SELECT eid FROM bigbrotr.events_current))}), '0', "$way, $seed: what is current");
		is($node->safe_psql('postgres', q{
			SELECT count(*) FROM expected AS x JOIN bigbrotr.events AS e USING (event_id)
			WHERE x.standing <> bigbrotr.is_visible(e.event_id, e.pubkey, e.created_at, e.kind, e.tags)
			   OR x.standing <> (e.eid IN (SELECT eid FROM bigbrotr.events_visible))}), '0', "$way, $seed: what stands");
		is($node->safe_psql('postgres', q{
			(SELECT event_id FROM expected WHERE current AND standing) EXCEPT ALL (SELECT event_id FROM bigbrotr.query_events('{}'))
			UNION ALL (SELECT event_id FROM bigbrotr.query_events('{}') EXCEPT ALL SELECT event_id FROM expected WHERE current AND standing)}), '', "$way, $seed: what is answered");
		my ($old, $withdrawn, $published) = split /\|/, $node->safe_psql('postgres',
			'SELECT count(*) FILTER (WHERE NOT current), count(*) FILTER (WHERE NOT standing), count(*) FILTER (WHERE current AND standing) FROM expected');
		ok($old > 50 && $withdrawn > 50 && $published > 50, "$way, $seed: $old superseded, $withdrawn withdrawn, $published published");
		is($node->safe_psql('postgres', 'CALL bigbrotr.delete_withdrawn()'), $withdrawn, "$way, $seed: what is withdrawn is really deleted on demand");
	}
}
$node->stop;
done_testing();
