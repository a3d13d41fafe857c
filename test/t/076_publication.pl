# A publication of all tables, as logical replication wants it: whatever of ours updates or deletes rows goes on,
# and a subscriber's slot gets the rows.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

# Notices of what was done are no errors.
$ENV{PGOPTIONS} = '-c client_min_messages=warning';

my $node = archive_server('publication', 'wal_level' => 'logical', 'bigbrotr.databases' => '');
$node->safe_psql('postgres', q{
	CREATE PUBLICATION everything FOR ALL TABLES;
	SELECT pg_create_logical_replication_slot('subscriber', 'pgoutput');});

my %calls = (
	'a relay becomes known' => q{SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 3) AS n},
	'events are archived' => q{SELECT _bigbrotr.insert_verified_events(array_agg(sha256(n::text::bytea)), array_agg(sha256('author')), array_agg(n::bigint), array_agg(1), array_agg('[["expiration","1"]]'::text), array_agg(''::text),
		array_agg(sha256('a') || sha256('b')), array_agg(NULL::bytea), array_agg(sha256(n::text::bytea)), array_agg(1 + n % 3), array_agg(1::bigint), 1) FROM generate_series(1, 100) AS n},
	'counts are folded' => 'SELECT _bigbrotr.fold_statistics()',
	'a seed list is loaded again' => q{SELECT bigbrotr.load_seeds('list', 'no relay'), bigbrotr.load_seeds('list', 'no relay')},
	'a range is claimed' => q{SELECT _bigbrotr.claim_coverage(1, 0, 0, n * 5, n * 5 + 4, 'paged', '{}', false, 1, 0, 1000, 1000) FROM generate_series(1, 2) AS n},
	'an import goes on' => q{SELECT import_id, bigbrotr.import_lines(import_id, 0, 'rubbish'), bigbrotr.finish_import(import_id) FROM bigbrotr.begin_import('import')},
	'a measurement is emptied' => q{SELECT bigbrotr.insert_relay_metadata('wss://r1.example.com', NULL, 1, 1, nip66_rtt_open => 1, nip11_name => 'none'); SELECT bigbrotr.delete_orphan_nip11(), bigbrotr.delete_orphan_nip66()},
	'events are deleted' => q{SELECT bigbrotr.delete_events(ARRAY[sha256('1')])},
	'orphans are deleted' => q{DELETE FROM bigbrotr.sightings WHERE eid % 2 = 0; CALL bigbrotr.cleanup_orphans()},
	'withdrawn events are deleted' => q{CALL bigbrotr.delete_withdrawn()},
	'a relay is deleted' => q{CALL bigbrotr.delete_relay('wss://r1.example.com')},
	'a relay is disabled' => q{UPDATE _bigbrotr.relay_sync SET enabled = false});
my @order = ('a relay becomes known', 'events are archived', 'a seed list is loaded again', 'a range is claimed', 'an import goes on', 'a measurement is emptied',
	'events are deleted', 'orphans are deleted', 'counts are folded', 'withdrawn events are deleted', 'a relay is deleted', 'a relay is disabled', 'counts are folded');
for my $name (@order)
{
	my ($status, undef, $errors) = $node->psql('postgres', $calls{$name}, on_error_stop => 1);
	is("$status $errors", '0 ', $name);
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), '0', 'all events are gone');
is($node->safe_psql('postgres', 'SELECT count(*) FROM _bigbrotr.statistics_deltas'), '0', 'all counts are folded');
# Each table of ours, also one that no call above changes.
is($node->safe_psql('postgres', q{
	SELECT c.oid::regclass FROM pg_class AS c JOIN pg_publication_tables AS p ON (p.schemaname, p.tablename) = (c.relnamespace::regnamespace::text, c.relname::text)
	WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)}), '', 'every published table has a key');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM pg_logical_slot_get_binary_changes('subscriber', NULL, NULL, 'proto_version', '1', 'publication_names', 'everything')}),
	'>', 100, 'the changes can be decoded');

$node->stop;
done_testing();
