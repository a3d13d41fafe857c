# The finder: finds what a slow, independent program finds in real events, counts exactly through crashes, and
# makes relays of what enough authors name.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use Encode qw(decode_utf8);
use JSON::PP;
use PostgreSQL::Test::Utils;
use RelayReference qw(named_relays);
use Test::More;

my $node = archive_server('finder', 'bigbrotr.services' => 'initializer', 'bigbrotr.allow_local_relays' => 'off');
my $json = JSON::PP->new->utf8->canonical;

# Real events, or generated ones with relays in them.
my $real = shared_data('events-valid.jsonl.gz');
diag 'no events-valid.jsonl.gz, see BIGBROTR_SHARED: generated events instead' if !$real;
my @events = split /\n/, $real ? `gzip -dc $real` : corpus(qw(--seed 91 --authors 50 3000));
my $directory = $node->basedir;

# Rows for COPY: a JSON text a line, whose characters COPY does not interpret in this format.
my $format = q{(FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')};
open my $names, '>', "$directory/names" or die $!;
for my $n (0 .. $#events)
{
	my $event = $json->decode($events[$n]);
	print $names $json->encode([ $n, $_->[0], $_->[1] =~ s/\0/ /gr, $_->[2] ]), "\n" for grep { $_->[0] ne '' } named_relays($event);
}
close $names;
append_to_file("$directory/events", join '', map { "$_\n" } @events);
$node->safe_psql('postgres', qq{
	CREATE TABLE lines (n integer GENERATED ALWAYS AS IDENTITY (MINVALUE 0), json text);
	COPY lines (json) FROM '$directory/events' $format;
	CREATE TABLE made AS SELECT l.n, p.* FROM lines AS l, bigbrotr.parse_event(l.json) AS p;
	CREATE TABLE read (json jsonb);
	COPY read FROM '$directory/names' $format;
	-- What becomes of a name; several URLs in one value count one by one.
	CREATE TABLE expected AS
	WITH names AS (
		SELECT (r.json ->> 0)::integer AS n, r.json ->> 1 AS place, r.json ->> 2 AS name, (r.json ->> 3)::integer = 1 AS lenient FROM read AS r
	), judged AS (
		SELECT a.n, a.place, a.name, j.url, j.reason, CASE WHEN a.place <> 'text' AND j.reason IN ('inner_whitespace', 'embedded_scheme') THEN
			ARRAY(SELECT x.url FROM regexp_split_to_table(a.name, E'[ \\t\\n\\v\\f\\r,]+') AS part, bigbrotr.normalise_relay_url(part) AS x WHERE x.url IS NOT NULL)
			END AS parts
		FROM names AS a, bigbrotr.normalise_relay_url(a.name, a.lenient) AS j
	)
	SELECT DISTINCT j.n, j.place, coalesce(p.part, j.url) AS url, CASE WHEN p.part IS NULL THEN j.reason END AS reason
	FROM judged AS j LEFT JOIN unnest(j.parts) AS p (part) ON true WHERE j.reason IS DISTINCT FROM 'empty';
	CREATE TABLE found AS SELECT DISTINCT m.n, f.place, f.relay_url AS url, f.reason FROM made AS m, bigbrotr.relay_mentions(m.kind, m.tags, m.content) AS f;});
is($node->safe_psql('postgres', 'SELECT count(*) FROM made'), scalar @events, 'all events are read');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM expected WHERE url IS NOT NULL'), '>', $real ? 10_000 : 10, 'they name relays');
is($node->safe_psql('postgres', 'SELECT * FROM expected EXCEPT SELECT * FROM found ORDER BY 1, 2, 3 LIMIT 10'), '', 'nothing is overlooked');
is($node->safe_psql('postgres', 'SELECT * FROM found EXCEPT SELECT * FROM expected ORDER BY 1, 2, 3 LIMIT 10'), '', 'nothing is invented');
note $node->safe_psql('postgres', 'SELECT place, count(*), count(DISTINCT url) FROM found WHERE reason IS NULL GROUP BY 1 ORDER BY 2 DESC');
note $node->safe_psql('postgres', 'SELECT reason, count(*) FROM found WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 2 DESC');

# Writers archive them in several sessions, while a finder reads, and the server crashes.
my $store = sub {
	my ($from, $to) = @_;
	return qq{SELECT count(i.events) FROM (SELECT array_agg(event_id) AS ids, array_agg(pubkey) AS pubkeys, array_agg(created_at) AS ats, array_agg(kind) AS kinds,
		array_agg(tags::text) AS tags, array_agg(content) AS contents, array_agg(sig) AS sigs, array_agg(raw) AS raws FROM made WHERE n >= $from AND n < $to) AS b,
		_bigbrotr.insert_verified_events(ids, pubkeys, ats, kinds, tags, contents, sigs, raws, '{}', '{}', '{}', 1000 + $from) AS i};
};
$node->append_conf('postgresql.conf', "bigbrotr.services = 'initializer, finder'\nbigbrotr.finder_names_per_author = 100000\nbigbrotr.finder_names_per_site = 100000\n");
$node->reload;
my $late = session($node);
my $sixth = int(@events / 6);
$late->query_safe('BEGIN');
$late->query_safe($store->(0, $sixth));
$node->safe_psql('postgres', $store->($_ * $sixth, ($_ + 1) * $sixth)) for 1, 2;
my $read = q{NOT EXISTS (SELECT FROM _bigbrotr.finder_queue)};
wait_for($node, "$read AND EXISTS (SELECT FROM _bigbrotr.naming_places)");
$late->query_safe('COMMIT');
# Another one from the same session, whose eids were drawn long ago.
$late->query_safe($store->(3 * $sixth, 3 * $sixth + 3));
$late->quit;
wait_for($node, $read);
$node->safe_psql('postgres', $store->(3 * $sixth + 3, 4 * $sixth));
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'bigbrotr finder'});
$node->safe_psql('postgres', $store->(4 * $sixth, 5 * $sixth));
$node->stop('immediate');
$node->start;
$node->safe_psql('postgres', $store->(5 * $sixth, scalar @events));
wait_for($node, $read);

my $exact = q{
	CREATE TEMP TABLE truth AS SELECT f.place, f.relay_url AS url, e.pubkey, e.inserted_at AS at
		FROM bigbrotr.events AS e, bigbrotr.relay_mentions(e.kind, e.tags, e.content) AS f WHERE f.reason IS NULL AND f.network <> 'local';
	CREATE TEMP TABLE true_places AS SELECT url, place, count(*) AS mentions, min(at) AS first, max(at) AS last FROM truth
		WHERE url IN (SELECT url FROM truth WHERE place <> 'blocked') GROUP BY 1, 2;
	CREATE TEMP TABLE places AS SELECT relay_url, place, mention_count, extract(epoch FROM first_seen)::bigint AS first, extract(epoch FROM last_seen)::bigint AS last
		FROM bigbrotr.candidate_sources WHERE source = '';
	CREATE TEMP TABLE true_authors AS SELECT url, count(DISTINCT pubkey)::integer AS authors FROM truth WHERE place <> 'blocked' GROUP BY 1;
	CREATE TEMP TABLE authors AS SELECT relay_url, author_count FROM bigbrotr.candidates;
	-- Being avoided does not count before somebody names the relay.
	DELETE FROM places WHERE relay_url IN (SELECT name FROM bigbrotr.candidate_rejects WHERE reason = 'only_blocked');
	DELETE FROM true_places WHERE url IN (SELECT name FROM bigbrotr.candidate_rejects WHERE reason = 'only_blocked');
	SELECT * FROM (TABLE places EXCEPT TABLE true_places) AS a;
	SELECT * FROM (TABLE true_places EXCEPT TABLE places) AS a;
	SELECT * FROM (TABLE authors EXCEPT TABLE true_authors) AS a;
	SELECT * FROM (TABLE true_authors EXCEPT TABLE authors) AS a};
is($node->safe_psql('postgres', $exact), '', 'after all that every count is exact: mentions, times, authors');
is($node->safe_psql('postgres', 'SELECT relay_url, author_count FROM bigbrotr.candidates WHERE author_count > 0 EXCEPT SELECT relay_url, count(DISTINCT pubkey) FROM bigbrotr.candidate_authors GROUP BY 1'),
	'', 'authors are those that are listed');

# Those with three authors are relays, others are not.
wait_for($node, q{NOT EXISTS (SELECT FROM bigbrotr.candidates AS c WHERE author_count >= 3 AND candidate_state = 'waiting'
	AND 20 > (SELECT count(*) FROM bigbrotr.candidates AS o WHERE o.site = c.site AND o.candidate_state = 'relay'))});
is($node->safe_psql('postgres', q{SELECT relay_url FROM bigbrotr.candidates WHERE author_count < 3 AND candidate_state = 'relay'}), '', 'few authors make no relay');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.relays'), '>', $real ? 100 : 0, 'there are new relays');

# A restore reads everything again, with the same result.
$node->safe_psql('postgres', 'SELECT bigbrotr.stop_services()');
my $dump = "$directory/archive.dump";
$node->command_ok([ 'pg_dump', '-Fc', '-N', 'public', '-f', $dump, $node->connstr('postgres') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), $dump ], 'restore');
$node->append_conf('postgresql.conf', "bigbrotr.databases = 'copy'\n");
$node->reload;
wait_for($node, "$read AND EXISTS (SELECT FROM _bigbrotr.naming_places)", 'copy');
is($node->safe_psql('copy', $exact), '', 'the same counts after a restore');

$node->stop;
done_testing();
