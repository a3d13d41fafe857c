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
my $stub = relay_stub(relays => 4, events => 9000, overlap => 50, rate => 100, list => $list);
my $node = archive_server('kept');
load_truth($node, $stub);
add_relays($node, @{ $stub->{urls} });

sub lost
{
	return $node->safe_psql('postgres', q{SELECT coalesce(bigbrotr.service_stats('synchronizer') #>> '{custom,net_restarts}', '0')});
}

# Replaced again and again under load, since another number of threads needs another net process: what the old one
# had said last is nobody's any more.
for my $round (1 .. 10)
{
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.sightings');
	wait_for($node, "(SELECT count(*) FROM bigbrotr.sightings) > $before");
	my $old = net_pid($node);
	$node->append_conf('postgresql.conf', 'bigbrotr.sync_verifier_threads = ' . (2 + $round % 2));
	$node->reload;
	ok(gone($old), "the net process is replaced ($round)");
}
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
wait_for($node, q{(SELECT count(*) FROM bigbrotr.sightings) = (SELECT count(*) FROM public.truth)});
archive_matches($node, 'after all that');
$node->stop;
done_testing();
