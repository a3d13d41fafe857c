# Which relay gets a place, and for how long: hosts and sites have a share, a relay that is read for long gives its place to
# those that wait, and without room on the disk no relay is read.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use ScriptedRelay qw(websocket is_page);
use PostgreSQL::Test::Utils;
use Test::More;

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $honest = relay_stub(events => 300, list => $list);

# Each page is one event of one second, so that its history never ends.
my ($event) = split /\n/, corpus('--seed', 7, 1);
my $endless = websocket(
	sub {
		my ($c) = @_;
		while (my ($sub, $filter) = $c->req)
		{
			next if is_page($filter);    # never answered: it is read for as long as it may
			$c->text("[\"EOSE\",$sub]");
		}
	});
my $hostile = ScriptedRelay->start(map { ("/$_" => $endless) } 1 .. 200);

my $node = archive_server(
	'places',
	'bigbrotr.sync_connections'          => 8,
	'bigbrotr.sync_connections_per_host' => 3,
	'bigbrotr.sync_connections_per_site' => 5,
	'bigbrotr.response_timeout'          => '10min');
load_truth($node, $honest);

# 200 names of one host.
add_relays($node, map { $hostile->url("/$_") } 1 .. 200);
wait_for($node, q{count(*) = 3 FROM _bigbrotr.relay_sync WHERE phase = 'backfill'});
wait_for($node, q{count(*) = 197 FROM bigbrotr.sync_status WHERE waiting_for ~ 'sync_connections_per_host'});
pass('200 URLs of one host have the places of one host');

# The honest one has another name, and finds a place.
my $url = $honest->{urls}[0] =~ s/127\.0\.0\.1/localhost/r;
$node->safe_psql('postgres', "UPDATE truth SET url = '$url'");
add_relays($node, $url);
wait_for($node, "phase = 'live' FROM bigbrotr.sync_status WHERE relay_url = '$url'");
archive_matches($node, 'the relay of another host is archived');
is($node->safe_psql('postgres', 'SELECT max(n) FROM (SELECT count(*) AS n FROM _bigbrotr.relay_leases GROUP BY host) AS h'), 3, 'the first host still has its share');

# With a short slice all of them get their turn; the slice is no failure.
$node->append_conf('postgresql.conf', "bigbrotr.sync_interval = '1s'\n");
$node->reload;
wait_for($node, q{count(*) >= 12 FROM _bigbrotr.relay_sync JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '127.0.0.1' AND next_attempt > 0});
is($node->safe_psql('postgres', 'SELECT count(*) FROM _bigbrotr.relay_sync WHERE failures > 0'), 0, 'relays that are read for long give way to others of their host');
is($node->safe_psql('postgres', 'SELECT count(*) FROM _bigbrotr.relay_leases WHERE host = $$127.0.0.1$$') <= 3, 1, 'the share holds');

# All places taken by relays that are read for long: the honest one gets its turn again and again.
# The worker locks rows in another order. With a lock of the table, the UPDATE waits before it holds any row.
$node->safe_psql('postgres', q{BEGIN; LOCK TABLE _bigbrotr.relay_sync IN EXCLUSIVE MODE;
	UPDATE _bigbrotr.relay_sync SET enabled = false WHERE relay_id NOT IN
	(SELECT relay_id FROM bigbrotr.relays WHERE url ~ '/[0-3]$'); COMMIT});
$node->append_conf('postgresql.conf', "bigbrotr.sync_connections = 2\nbigbrotr.sync_connections_per_host = 2\n");
$node->reload;
for my $round (1 .. 2)
{
	my $now = $node->safe_psql('postgres', 'SELECT bigbrotr.unix_now()');
	wait_for($node, "EXISTS (SELECT FROM bigbrotr.sync_status WHERE relay_url = '$url' AND phase = 'live' AND phase_since > to_timestamp($now))");
}
pass('a relay that waits for any place gets its turn');

# A relay that brought its quota of new events is left alone for the rest of the hour; what it showed until then is kept.
my $rich = relay_stub(events => 20000, rate => 2000);
$node->append_conf('postgresql.conf', "bigbrotr.sync_relay_quota = 2000\n");
$node->reload;
add_relays($node, $rich->{urls}[0]);
my $waits = "FROM bigbrotr.sync_status WHERE relay_url = '$rich->{urls}[0]' AND phase = 'waiting' AND next_attempt > now() + interval '3000 s'";
wait_for($node, "EXISTS (SELECT $waits)");
my ($brought, $failures) = split /\|/, $node->safe_psql('postgres', "SELECT new_event_count, failure_count $waits");
cmp_ok($brought, '>=', 2000, 'a relay may bring its quota');
cmp_ok($brought, '<', 15000, 'and not much more');
is($failures, 0, 'which is no failure');

# A disk without room: all is closed, the service says why, and goes on by itself.
$node->append_conf('postgresql.conf', "bigbrotr.min_free_disk = '1000TB'\n");
$node->reload;
wait_for($node, q{waiting_for ~ 'min_free_disk' FROM bigbrotr.services WHERE service = 'synchronizer'});
wait_for($node, q{NOT EXISTS (SELECT FROM _bigbrotr.relay_leases)});
pass('without room on the disk nothing is open');
# The same with a database of the size that it may have.
$node->append_conf('postgresql.conf', "bigbrotr.min_free_disk = 0\nbigbrotr.max_database_size = '1MB'\n");
$node->reload;
wait_for($node, q{waiting_for ~ 'max_database_size' FROM bigbrotr.services WHERE service = 'synchronizer'});
is($node->safe_psql('postgres', q{SELECT count(*) FROM _bigbrotr.relay_leases}), 0, 'nothing is open when the database is large enough');
$node->append_conf('postgresql.conf', "bigbrotr.max_database_size = '1TB'\n");
$node->reload;
wait_for($node, q{EXISTS (SELECT FROM _bigbrotr.relay_leases)});
wait_for($node, q{waiting_for IS NULL FROM bigbrotr.services WHERE service = 'synchronizer'});
pass('and with room it goes on');

$node->stop;
$hostile->stop;
done_testing();
