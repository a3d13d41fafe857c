# What docs/recovery.md says: back to a moment before a mistake from a base backup and the log, and a page that is broken.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = archive_node('archive', 'bigbrotr.services' => 'refresher', 'autovacuum' => 'off');
$node->append_conf('postgresql.conf', "wal_level = replica\nmax_wal_senders = 4\n");
$node->enable_archiving;
$node->start;
create_archive($node);

sub insert
{
	my ($first, $last) = @_;
	$node->safe_psql('postgres', qq{
		SELECT bigbrotr.insert_events_batch(array_agg(bigbrotr.sign_event(sha256('a'), 1, 'event ' || n, '[]', 1700000000 + n)::jsonb ||
			'{"relay_url": "wss://r.example.com", "relay_network": "clearnet", "relay_inserted_at": 1, "seen_at": 2}')) FROM generate_series($first, $last) AS n});
	return;
}

# ---- a base backup, and the log until before the mistake

insert(1, 300);
$node->backup('base');
insert(301, 500);
$node->safe_psql('postgres', q{SELECT pg_create_restore_point('before the mistake')});
$node->safe_psql('postgres', q{SELECT bigbrotr.delete_events(array_agg(event_id)) FROM bigbrotr.events WHERE created_at > 1700000100});
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), '100', 'a mistake');
my $log = $node->safe_psql('postgres', 'SELECT pg_walfile_name(pg_current_wal_lsn())');
$node->safe_psql('postgres', 'SELECT pg_switch_wal()');
$node->poll_query_until('postgres', "SELECT coalesce(last_archived_wal >= '$log', false) FROM pg_stat_archiver") or die 'the log is not archived';

my $restored = PostgreSQL::Test::Cluster->new('restored');
$restored->init_from_backup($node, 'base', has_restoring => 1, standby => 0);
$restored->append_conf('postgresql.conf', "recovery_target_name = 'before the mistake'\nrecovery_target_action = promote\narchive_mode = off\n");
$restored->start;
$restored->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
is($restored->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), '500', 'the archive as it was before it');
is($restored->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.verify_statistics()'), '0', 'with exact counts');
is($restored->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.verify_references()'), '0', 'and every reference');
wait_for($restored, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'refresher' AND state = 'running')});
pass('its services run');

# ---- indexes and tables checked, and a broken page found

$restored->safe_psql('postgres', 'CREATE EXTENSION amcheck');
my $check = q{SELECT count(*) FROM pg_class AS c JOIN pg_am AS a ON a.oid = c.relam CROSS JOIN LATERAL bt_index_check(c.oid, true)
	WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND c.relkind = 'i' AND a.amname = 'btree'};
cmp_ok($restored->safe_psql('postgres', $check), '>', 20, 'all indexes are sound');
my $file = $restored->data_dir . '/' . $restored->safe_psql('postgres', q{CHECKPOINT; SELECT pg_relation_filepath('bigbrotr.events_eid_key')});
$restored->stop;
open my $page, '+<', $file or die "$file: $!";
seek $page, 8192 + 4000, 0;
print {$page} 'x' x 3000;
close $page;
$restored->start;
my ($code, undef, $error) = $restored->psql('postgres', $check);
isnt($code, 0, 'a broken page of an index is found');
$restored->safe_psql('postgres', 'REINDEX INDEX bigbrotr.events_eid_key');
cmp_ok($restored->safe_psql('postgres', $check), '>', 20, 'and mended');
is($restored->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s USING (eid)'), '500', 'without a loss');
$restored->stop;
$node->stop;
done_testing();
