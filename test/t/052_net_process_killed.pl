# The net process dies, of SIGKILL or SIGSEGV, again and again in the middle of a backfill: the server and
# its sessions do not notice, and the archive goes on until it is whole.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

# A relay for each kill: however slow the machine is, the kill comes in the middle of its backfill, of a quarter of a minute.
my $events = 3000;
my $stub = relay_stub(relays => 6, events => $events, overlap => 50, rate => $events / 15, list => PostgreSQL::Test::Utils::tempdir() . '/truth.tsv');
my $node = archive_server('net_killed');
load_truth($node, $stub);

# A session that is open all the time.
my $session = session($node);

my $worker = service_pid($node);
my $kill = 0;
for my $url (@{ $stub->{urls} })
{
	my $archived = "(SELECT count(*) FROM bigbrotr.event_relay WHERE relay_url = '$url')";
	add_relays($node, $url);
	wait_for($node, "$archived > $events / 15");
	my $net = net_pid($node);
	kill ++$kill % 2 ? 'KILL' : 'SEGV', $net or die "process $net is gone already";
	cmp_ok($node->safe_psql('postgres', "SELECT $archived"), '<', $events, "kill $kill: in the middle of a backfill");
	is(unfounded_claims($node), 0, "kill $kill: nothing claimed that is not there");
	isnt(net_pid_after($net), $net, "kill $kill: there is a new one");
}
wait_for($node, qq{count(*) = $kill FROM _bigbrotr.relay_sync WHERE phase = 'live'});
archive_matches($node, 'the archive is whole');
is(unfounded_claims($node), 0, 'and its coverage is true');
is(service_pid($node), $worker, 'the worker is still the first one');

is($session->query_safe(q{SELECT 'still here'}), 'still here', 'a session lived through all of it');
$session->quit;
unlike(slurp_file($node->logfile), qr/reinitializing|PANIC|was terminated by signal/, 'the server never restarted');

$node->stop;
done_testing();

# The net process that follows the one that was killed.
sub net_pid_after
{
	my ($old) = @_;
	my $new = $old;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		$new = net_pid($node);
		last if $new != $old;
		select undef, undef, undef, 0.1;
	}
	return $new;
}
