# kill -9 of the net process, of any backend and of the server, and immediate stops, at random moments: while the past
# of some relays is read, while new events come, and while what is known is read again. After each the archive goes
# on and claims nothing that is not there; in the end it is what the relays serve.
#
# By hand: BIGBROTR_CRASHES=1000 SUITE_TIMEOUT=20000 ./check tap 053_crashes
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $crashes = $ENV{BIGBROTR_CRASHES} // 20;
my $seed = $ENV{BIGBROTR_TEST_SEED} // time;
srand $seed;
note "moments by BIGBROTR_TEST_SEED=$seed";

# Each relay's past is so slow that it outlasts some crashes. Where there are many relays, each is smaller: all of the
# archive is compared after every crash.
my $relays = 3 + int($crashes / 5);
my $events = $crashes > 100 ? 600 : 3000;
my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(relays => $relays, events => $events, overlap => 50, rate => $events / 10, publish => 20, copies => 3, list => $list);

my $node = archive_server('crashes', 'bigbrotr.sync_interval' => '2s');
load_truth($node, $stub);
my @unknown = @{ $stub->{urls} };
add_relays($node, splice @unknown, 0, 3);

my %crash = (
	'net process killed' => sub { kill 'KILL', net_pid($node) },
	'worker killed' => sub { kill_backend(q{backend_type = 'bigbrotr synchronizer'}) },
	'backend killed' => sub { kill_backend('pid <> pg_backend_pid()') },
	'server stopped' => sub { $node->stop('immediate'); $node->start },
	'postmaster killed' => sub { kill_server($node) });

my $archived = 0;
my @unfounded;
my %amid;    # crashes in the middle of a backfill, by kind
for my $number (1 .. $crashes)
{
	my ($kind) = (sort keys %crash)[ $number <= keys %crash ? $number - 1 : rand keys %crash ];
	# At work again, then a random moment later.
	wait_for($node, "count(*) > $archived FROM bigbrotr.sightings");
	my $reading = being_read();
	if (@unknown && $reading < 3)
	{
		add_relays($node, shift @unknown);
		wait_for($node, q{EXISTS (SELECT FROM _bigbrotr.relay_sync WHERE phase = 'backfill')});
		$reading = being_read();
	}
	select undef, undef, undef, rand 0.5;
	$crash{$kind}->();
	wait_for($node, q{bigbrotr.start_services()::text = ''});    # this was no bug: no reason to hold back
	$archived = $node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.sightings');
	load_truth($node, $stub);
	my $unfounded = unfounded_claims($node);
	push @unfounded, "$number: $kind at $archived sightings: $unfounded" if $unfounded;
	$amid{$kind}++ if $reading;
	note "$number: $kind at $archived sightings, $reading relays were being read, $unfounded events claimed and not there";
}
is(join(', ', sort keys %amid), join(', ', sort keys %crash), 'crashes of each kind were in the middle of a backfill');
is("@unfounded", '', 'nothing was claimed after them that was not there');

add_relays($node, @unknown) if @unknown;
stop_publishing($stub);
# Many relays that are read again every two seconds are never all caught up.
$node->append_conf('postgresql.conf', "bigbrotr.sync_interval = '1h'");
$node->reload;
load_truth($node, $stub);
wait_for($node, q{count(*) = (SELECT count(*) FROM truth) FROM bigbrotr.sightings});
wait_for($node, qq{count(*) = $relays FROM _bigbrotr.relay_sync WHERE phase = 'live'});
archive_matches($node, 'the archive is whole');
is(unfounded_claims($node), 0, 'its coverage is true');

# The same relays, undisturbed.
my $calm = archive_server('undisturbed');
load_truth($calm, $stub);
add_relays($calm, @{ $stub->{urls} });
wait_for($calm, qq{count(*) = $relays FROM _bigbrotr.relay_sync WHERE phase = 'live'});
archive_matches($calm, 'so is that of an undisturbed run');

my %content;
for my $server ($node, $calm)
{
	$content{ $server->name } = $server->safe_psql('postgres', q{
		SELECT 'events', md5(string_agg(bigbrotr.event_json(e), ',' ORDER BY event_id)) FROM bigbrotr.events AS e
		UNION ALL
		SELECT 'covered to the beginning', string_agg(url, ',' ORDER BY url)
		FROM bigbrotr.relays AS r, bigbrotr.completeness(r.url, '{}', to_timestamp(0),
		     to_timestamp((SELECT max(created_at) FROM truth WHERE created_at < bigbrotr.unix_now() - 86400))) AS c
		WHERE c.answer IN ('read', 'proven')
		ORDER BY 1});
}
is($content{crashes}, $content{undisturbed}, 'both archives are the same');

$_->stop for $node, $calm;
done_testing();

# The number of relays whose past is being read.
sub being_read
{
	return $node->safe_psql('postgres', q{SELECT count(*) FROM _bigbrotr.relay_sync WHERE phase IN ('connecting', 'backfill')});
}

# The server restarts itself when a process of its own is killed.
sub kill_backend
{
	my ($which) = @_;
	my @pids = split /\n/, $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE $which");
	die 'no process to kill' unless @pids;
	my $pid = $pids[ rand @pids ];
	kill 'KILL', $pid or return;    # it has just ended
	wait_for($node, "NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)");
	return;
}
