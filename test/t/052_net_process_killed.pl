# The net process dies, of SIGKILL or SIGSEGV, again and again in the middle of a backfill: the server and
# its sessions do not notice, and the archive goes on until it is whole.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $kills = 6;
my $stub = relay_stub(relays => 3, events => 6000, overlap => 50, rate => 400, list => PostgreSQL::Test::Utils::tempdir() . '/truth.tsv');
my $node = archive_server('net_killed');
load_truth($node, $stub);

# A session that is open all the time.
my $session = $node->background_psql('postgres');

my $worker = service_pid($node);
add_relays($node, @{ $stub->{urls} });
my $archived = 0;
for my $round (1 .. $kills)
{
	# So much progress between two kills that the last one is still in the middle.
	my $next = $archived + 800;
	wait_for($node, "count(*) > $next FROM bigbrotr.events");
	my $net = net_pid($node);
	kill $round % 2 ? 'KILL' : 'SEGV', $net or die "process $net is gone already";
	$archived = $node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events');
	is(unfounded_claims($node), 0, "kill $round at $archived events: nothing claimed that is not there");
	isnt(net_pid_after($net), $net, "kill $round: there is a new one");
}
cmp_ok($archived, '<', 12000, 'the last one was in the middle');
wait_for($node, q{count(*) = 3 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
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
