# A disk that is full: first that of the events, then that of the log. The disks are small file systems (tmpfs) in a mount namespace of this test's own.
use strict;
use warnings;

# Before the test's output is redirected.
BEGIN
{
	my @namespace = qw(unshare --user --map-current-user --keep-caps --mount);
	if (!$ENV{BIGBROTR_TEST_NAMESPACE})
	{
		$ENV{BIGBROTR_TEST_NAMESPACE} = 1;
		exec @namespace, $^X, (map { "-I$_" } @INC), $0 if system(@namespace, qw(mount -t tmpfs none /mnt)) == 0;
		print "1..1\nok 1 # SKIP this system lets its users mount nothing; 080_obstacles.pl has a trigger play a full disk\n";
		exit;
	}
}
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

sub run { system(@_) == 0 or die "@_ failed\n"; return }

# A file system of so many megabytes.
sub small_disk
{
	my ($directory, $megabytes) = @_;
	mkdir $directory or die "$directory: $!\n";
	run('mount', '-t', 'tmpfs', '-o', "size=${megabytes}m,mode=0700", 'none', $directory);
	return $directory;
}

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(relays => 2, events => 8000, overlap => 50, publish => 50, list => $list);
my $node = archive_node('full', 'bigbrotr.min_free_disk' => 0, 'checkpoint_timeout' => '1h', 'max_wal_size' => '1GB');
my $room = small_disk($node->basedir . '/room', 3);
$node->start;
create_archive($node);
load_truth($node, $stub);
$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$room'");
$node->safe_psql('postgres', 'ALTER TABLE bigbrotr.events SET TABLESPACE small');

# ---- no room for events

my $worker = service_pid($node);
add_relays($node, @{ $stub->{urls} });
wait_for($node, q{waiting_for ~ 'disk' FROM bigbrotr.services WHERE service = 'synchronizer'});
pass('the archive waits, and says for what');
my $net = net_pid($node);
is(unfounded_claims($node), 0, 'nothing is claimed that is not there');
is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.verify_references()'), '', 'and nothing is there in part');
run('mount', '-o', 'remount,size=200m', $room);
wait_for($node, q{count(*) = 2 FROM bigbrotr.sync_status WHERE phase = 'live'});
is(service_pid($node) . ' ' . net_pid($node), "$worker $net", 'with room again, worker and net process go on');

# ---- no room for the log: the server cannot but stop

$node->stop;
my $log = small_disk($node->basedir . '/log', 200);
run('cp', '-a', $node->data_dir . '/pg_wal/.', $log);
run('rm', '-r', $node->data_dir . '/pg_wal');
symlink $log, $node->data_dir . '/pg_wal' or die "symlink: $!\n";
$node->start;
wait_for($node, q{count(*) = 2 FROM bigbrotr.sync_status WHERE phase = 'live'});
my $postmaster = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/ ? $1 : die 'no postmaster';
# Segments that are made in advance are in the way as well.
isnt(system('sh', '-c', "head -c 1G /dev/zero > $log/ballast 2> /dev/null"), 0, 'the disk of the log is full');
for (1 .. 100)
{
	last if gone_now($postmaster);
	# A psql that finds no server breaks the pipe of this test.
	eval { $node->psql('postgres', 'SELECT pg_switch_wal(), pg_sleep(0.1)') };
}
ok(gone($postmaster), 'without room for its log the server stops');
like(slurp_file($node->logfile), qr/PANIC:.*No space left on device/, 'and says why');
unlink "$log/ballast" or die "ballast: $!\n";
$node->kill9;
$node->start;
wait_for($node, q{count(*) = 2 FROM bigbrotr.sync_status WHERE phase = 'live'});
stop_publishing($stub);
load_truth($node, $stub);
wait_for($node, '(SELECT count(*) FROM bigbrotr.sightings) = (SELECT count(*) FROM public.truth)');
archive_matches($node, 'after both, nothing is lost or there twice');
is(unfounded_claims($node), 0, 'and nothing is claimed that is not there');
$node->stop;
done_testing();

sub gone_now { return !kill 0, $_[0] }
