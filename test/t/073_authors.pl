# Authors by HyperLogLog: bigbrotr.estimate_authors uses the extension hll wherever it is installed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = archive_server('authors', 'bigbrotr.databases' => '');

# As somebody who may read, and no more.
sub answer
{
	my ($query) = @_;
	return $node->safe_psql('postgres', "SET ROLE bigbrotr_reader; SELECT $query");
}

sub fill
{
	my ($authors) = @_;
	$node->safe_psql('postgres', qq{
		SELECT _bigbrotr.insert_verified_events(array_agg(sha256(n::text::bytea)), array_agg(sha256((n % $authors)::text::bytea)), array_agg(n),
			array_agg((n % 2)::integer), array_agg('[]'::text), array_agg(''::text), array_agg(sha256('a') || sha256('b')),
			array_agg(NULL::bytea), '{}', '{}', '{}', 1)
		FROM generate_series(1::bigint, 20000) AS n});
	return;
}

my $authors = 7000;
my $part = q{('{0,1}', 1, 4000)};    # 4000 authors
is(answer('bigbrotr.estimate_authors()'), '0', 'no events, no authors');
fill($authors);
is(answer('bigbrotr.estimate_authors()'), $authors, 'exact without the extension');

SKIP:
{
	skip 'the extension hll is not available (Debian: postgresql-N-hll)', 18
	  if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'hll'}) eq '0';

	$node->safe_psql('postgres', q{CREATE SCHEMA "Odd place"; CREATE SCHEMA shared; CREATE EXTENSION hll SCHEMA "Odd place"});
	is(answer('bigbrotr.estimate_authors()'), $authors, 'exact for whom the extension is out of reach');
	for my $place ('"Odd place"', 'shared', 'public', 'pg_catalog')
	{
		$node->safe_psql('postgres', "DROP EXTENSION hll; CREATE EXTENSION hll SCHEMA $place; GRANT USAGE ON SCHEMA $place TO bigbrotr_reader");
		# Whoever may create functions beside the extension's cannot make others run them.
		my $trap = "$place.hll_hash_bytea(bytea)";
		$node->safe_psql('postgres', "CREATE FUNCTION $trap RETURNS $place.hll_hashval LANGUAGE sql RETURN (SELECT CAST(NULL AS $place.hll_hashval) WHERE 1 / 0 = 1)")
		  if $place ne 'pg_catalog';
		my $all = answer('bigbrotr.estimate_authors()');
		note "in $place: $all of $authors";
		cmp_ok(abs($all - $authors), '<', 0.05 * $authors, "nearly right with the extension in $place");
		isnt($all, $authors, 'and not by counting');
		cmp_ok(abs(answer("bigbrotr.estimate_authors$part") - 4000), '<', 200, 'of some kinds and seconds');
		is(answer(q{bigbrotr.estimate_authors('{9}')}), '0', 'of none');
		$node->safe_psql('postgres', "DROP FUNCTION IF EXISTS $trap");
	}
	$node->safe_psql('postgres', 'TRUNCATE bigbrotr.events');
	is(answer('bigbrotr.estimate_authors()'), '0', 'an empty archive');
}

$node->stop;
done_testing();
