# What must not cost a healthy net process its life: a reload between two of its messages, and a worker that did
# not read for longer than a net process may be silent.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(relays => 4, events => 3000, overlap => 50, rate => 100, publish => 100, copies => 4, list => $list);
my $node = archive_server('kept');
add_relays($node, @{ $stub->{urls} });

sub lost
{
	return $node->safe_psql('postgres', q{SELECT bigbrotr.service_stats('synchronizer') #>> '{custom,net_restarts}'});
}

# Waits until the relays have so many more events, which they send at once.
sub wait_for_lines
{
	my ($more) = @_;
	my $lines = sub { my $count = () = slurp_file($list) =~ /\n/g; $count };
	my $end = $lines->() + $more;
	select undef, undef, undef, 0.1 while $lines->() < $end;
	return;
}

# A reload that replaces the net process, since another number of threads needs another process, comes while messages of the
# old one wait in the worker: it stands still until there are many, and a lock holds up the first batch. The other messages
# are ignored.
my $session = session($node);
for my $threads (3, 4, 5)
{
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.sightings');
	wait_for($node, "(SELECT count(*) FROM bigbrotr.sightings) > $before");
	my $worker = service_pid($node);
	my $old    = net_pid($node);
	$session->query_safe('BEGIN; LOCK TABLE bigbrotr.sightings IN SHARE MODE');
	kill 'STOP', $worker;
	wait_for_lines(1000);
	kill 'CONT', $worker;
	wait_for($node, q{waiting_for LIKE 'a lock on bigbrotr.sightings%' FROM bigbrotr.services WHERE service = 'synchronizer'});
	$node->append_conf('postgresql.conf', "bigbrotr.sync_verifier_threads = $threads");
	$node->reload;
	wait_for($node, "setting = '$threads' FROM pg_settings WHERE name = 'bigbrotr.sync_verifier_threads'");
	$session->query_safe('COMMIT');
	ok(gone($old), "the net process is replaced ($threads threads)");
}
$session->quit;
is(lost(), '0', 'none counts as lost');
unlike(slurp_file($node->logfile), qr/the net process is lost/, 'nor does the log say so');

# The worker stands still for longer than the 30 s that a net process may be silent, and is then woken by a signal
# before it has looked at the socket. There is no state to wait for: what is tested is the time itself.
my $worker = service_pid($node);
my $net    = net_pid($node);
kill 'STOP', $worker;
select undef, undef, undef, 31;
kill 'HUP',  $worker;
kill 'CONT', $worker;
is($node->safe_psql('postgres', q{SELECT bigbrotr.health_check('synchronizer')}), 't', 'the worker goes on');
is(net_pid($node), $net, 'with the same net process');
is(lost(), '0', 'which it never took for dead');
stop_publishing($stub);
load_truth($node, $stub);
wait_for($node, q{(SELECT count(*) FROM bigbrotr.sightings) = (SELECT count(*) FROM public.truth)});
archive_matches($node, 'after all that');
$node->stop;
done_testing();
