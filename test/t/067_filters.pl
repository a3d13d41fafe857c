# Random filters over real events: by indexes and by the slow reference, the answers are the same.
# BIGBROTR_FILTERS says how many (100000 take half an hour).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $filters = $ENV{BIGBROTR_FILTERS} // 1000;
my $node = archive_server('filters', 'bigbrotr.databases' => '');
my $lines = $node->basedir . '/events.jsonl';
if (my $real = shared_data('events-valid.jsonl.gz'))
{
	system("gzip -dc '$real' > '$lines'") == 0 or die 'gzip failed';
}
else
{
	note 'the real events are not there: made ones are used';
	append_to_file($lines, corpus(qw(--seed 3 --authors 100 7000)));
}
$node->safe_psql('postgres', "CALL bigbrotr.import_events('$lines')");
$node->safe_psql('postgres', 'VACUUM ANALYZE bigbrotr.events');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), '>=', 7000, 'events are there');

$node->safe_psql('postgres', q{
	CREATE TABLE flags AS
	SELECT e.eid, e.eid IN (SELECT eid FROM bigbrotr.events_visible) AS standing,
	       e.eid IN (SELECT eid FROM bigbrotr.events_current) AS current
	FROM bigbrotr.events AS e;
	CREATE TABLE numbered AS SELECT row_number() OVER (ORDER BY event_id) AS n, e.* FROM bigbrotr.events AS e;
	ALTER TABLE numbered ADD PRIMARY KEY (n);
	ANALYZE flags, numbered;

	CREATE FUNCTION picked(most integer) RETURNS SETOF numbered LANGUAGE sql VOLATILE AS $$
		SELECT e.* FROM (SELECT 1 + floor(random() * (SELECT count(*) FROM numbered))::bigint AS n
		                 FROM generate_series(1, 1 + floor(random() * most)::integer)) AS r
		       JOIN numbered AS e USING (n)
	$$;
	-- Its conditions come from a few events, so that they often meet.
	CREATE FUNCTION random_filter() RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
	DECLARE
		filter jsonb := '{}';
		one numbered;
		tag record;
	BEGIN
		SELECT * INTO one FROM picked(1) LIMIT 1;
		IF random() < 0.1 THEN
			filter := filter || (SELECT jsonb_build_object('ids', jsonb_agg(encode(event_id, 'hex')) || to_jsonb(encode(one.event_id, 'hex'))) FROM picked(20));
		END IF;
		IF random() < 0.4 THEN
			filter := filter || (SELECT jsonb_build_object('authors', jsonb_agg(encode(pubkey, 'hex')) || to_jsonb(encode(one.pubkey, 'hex')))
				FROM picked(CASE WHEN random() < 0.3 THEN 60 ELSE 2 END));
		END IF;
		IF random() < 0.4 THEN
			filter := filter || (SELECT jsonb_build_object('kinds', jsonb_agg(kind) || to_jsonb(one.kind)) FROM picked(CASE WHEN random() < 0.3 THEN 40 ELSE 2 END));
		END IF;
		FOR tag IN SELECT t->>0 AS name, t->>1 AS value FROM jsonb_array_elements(one.tags) AS t
		           WHERE t->>0 ~ '^[a-zA-Z]$' AND t->>1 IS NOT NULL AND (t->>0 NOT IN ('e', 'p') OR t->>1 ~ '^[0-9a-f]{64}$')
		           ORDER BY random() LIMIT floor(random() * 3)
		LOOP
			filter := filter || jsonb_build_object('#' || tag.name, jsonb_build_array(tag.value, repeat('0', 64)));
		END LOOP;
		IF random() < 0.3 THEN
			filter := filter || jsonb_build_object('since', one.created_at - floor(random() * random() * 1e8)::bigint);
		END IF;
		IF random() < 0.3 THEN
			filter := filter || jsonb_build_object('until', one.created_at + floor(random() * random() * 1e8)::bigint);
		END IF;
		IF (filter->>'since')::bigint < 0 THEN
			filter := filter - 'since';
		END IF;
		IF random() < 0.7 THEN
			filter := filter || jsonb_build_object('limit', floor(random() * random() * 200)::bigint);
		END IF;
		RETURN filter;
	END
	$$;
	-- With a generic plan the filter is no constant: event_matches runs for every event.
	CREATE FUNCTION reference(filter jsonb, as_seen boolean) RETURNS bytea[] LANGUAGE plpgsql
		SET plan_cache_mode = force_generic_plan AS $$
	BEGIN
		RETURN ARRAY(SELECT e.event_id FROM bigbrotr.events AS e JOIN flags AS f USING (eid)
			WHERE bigbrotr.event_matches(e, filter - 'limit') AND (as_seen OR f.standing AND (f.current OR filter ? 'ids'))
			ORDER BY e.created_at DESC, e.event_id LIMIT (filter->>'limit')::bigint);
	END
	$$;
	CREATE TABLE asked (filter jsonb, as_seen boolean, answer bytea[], expected bytea[], count bigint);});

# A hundred to a statement: bigbrotr.query_timeout bounds each statement.
for (my $from = 0; $from < $filters; $from += 100)
{
	my $count = $filters - $from < 100 ? $filters - $from : 100;
	my $seed = $from / 1e6;
	$node->safe_psql('postgres', qq{
		DO \$\$
		DECLARE
			f jsonb;
			seen boolean;
		BEGIN
			PERFORM setseed($seed);
			FOR n IN 1 .. $count LOOP
				f := random_filter();
				seen := random() < 0.3;
				INSERT INTO asked VALUES (f, seen, ARRAY(SELECT event_id FROM bigbrotr.query_events(f, seen)), reference(f, seen),
					CASE WHEN NOT f ? 'limit' THEN bigbrotr.count_events(f, seen) END);
			END LOOP;
		END
		\$\$}, timeout => 3600);
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM asked'), $filters, 'all filters were asked');
is($node->safe_psql('postgres', 'SELECT filter, as_seen FROM asked WHERE answer <> expected LIMIT 3'), '', 'query agrees with the reference');
is($node->safe_psql('postgres', 'SELECT filter, as_seen FROM asked WHERE count <> cardinality(expected) LIMIT 3'), '', 'count agrees with the reference');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM asked WHERE answer <> '{}'}), '>', $filters / 3, 'many filters match something');
$node->stop;
done_testing;
