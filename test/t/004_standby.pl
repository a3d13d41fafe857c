# A standby runs no service until it is promoted.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Bigbrotr;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary', undef, allows_streaming => 1);
$primary->start;
ask($primary, 'CREATE EXTENSION bigbrotr');
wait_for_service($primary, 'synchronizer', 'running');

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
ask($primary, "SELECT bigbrotr.add_relay('wss://relay.example.com')");
$primary->wait_for_catchup($standby);

is( ask($standby, "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'bigbrotr%'"),
	'0', 'no process of ours on a standby');
is(ask($standby, 'SELECT count(*) FROM bigbrotr.services'), '0', 'no service');
my (undef, undef, $error) =
  $standby->psql('postgres', "SELECT bigbrotr.service_start('synchronizer')");
like($error, qr/no services during recovery.*HINT:.*promoted/s, 'with the reason');
is(ask($standby, 'SELECT url FROM bigbrotr.relays'), 'wss://relay.example.com', 'data is there');

# The relay would be asked for on the network now: it goes first.
ask($primary, 'DELETE FROM bigbrotr.relays');
$primary->wait_for_catchup($standby);
$primary->stop;
$standby->promote;
wait_for_service($standby, 'synchronizer', 'running');
is(services_of($standby), 'initializer done, synchronizer running', 'services start after promotion');

$standby->stop;
done_testing();
