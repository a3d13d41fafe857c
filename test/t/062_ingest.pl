# Direct table access and SQL leave the same tables, and both leave what the original specification's
# insert_event leaves: with real events, nasty ones and generated ones. Logical decoding and a crash lose
# nothing of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('ingest');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'bigbrotr'\nautovacuum = off\n");
$node->start;

# One JSON text a line; nasty events are wrapped with their verdict.
sub corpora
{
	my %files;
	my $real = shared_data('events-valid.jsonl.gz');
	$files{real} = [ split /\n/, `gzip -dc $real` ] if $real;
	my $nasty = shared_data('nasty-events.jsonl') // source_directory() . '/test/data/nasty-events.jsonl';
	$files{nasty} = [ map { $_->{input} } grep { $_->{verdict} eq 'accept' && defined $_->{input} }
		  map { decode_json($_) } split /\n/, PostgreSQL::Test::Utils::slurp_file($nasty) ];
	$files{generated} = [ split /\n/, `bigbrotr-corpus --seed 61 2000` ] if grep { -x "$_/bigbrotr-corpus" } split /:/, $ENV{PATH};
	return %files;
}

sub copy_field
{
	my ($text) = @_;
	utf8::encode($text) if utf8::is_utf8($text);
	return $text =~ s/\\/\\\\/gr =~ s/\n/\\n/gr =~ s/\r/\\r/gr =~ s/\t/\\t/gr;
}

# A table in which every event is parsed, numbered, and seen by some of five relays.
sub load_corpus
{
	my ($database, $events) = @_;
	my $file = $node->basedir . '/corpus';
	open my $out, '>', $file or die "$file: $!";
	print $out copy_field($_), "\n" for @$events;
	close $out;
	return $node->safe_psql($database, qq{
		CREATE EXTENSION bigbrotr;
		DO \$\$ BEGIN PERFORM bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 5) AS n; END \$\$;
		CREATE TABLE lines (n integer GENERATED ALWAYS AS IDENTITY, json text);
		COPY lines (json) FROM '$file';
		CREATE TABLE corpus AS SELECT l.n, p.* FROM lines AS l, bigbrotr.parse_event(l.json) AS p;
		CREATE TABLE seen AS SELECT c.n, c.event_id, r AS relay_id, 1000 + c.n % 7 * r::bigint AS seen_at
			FROM corpus AS c, generate_series(1, 5) AS r WHERE (c.n + r) % 3 = 0;
		SELECT count(*) FROM corpus});
}

# In overlapping batches of 500: every event comes twice.
my $insert = q{
	SELECT sum(i.events), sum(i.sightings), sum(i.rejected)
	FROM generate_series(0, (SELECT max(n) FROM corpus), 250) AS b (n),
	LATERAL (SELECT array_agg(c.event_id) AS ids, array_agg(c.pubkey) AS pubkeys, array_agg(c.created_at) AS ats,
	        array_agg(c.kind) AS kinds, array_agg(c.tags::text) AS tags, array_agg(c.content) AS contents,
	        array_agg(c.sig) AS sigs, array_agg(c.raw) AS raws FROM corpus AS c WHERE c.n BETWEEN b.n + 1 AND b.n + 500) AS e,
	LATERAL (SELECT coalesce(array_agg(s.event_id ORDER BY s.n, s.relay_id), '{}') AS ids, coalesce(array_agg(s.relay_id ORDER BY s.n, s.relay_id), '{}') AS relays,
	        coalesce(array_agg(s.seen_at ORDER BY s.n, s.relay_id), '{}') AS seen FROM seen AS s WHERE s.n BETWEEN b.n + 1 AND b.n + 500) AS s,
	LATERAL _bigbrotr.insert_verified_events(e.ids, e.pubkeys, e.ats, e.kinds, e.tags, e.contents, e.sigs, e.raws, s.ids, s.relays, s.seen, 5000) AS i
	WHERE e.ids IS NOT NULL};

# Everything but eids, which are drawn as needed.
my $events = 'event_id, pubkey, created_at, kind, tags, content, sig, inserted_at, raw';
my $copy = "CREATE TABLE direct_events AS SELECT $events FROM bigbrotr.events; "
  . 'CREATE TABLE direct_sightings AS SELECT event_id, relay_url, seen_at FROM bigbrotr.event_relay; '
  . 'CREATE TABLE direct_facts AS SELECT target, event_id FROM bigbrotr.deletions UNION ALL SELECT pubkey, event_id FROM bigbrotr.vanish_requests';

# Rows of one table that are not, byte for byte, in the other.
sub differences
{
	my ($database, $mine, $theirs, $columns) = @_;
	return $node->safe_psql($database, qq{
		SELECT count(*) FROM (SELECT $columns FROM $mine) AS a FULL JOIN (SELECT $columns FROM $theirs) AS b
		ON a.event_id = b.event_id } . ($columns =~ /relay_url/ ? 'AND a.relay_url = b.relay_url' : '') . q{
		WHERE a.event_id IS NULL OR b.event_id IS NULL OR NOT record_image_eq(a, b)});
}

my %corpora = corpora();
for my $name (sort keys %corpora)
{
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	is(load_corpus($name, $corpora{$name}), scalar @{ $corpora{$name} }, "$name: all events are read");
	my $distinct = $node->safe_psql($name, 'SELECT count(DISTINCT event_id) FROM corpus');
	my $sightings = $node->safe_psql($name, 'SELECT count(*) FROM (SELECT DISTINCT event_id, relay_id FROM seen) AS s');

	is($node->safe_psql($name, $insert), "$distinct|$sightings|0", "$name: all are stored by direct access");
	is($node->safe_psql($name, q{SELECT count(*) FROM corpus AS c JOIN bigbrotr.events AS e USING (event_id)
		WHERE NOT record_image_eq(ROW(c.tags, c.content, c.pubkey, c.sig, c.raw), ROW(e.tags, e.content, e.pubkey, e.sig, e.raw))}),
		0, "$name: byte for byte, tags as their input function makes them");
	is($node->safe_psql($name, 'SELECT count(*) FROM bigbrotr.events AS e WHERE NOT bigbrotr.verify_event(e)'), 0, "$name: ids and signatures hold");
	is($node->safe_psql($name, 'SELECT * FROM bigbrotr.verify_statistics()'), '', "$name: counted exactly");
	$node->safe_psql($name, $copy);

	$node->safe_psql($name, q{
		TRUNCATE bigbrotr.events, bigbrotr.sightings, bigbrotr.deletions, bigbrotr.vanish_requests;
		CREATE TABLE fired (n bigint);
		CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.fired VALUES (1); RETURN NULL; END';
		CREATE TRIGGER zz_mine AFTER INSERT ON bigbrotr.events EXECUTE FUNCTION fire()});
	is($node->safe_psql($name, $insert), "$distinct|$sightings|0", "$name: all are stored by SQL");
	cmp_ok($node->safe_psql($name, 'SELECT count(*) FROM fired'), '>', 0, "$name: a trigger saw it");
	is(differences($name, 'direct_events', 'bigbrotr.events', $events), 0, "$name: the same events");
	is(differences($name, 'direct_sightings', 'bigbrotr.event_relay', 'event_id, relay_url, seen_at'), 0, "$name: the same sightings");
	is($node->safe_psql($name, q{WITH facts AS (SELECT target, event_id FROM bigbrotr.deletions UNION ALL SELECT pubkey, event_id FROM bigbrotr.vanish_requests)
		(TABLE facts EXCEPT ALL TABLE direct_facts) UNION ALL (TABLE direct_facts EXCEPT ALL TABLE facts)}), '', "$name: the same deletion and vanish requests");
	is($node->safe_psql($name, 'SELECT * FROM bigbrotr.verify_statistics() UNION ALL SELECT problem, eid, relay_id, rows FROM bigbrotr.verify_references()'),
		'', "$name: counted exactly, and sound");

	# The original gets the same deliveries one by one; it cannot hold U+0000 and gets what stands for it.
	my $original = PostgreSQL::Test::Utils::slurp_file(source_directory() . '/test/bench/baseline/original.sql');
	$node->safe_psql($name, "CREATE SCHEMA original; SET search_path = original; $original");
	$node->safe_psql($name, q{
		SET search_path = original, public;
		SELECT count(insert_event(c.event_id, c.pubkey, c.created_at, c.kind, c.tags, c.content, c.sig, format('wss://r%s.example.com', s.relay_id), 'clearnet', 1, s.seen_at))
		FROM (SELECT * FROM seen ORDER BY n, relay_id) AS s JOIN corpus AS c USING (n)});
	is(differences($name, '(SELECT * FROM direct_events WHERE event_id IN (SELECT event_id FROM direct_sightings)) AS d', 'original.events',
			'event_id, pubkey, created_at, kind, tags::jsonb, content, sig'), 0, "$name: the original's events");
	is(differences($name, 'direct_sightings', 'original.event_relay', 'event_id, relay_url, seen_at'), 0, "$name: the original's sightings");
}

# Logical decoding sees every row.
SKIP:
{
	skip 'no corpus', 1 unless $corpora{nasty};
	$node->safe_psql('nasty', q{DROP TRIGGER zz_mine ON bigbrotr.events; TRUNCATE bigbrotr.events, bigbrotr.sightings;
		SELECT pg_create_logical_replication_slot('watch', 'test_decoding')});
	$node->safe_psql('nasty', $insert);
	is($node->safe_psql('nasty', q{SELECT count(*) = (SELECT count(*) FROM bigbrotr.events)
		FROM pg_logical_slot_get_changes('watch', NULL, NULL) WHERE data LIKE 'table bigbrotr.events: INSERT:%'}), 't', 'logical decoding gives every event');
	$node->safe_psql('nasty', q{SELECT pg_drop_replication_slot('watch')});
}

# After a crash all is there, and nothing twice.
$node->stop('immediate');
$node->start;
is($node->safe_psql('nasty', q{CREATE EXTENSION amcheck; SELECT count(bt_index_check(c.oid, true)) > 5 FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid
	JOIN pg_am AS a ON a.oid = c.relam WHERE i.indrelid IN ('bigbrotr.events'::regclass, 'bigbrotr.sightings'::regclass) AND a.amname = 'btree'}),
	't', 'indexes are complete after a crash');
is($node->safe_psql('nasty', 'SELECT * FROM bigbrotr.verify_statistics()'), '', 'counts as well');

$node->stop;
done_testing();
