# The refresher folds what writers counted; a dump restored elsewhere counts exactly again.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = archive_server('refresher');
is($node->safe_psql('postgres', q{SELECT bigbrotr.wait_for_service('refresher', 'running')}), 't', 'the refresher runs by default');

# Each worker counts what it folds itself. So no worker runs until there is something to fold.
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('refresher')});
wait_for($node, q{state = 'disabled' FROM bigbrotr.services WHERE service = 'refresher'});
$node->safe_psql('postgres', q{
	SELECT bigbrotr.add_relay('wss://r1.example.com');
	SELECT _bigbrotr.insert_verified_events(array_agg(sha256(n::text::bytea)), array_agg(sha256('author')), array_agg(n * 86400), array_agg(n::integer),
		array_agg('[]'::text), array_agg(''::text), array_agg(sha256('a') || sha256('b')), array_agg(NULL::bytea),
		array_agg(sha256(n::text::bytea)), array_agg(1), array_agg(n), 1)
	FROM generate_series(1::bigint, 200) AS n});
$node->safe_psql('postgres', q{SELECT bigbrotr.start_service('refresher')});
ok($node->poll_query_until('postgres', 'SELECT NOT EXISTS (SELECT FROM _bigbrotr.statistics_deltas)'), 'it folds');
wait_for($node, q{(bigbrotr.service_stats('refresher') #>> '{custom,deltas_folded}')::integer > 0});
pass('and says so');
is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.total_statistics'), '200|200', 'totals');
is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.verify_statistics()'), '', 'nothing is lost');

# What it counted is what the metrics show, unless it is old.
ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM bigbrotr.metrics() WHERE name = 'bigbrotr_archive_events' AND value = 200)}), 'it counts for the metrics');
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('refresher')});
ok($node->poll_query_until('postgres', q{SELECT state = 'disabled' FROM bigbrotr.services WHERE service = 'refresher'}), 'it is stopped');
my $shown = q{SELECT string_agg(value::text, ',' ORDER BY name) FROM bigbrotr.metrics() WHERE name IN ('bigbrotr_archive_events', 'bigbrotr_archive_sightings')};
# In one snapshot: a relay that fails meanwhile is a sample of its own.
is($node->safe_psql('postgres', q{BEGIN ISOLATION LEVEL REPEATABLE READ; DO $$ BEGIN PERFORM _bigbrotr.count_archive(); END $$;
	SELECT count(*) FROM (SELECT family, suffix, labels FROM _bigbrotr.archive_samples() EXCEPT ALL SELECT family, suffix, labels FROM _bigbrotr.metric_samples()) AS s; COMMIT}),
	'0', 'each sample is shown');
is($node->safe_psql('postgres', q{
	UPDATE _bigbrotr.archive_figures SET samples = (SELECT jsonb_agg(CASE s ->> 'family' WHEN 'archive_events' THEN s || '{"value": 7}' ELSE s END) FROM jsonb_array_elements(samples) AS s)}
	  . ";$shown"), '7,200', 'as it was counted');
is($node->safe_psql('postgres', "UPDATE _bigbrotr.archive_figures SET counted_at = counted_at - 200; $shown"), '200,200', 'or now, where none counts');
is($node->safe_psql('postgres', "UPDATE _bigbrotr.archive_figures SET counted_at = counted_at + 10000; $shown"), '200,200', 'also after the clock was set back');
$node->safe_psql('postgres', q{SELECT bigbrotr.start_service('refresher')});

my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'restore');
is($node->safe_psql('restored', 'SELECT * FROM bigbrotr.total_statistics'), '200|200', 'totals of the copy');
is($node->safe_psql('restored', 'SELECT * FROM bigbrotr.verify_statistics()'), '', 'the copy counted as it was filled');
is($node->safe_psql('restored', q{SELECT events FROM _bigbrotr.insert_verified_events(ARRAY[sha256('new')], ARRAY[sha256('p')], '{1}', '{1}', '{[]}', '{x}',
	ARRAY[sha256('a') || sha256('b')], '{NULL}', '{}', '{}', '{}', 1)}), '1', 'and takes more events');

$node->stop;
done_testing();
