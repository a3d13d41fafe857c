# A standby runs no service until it is promoted. Its launcher says what the services wait for.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

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

$standby->poll_query_until('postgres', q{
	SELECT count(*) = 9 AND count(*) FILTER (WHERE waiting_for = 'end of recovery') = 2 FROM bigbrotr.services})
  or die 'no services, or none waits';
is( ask($standby, "SELECT string_agg(backend_type, ',') FROM pg_stat_activity WHERE backend_type LIKE 'bigbrotr%'"),
	'bigbrotr launcher', 'on a standby only the launcher runs');
is( ask($standby, "SELECT DISTINCT state, waiting_for FROM bigbrotr.services
		WHERE service = ANY (string_to_array(current_setting('bigbrotr.services'), ', '))"),
	'enabled|end of recovery', 'services wait for the end of recovery');
my (undef, undef, $error) =
  $standby->psql('postgres', "SELECT bigbrotr.start_service('synchronizer')");
like($error, qr/does not run service "synchronizer" during recovery.*HINT:.*promoted/s, 'with the reason');
is(ask($standby, 'SELECT bigbrotr.stop_services(); SELECT bigbrotr.start_services()'), "\n", 'all that may run there can be stopped and started');
is(ask($standby, 'SELECT url FROM bigbrotr.relays'), 'wss://relay.example.com', 'data is there');

# The relay would be asked for on the network now: it goes first.
ask($primary, "CALL bigbrotr.delete_relay('wss://relay.example.com')");
$primary->wait_for_catchup($standby);
$primary->stop;
$standby->promote;
wait_for_service($standby, 'synchronizer', 'running');
is(services_of($standby), 'initializer done, synchronizer running', 'services start after promotion');

$standby->stop;
done_testing();
