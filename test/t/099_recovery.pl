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
		SELECT bigbrotr.insert_events_batch(array_agg(bigbrotr.sign_event(sha256('a'), 1, 'event ' || n, '[["t","x"]]', 1700000000 + n)::jsonb ||
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
my %file = map { my $name = $_; ($name => $restored->data_dir . '/' . $restored->safe_psql('postgres', "CHECKPOINT; SELECT pg_relation_filepath('bigbrotr.$name')")) }
	qw(events_eid_key events_tags_idx events);
# From PostgreSQL 18 on initdb turns them on.
my $checksums = $restored->safe_psql('postgres', 'SHOW data_checksums') eq 'on';
$restored->stop;
$restored->command_ok([ 'pg_checksums', '--enable', '-D', $restored->data_dir ], 'checksums') unless $checksums;

# breaks INDEX OR TABLE, PAGE: nothing of the page is left.
sub breaks
{
	my ($name, $number) = @_;
	open my $page, '+<', $file{$name} or die "$file{$name}: $!";
	seek $page, 8192 * $number, 0;
	print {$page} 'x' x 8192;
	close $page or die "$file{$name}: $!";
	return;
}

breaks(events_eid_key => 1);
breaks(events_tags_idx => 1);
my (undef, $found) = run_command([ 'pg_checksums', '--check', '-D', $restored->data_dir ]);
like($found, qr/$file{$_}"?, block 1/, "the broken page of $_ is found in the stopped server") for qw(events_eid_key events_tags_idx);
$restored->start;
my ($code, undef, $error) = $restored->psql('postgres', $check);
isnt($code, 0, 'the one of the B-tree in the running server, too');
my $tagged = q{SET enable_seqscan = off; SET enable_indexscan = off; SELECT count(*) FROM bigbrotr.events AS e WHERE bigbrotr.event_matches(e, '{"#t": ["x"]}')};
($code, undef, $error) = $restored->psql('postgres', $tagged);
like($error, qr/invalid page in block 1 of relation/, 'the one of the index of tags when it is read');
$restored->safe_psql('postgres', "REINDEX INDEX bigbrotr.$_") for qw(events_eid_key events_tags_idx);
cmp_ok($restored->safe_psql('postgres', $check), '>', 20, 'they are mended');
is($restored->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s USING (eid)'), '500', 'without a loss');
is($restored->safe_psql('postgres', $tagged), '500', 'also of tags');

# ---- a dump of a big archive, restored by several connections

my $dump = $restored->basedir . '/dump';
$restored->append_conf('postgresql.conf', "bigbrotr.enabled = off\n");
$restored->reload;
wait_for($restored, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type ~ '^bigbrotr ' AND backend_type <> 'bigbrotr launcher')});
$restored->command_ok([ 'pg_dump', '-Fd', '-j', 2, '-f', $dump, $restored->connstr('postgres') ], 'dump by two connections');
$restored->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE template0") for qw(again saved);
$restored->command_ok([ 'pg_restore', '--exit-on-error', '-j', 2, '-d', $restored->connstr('again'), $dump ], 'and restore');
is($restored->safe_psql('again', 'SELECT count(*) FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s USING (eid)'), '500', 'of everything');
is($restored->safe_psql('again', "SELECT count(*) FROM bigbrotr.$_()"), '0', $_) for qw(verify_statistics verify_references);

# ---- a page of the events is broken, and there is no backup

my $heap = q{SELECT count(*) FROM pg_class AS c CROSS JOIN LATERAL verify_heapam(c.oid) AS h
	WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND c.relkind = 'r'};
is($restored->safe_psql('postgres', $heap), '0', 'the tables are sound');
my $lost = $restored->safe_psql('postgres', q{SELECT count(*) FROM bigbrotr.events WHERE (ctid::text::point)[0] = 3});
$restored->stop;
breaks(events => 3);
$restored->start;
($code, undef, $error) = $restored->psql('postgres', $heap);
like($error, qr/invalid page in block 3 of relation/, 'a broken page of the events is found');
my $saved = $restored->basedir . '/saved.jsonl';
my @export = ('bigbrotr-export', '--dbname', $restored->connstr('postgres'), '-o', $saved);
(undef, $error) = run_command(\@export);
like($error, qr/invalid page/, 'it ends the export');
ok(!-e $saved, 'of which nothing is left then');
{
	local $ENV{PGOPTIONS} = '-c zero_damaged_pages=on';
	$restored->command_ok(\@export, 'what can be read is exported');
}
$restored->safe_psql('saved', "CREATE EXTENSION bigbrotr; CALL bigbrotr.import_events('$saved')");
cmp_ok($lost, '>', 0, "$lost events were on it");
is($restored->safe_psql('saved', 'SELECT count(*) FROM bigbrotr.events'), 500 - $lost, 'all others are in a new archive');

# ---- the C library or ICU has another version than when the indexes were made
SKIP:
{
	skip 'the version of a database\'s locale is known from PostgreSQL 15 on', 4 if $restored->pg_version < 15;
	$restored->safe_psql('postgres', q{CREATE DATABASE moved TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'});
	$restored->safe_psql('moved', "CREATE EXTENSION bigbrotr; CALL bigbrotr.import_events('$saved')");
	$restored->safe_psql('postgres', q{UPDATE pg_database SET datcollversion = '1' WHERE datname = 'moved'});
	(undef, undef, $error) = $restored->psql('moved', 'SELECT 1');
	like($error, qr/database "moved" has a collation version mismatch/, 'a database whose locale has another version warns');
	$restored->safe_psql('moved', $_) for 'REINDEX DATABASE moved', 'ALTER DATABASE moved REFRESH COLLATION VERSION';
	(undef, undef, $error) = $restored->psql('moved', 'SELECT 1');
	is($error, '', 'and no more when its indexes are made anew');
	is($restored->safe_psql('moved', 'SELECT count(*) FROM bigbrotr.events'), 500 - $lost, 'what was in it is there');
	is($restored->safe_psql('moved', 'SELECT count(*) FROM bigbrotr.verify_statistics()'), '0', 'and counted');
}
$restored->stop;
$node->stop;
done_testing();
