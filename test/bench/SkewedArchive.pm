# An archive whose authors, kinds and tags are as unequal as in the wild, and what is asked of it.
package SkewedArchive;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(uniform zipf author follows moment fill $first $last);
our ($first, $last) = (1_675_000_000, 1_770_000_000);    # created_at

sub uniform { my ($low, $high) = @_; return int($low + rand($high - $low)) }

# From $low to $high, each number less often than those before it.
sub zipf { my ($low, $high) = @_; return int($low * ($high / $low)**rand()) }

sub author { return unpack 'H*', pack 'N8', $_[0] + 1, (7) x 7 }

# So many of the authors, the loud ones more often.
sub follows
{
	my ($count, $authors) = @_;
	my %chosen;
	$chosen{ zipf(10, $authors) } = 1 while keys %chosen < $count;
	return map { author($_) } sort { $a <=> $b } keys %chosen;
}

# A time in the last share of all times.
sub moment { my ($share) = @_; return uniform($last - ($share // 0.9) * ($last - $first), $last) }

# The loudest author has a hundredth of the events, "common" a twentieth; "once0" a hundredth, and "once1" to "once9" a
# thousandth each, all in the first tenth of the time. In no order of time, as a backfill of many relays writes them.
sub fill
{
	my ($server, $events) = @_;
	my $authors = $events / 20;
	my @indexes = split /\n/, $server->sql(q{SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i WHERE i.indrelid = 'bigbrotr.events'::regclass
		AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)});
	$server->sql('DROP INDEX ' . join ', ', map { /INDEX (\S+) ON/ ? "bigbrotr.$1" : () } @indexes);
	$server->sql(qq{
		SET session_replication_role = replica;
		SELECT setseed(0.5);
		CREATE FUNCTION zipf(low float8, high float8, r float8) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN floor(low * power(high / low, r));
		CREATE FUNCTION author(n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE
			RETURN decode(lpad(to_hex(n + 1), 8, '0') || repeat('00000007', 7), 'hex');
		INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
		SELECT sha256(g.n::text::bytea), author(zipf(10, $authors, g.a)), g.created_at, g.kind,
		       concat('[', concat_ws(',',
		              CASE WHEN g.kind IN (1, 6, 7, 9735) AND g.r[1] < 0.8 THEN format('["e","%s"]', encode(sha256(zipf(1, $events, 1 - g.r[2])::text::bytea), 'hex')) END,
		              CASE WHEN g.kind IN (1, 6, 7, 9735) AND g.r[1] < 0.9 THEN format('["p","%s"]', encode(author(zipf(10, $authors, g.r[3])), 'hex')) END,
		              CASE WHEN g.kind IN (1, 30023) AND g.r[4] < 0.4 THEN format('["t","tag%s"]', zipf(1, 20000, g.r[5])) END,
		              CASE WHEN g.r[6] < 0.05 THEN '["t","common"]' END,
		              CASE WHEN g.created_at >= $first + ($last - $first) / 10 THEN NULL
		                   WHEN g.r[7] < 0.1 THEN '["t","once0"]'
		                   WHEN g.r[7] < 0.19 THEN format('["t","once%s"]', ceil((g.r[7] - 0.1) * 100)) END,
		              CASE WHEN g.kind = 30023 THEN format('["d","%s"]', g.n) END), ']')::bigbrotr.tags,
		       repeat(md5(g.n::text) || ' ', 1 + zipf(1, 30, g.r[8])::integer), sha512(g.n::text::bytea), $last
		FROM (SELECT n, random() AS a, $first + floor(random() * ($last - $first))::bigint AS created_at,
		             CASE WHEN random() < 0.004 THEN ('{3,10002,30023,1984}'::integer[])[ceil(random() * 4)]
		                  ELSE ('{7,7,7,7,7,7,7,7,1,1,1,1,1,1,1,6,9735,1059,1059,0}'::integer[])[ceil(random() * 20)] END AS kind,
		             ARRAY[random(), random(), random(), random(), random(), random(), random(), random()] AS r
		      FROM generate_series(1, $events) AS n OFFSET 0) AS g});
	$server->sql($_) for @indexes;
	$server->sql('VACUUM ANALYZE bigbrotr.events');
	$server->sql('CHECKPOINT');    # else those who ask would write what the loading left
	my ($rows, $bytes, $indexes) = split /\|/, $server->sql(q{SELECT count(*), pg_table_size('bigbrotr.events') / count(*), pg_indexes_size('bigbrotr.events') / count(*) FROM bigbrotr.events});
	print STDERR "-- $rows events, $bytes bytes each and $indexes in indexes\n";
	return;
}

1;
