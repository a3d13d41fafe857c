# Several workers of one service in one database share its relays (bigbrotr.sync_instances), and tell them whom to write to.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use ScriptedRelay qw(websocket);
use PostgreSQL::Test::Utils;
use Test::More;

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(relays => 8, events => 1500, overlap => 50, rate => 300, publish => 50, copies => 2, list => $list);
my $node = archive_server('instances', 'bigbrotr.sync_instances' => 2, 'bigbrotr.sync_connections' => 4, 'bigbrotr.contact' => 'mailto:me@example.com');
my $state = q{(SELECT string_agg(concat_ws(' ', instance, state), ', ' ORDER BY instance) FROM bigbrotr.services WHERE service = 'synchronizer')};
my $owners = '(SELECT count(DISTINCT owner) FROM _bigbrotr.relay_leases)';
my $leases = '(SELECT count(*) FROM _bigbrotr.relay_leases)';

sub pid_of
{
	my ($instance) = @_;
	return $node->safe_psql('postgres', "SELECT pid FROM bigbrotr.services WHERE service = 'synchronizer' AND instance = $instance");
}

wait_for($node, "$state = '1 running, 2 running'");
add_relays($node, @{ $stub->{urls} });
wait_for($node, "$owners = 2 AND $leases = 8");
pass('each worker has as many relays as it has places');
wait_for($node, '(SELECT count(*) FROM bigbrotr.sightings) > 500');

# One of them ends: the other one goes on, and the first one comes back.
my ($ended, $other) = (pid_of(1), pid_of(2));
$node->safe_psql('postgres', "SELECT pg_terminate_backend($ended)");
ok(gone($ended), 'one worker is ended');
wait_for($node, "EXISTS (SELECT FROM bigbrotr.services WHERE service = 'synchronizer' AND instance = 1 AND state = 'running' AND pid <> $ended)");
is(pid_of(2), $other, 'the other one goes on');

stop_publishing($stub);
load_truth($node, $stub);
wait_for($node, q{(SELECT count(*) FROM bigbrotr.sightings) = (SELECT count(*) FROM public.truth)});
archive_matches($node, 'two workers');
is(unfounded_claims($node), 0, 'nothing is claimed that is not archived');
is($node->safe_psql('postgres', q{SELECT bool_and((bigbrotr.service_stats('synchronizer', n) #>> '{custom,sightings_new}')::bigint > 0) FROM generate_series(1, 2) AS n}),
	't', 'both have archived something');
is($node->safe_psql('postgres', q{SELECT bigbrotr.health_check('synchronizer')}), 't', 'both are well');

# The number changes with a reload. The leases of the worker that is gone expire, here at once; the relays go to the other.
set_workers(1);
wait_for($node, "$state LIKE '1 running%' AND $state NOT LIKE '%2 running%'");
ok(gone($other), 'the second worker is ended');
# In one transaction: the other worker may look for leases that have expired.
is($node->safe_psql('postgres', q{BEGIN; UPDATE _bigbrotr.sync_workers SET expires = 0 WHERE owner LIKE '%synchronizer.2';
	SELECT _bigbrotr.expire_leases(bigbrotr.unix_now()); COMMIT}), 4, 'its relays are free');
is($node->safe_psql('postgres', "SELECT $owners"), 1, 'the first worker keeps its own');
set_workers(3);
wait_for($node, "$state = '1 running, 2 running, 3 running' AND $leases = 8");
pass('a new number of workers shares the relays again');

# Operators of relays are told whom to write to.
my $heard = PostgreSQL::Test::Utils::tempdir() . '/heard';
my $relay = ScriptedRelay->start('/' => websocket(
	sub {
		my ($c) = @_;
		append_to_file($heard, $c->{request});
		while (my ($sub) = $c->req) { $c->text("[\"EOSE\",$sub]") }
	}));
my $url = $relay->url('/');
add_relays($node, $url);
wait_for($node, "EXISTS (SELECT FROM bigbrotr.relays WHERE '$url' LIKE url || '%' AND status = 'online')");
like(slurp_file($heard), qr{^User-Agent: bigbrotr/\S+ \(mailto:me\@example\.com\)\r?$}m, 'the User-Agent names the contact');

# Commands are for all of them.
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('synchronizer')});
is($node->safe_psql('postgres', "SELECT $state"), '1 disabled, 2 disabled, 3 disabled', 'all are stopped');
$node->safe_psql('postgres', q{SELECT bigbrotr.start_service('synchronizer')});
is($node->safe_psql('postgres', q{SELECT bigbrotr.wait_for_service('synchronizer', 'running', '3 min')}), 't', 'all are started');
is($node->safe_psql('postgres', "SELECT $state"), '1 running, 2 running, 3 running', 'all three');
$node->stop;
$relay->stop;
done_testing();

sub set_workers
{
	my ($number) = @_;
	$node->append_conf('postgresql.conf', "bigbrotr.sync_instances = $number");
	$node->reload;
	return;
}
