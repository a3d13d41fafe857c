# pg_dump | pg_restore into a new cluster: the same rows, sequences go on, workers go on from there.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(events => 3000, relays => 2, overlap => 50, list => $list);
my $old  = archive_server('old');
load_truth($old, $stub);
add_relays($old, @{ $stub->{urls} });
$old->safe_psql('postgres', q{SELECT bigbrotr.load_seeds('some list', E'wss://off.example.com\nno relay')});
$old->safe_psql('postgres', q{UPDATE _bigbrotr.relay_sync SET enabled = false WHERE relay_id = (SELECT relay_id FROM bigbrotr.relays WHERE url ~ 'off')});
wait_for($old, q{count(*) = 2 FROM _bigbrotr.relay_sync WHERE phase = 'live'});

# Every row of every table, with the services standing still.
my @tables = qw(bigbrotr.relays bigbrotr.events bigbrotr.sightings bigbrotr.coverage bigbrotr.event_rejects bigbrotr.seed_rejects
	_bigbrotr.relay_sync _bigbrotr.relay_traffic _bigbrotr.relay_refusals _bigbrotr.relay_checks _bigbrotr.relay_needs _bigbrotr.relay_comparisons
	_bigbrotr.relay_health _bigbrotr.relay_outages _bigbrotr.relay_history _bigbrotr.relay_series _bigbrotr.relay_visits _bigbrotr.relay_stories
	_bigbrotr.nip11_documents _bigbrotr.nip66_facts _bigbrotr.deleted_events bigbrotr.retention_rules);
my $rows = sub {
	my ($node, $database) = @_;
	return { map {
		$_ => $node->safe_psql($database, "SELECT count(*), md5(string_agg(t::text, ';' ORDER BY t::text)) FROM $_ AS t")
	} @tables };
};
$old->safe_psql('postgres', q{INSERT INTO _bigbrotr.deleted_events VALUES (sha256('x'), 1, 1)});
$old->safe_psql('postgres', q{SELECT bigbrotr.add_retention_rule('40 years', 'why', '{[7,7]}')});
$old->safe_psql('postgres', 'SELECT bigbrotr.stop_services()');
my $before = $rows->($old, 'postgres');
like($before->{'bigbrotr.events'}, qr/^[1-9]\d{3}\|/, 'there is an archive to dump');
my $dump = PostgreSQL::Test::Utils::tempdir() . '/archive.dump';
$old->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $old->connstr('postgres') ], 'pg_dump');

my $new = archive_server('new', 'bigbrotr.databases' => 'copy', 'bigbrotr.enabled' => 'off');
$new->safe_psql('postgres', 'DROP EXTENSION bigbrotr');
$new->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
$new->command_ok([ 'pg_restore', '--exit-on-error', '-d', $new->connstr('copy'), $dump ], 'pg_restore');
is_deeply($rows->($new, 'copy'), $before, 'every row is there again');
is($new->safe_psql('copy', 'SELECT * FROM bigbrotr.verify_references()'), '', 'all references hold');

for my $sequence ([ 'relays', 'relay_id' ], [ 'events', 'eid' ])
{
	my ($table, $column) = @$sequence;
	is($new->safe_psql('copy', "SELECT nextval('bigbrotr.${table}_${column}_seq') > max($column) FROM bigbrotr.$table"),
		't', "$table: numbers go on");
}

# The workers go on: what is covered is not read again, a new relay is archived.
my $pages = $new->safe_psql('copy', 'SELECT sum(pages) FROM _bigbrotr.relay_traffic');
my $more  = relay_stub(events => 500);
$new->safe_psql('copy', "SELECT bigbrotr.add_relay('$more->{urls}[0]')");
# Audits read again on purpose.
$new->safe_psql('copy', 'UPDATE _bigbrotr.relay_sync SET next_audit = bigbrotr.unix_now() + 86400');
$new->append_conf('postgresql.conf', "bigbrotr.enabled = 'on'\n");
$new->reload;
wait_for($new, q{count(*) = 3 FROM _bigbrotr.relay_sync WHERE phase = 'live'}, 'copy');
is($new->safe_psql('copy', q{
		SELECT sighting_count FROM bigbrotr.sync_status WHERE relay_url = '} . $more->{urls}[0] . q{'}),
	500, 'a new relay is archived');
is($new->safe_psql('copy', q{SELECT count(*) FROM bigbrotr.sync_status WHERE read_from = to_timestamp(0) AND phase = 'live'}),
	3, 'and all are covered');
cmp_ok($new->safe_psql('copy', q{SELECT sum(page_count) FROM bigbrotr.sync_status WHERE relay_url <> '} . $more->{urls}[0] . q{'}),
	'<', $pages + 10, 'what was covered was not read again');
is($new->safe_psql('copy', q{SELECT count(*) FROM bigbrotr.sync_status WHERE phase = 'paused'}), 1, 'a disabled relay stays disabled');

$_->stop for $old, $new;
done_testing();
