# The priority synchronizer beside the synchronizer: each has its own relays, places, worker and net process, and what
# happens to the one is nothing to the other.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use ScriptedRelay qw(websocket is_page);
use PostgreSQL::Test::Utils;
use Test::More;

my $list   = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $honest = relay_stub(events => 300, relays => 2, list => $list);
my ($first, $second) = @{ $honest->{urls} };
# Pages of these are never answered: who reads them, reads them for as long as it may.
my $endless = websocket(
	sub {
		my ($c) = @_;
		while (my ($sub, $filter) = $c->req)
		{
			next if is_page($filter);
			$c->text("[\"EOSE\",$sub]");
		}
	});
my $slow = ScriptedRelay->start(map { ("/$_" => $endless) } 1 .. 4);

my $node = archive_server(
	'priority',
	'bigbrotr.sync_connections'          => 2,
	'bigbrotr.sync_connections_per_host' => 2,
	'bigbrotr.sync_interval'             => '1h',
	'bigbrotr.response_timeout'          => '10min');
load_truth($node, $honest);

# The last net process of a service, as soon as there is one that is not `former`.
sub net_of
{
	my ($service, $former) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $pid = $node->safe_psql('postgres', "SELECT pid FROM bigbrotr.services WHERE service = '$service'");
		my ($child) = $pid && -e "/proc/$pid/task/$pid/children" ? slurp_file("/proc/$pid/task/$pid/children") =~ /^(\d+)/ : ();
		return $child if $child && $child != ($former // 0);
		select undef, undef, undef, 0.1;
	}
	die "$service has no net process";
}
my $leases = sub { $node->safe_psql('postgres', qq{SELECT string_agg(relay_id || ' ' || taken_at, ',' ORDER BY relay_id)
	FROM _bigbrotr.relay_leases WHERE owner ~ '/$_[0]\$'}) };
my $status = sub { my ($url, $condition) = @_; "EXISTS (SELECT FROM bigbrotr.sync_status WHERE relay_url = '$url' AND $condition)" };
my $priority = sub { my ($url, $condition) = @_; "EXISTS (SELECT FROM bigbrotr.priority_relays WHERE relay_url = '$url' AND $condition)" };

# All places of the synchronizer are taken by relays that are read for an hour.
add_relays($node, map { $slow->url("/$_") } 1 .. 4);
wait_for($node, q{count(*) = 2 FROM _bigbrotr.relay_leases WHERE owner ~ '/synchronizer$'});
wait_for($node, q{count(*) = 2 FROM bigbrotr.sync_status WHERE phase = 'backfill'});

# A relay of the same host has no place there; as a priority relay it has one at once, and is read at its interval.
add_relays($node, $first);
is($node->safe_psql('postgres', q{SELECT count(*) FROM bigbrotr.sync_status WHERE phase = 'waiting' AND owner IS NULL}), 3, 'there is no place');
$node->safe_psql('postgres', "SELECT bigbrotr.add_priority_relay('$_', '10 s')") for $first, $second;
wait_for($node, $priority->($_, 'kept_count >= 2')) for $first, $second;
archive_matches($node, 'priority relays are archived while the synchronizer has no place');
wait_for($node, $status->($first, q{interval_state = 'kept' AND phase = 'live' AND owner ~ '/priority_synchronizer$'}));
pass('and read again at their interval');
is($leases->('synchronizer') =~ tr/,//, 1, 'the synchronizer has its places still');

# Another interval counts at once.
$node->safe_psql('postgres', "SELECT bigbrotr.add_priority_relay('$first', '2 s')");
my $readings = $node->safe_psql('postgres', "SELECT kept_count + missed_count FROM bigbrotr.priority_relays WHERE relay_url = '$first'");
wait_for($node, $priority->($first, "kept_count + missed_count >= $readings + 3"));

# The end of one net process is nothing to the connections of the other.
my %net = map { $_ => net_of($_) } 'synchronizer', 'priority_synchronizer';
isnt($net{synchronizer}, $net{priority_synchronizer}, 'each has a net process');
my $held = $leases->('synchronizer');
my $read = $node->safe_psql('postgres', "SELECT last_read FROM bigbrotr.priority_relays WHERE relay_url = '$first'");
kill 'KILL', $net{priority_synchronizer};
wait_for($node, $priority->($first, "last_read > '$read'"));
isnt(net_of('priority_synchronizer', $net{priority_synchronizer}), $net{priority_synchronizer}, 'a net process that was killed is replaced');
is($leases->('synchronizer'), $held, 'the other service keeps its relays');
is(net_of('synchronizer'), $net{synchronizer}, 'and its net process');
# The next net process gets its relays in its first cycle.
wait_for($node, q{count(*) = 2 FROM _bigbrotr.relay_leases WHERE owner ~ '/priority_synchronizer$'});
$held = $leases->('priority_synchronizer');
kill 'KILL', $net{synchronizer};
net_of('synchronizer', $net{synchronizer});
wait_for($node, q{count(*) = 2 FROM _bigbrotr.relay_leases AS l JOIN _bigbrotr.relay_sync USING (relay_id) WHERE owner ~ '/synchronizer$' AND phase = 'backfill'});
is($leases->('priority_synchronizer'), $held, 'and the other way round');

# A pause of one: its interval is missed, and seen to be; the other works on.
$node->safe_psql('postgres', q{SELECT bigbrotr.pause_service('priority_synchronizer')});
wait_for($node, $status->($first, q{interval_state = 'missed'}));
wait_for($node, $priority->($first, q{interval_state = 'missed' AND missed_count > 0}));
is($leases->('priority_synchronizer'), $held, 'a paused service keeps its relays');
is($node->safe_psql('postgres', q{SELECT state FROM bigbrotr.services WHERE service = 'synchronizer'}), 'running', 'and the other one runs');
$node->safe_psql('postgres', q{SELECT bigbrotr.resume_service('priority_synchronizer')});
wait_for($node, $priority->($first, q{interval_state = 'kept'}));
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('synchronizer')});
$read = $node->safe_psql('postgres', "SELECT last_read FROM bigbrotr.priority_relays WHERE relay_url = '$first'");
wait_for($node, $priority->($first, "last_read > '$read'"));
pass('without the synchronizer priority relays are read');
$node->safe_psql('postgres', q{SELECT bigbrotr.start_service('synchronizer')});
wait_for($node, q{count(*) = 2 FROM _bigbrotr.relay_leases WHERE owner ~ '/synchronizer$'});

# The other way: a relay that is taken out, or put in while the synchronizer has it open, changes its worker.
$node->safe_psql('postgres', join ';', map { "SELECT bigbrotr.disable_relay('" . $slow->url("/$_") . "')" } 1 .. 4);
$node->safe_psql('postgres', "SELECT bigbrotr.remove_priority_relay('$first')");
wait_for($node, $status->($first, q{phase = 'live' AND owner ~ '/synchronizer$' AND interval_state IS NULL}));
pass('a relay that is no priority relay any more goes to the synchronizer');
$node->safe_psql('postgres', "SELECT bigbrotr.add_priority_relay('$first')");
wait_for($node, $status->($first, q{phase = 'live' AND owner ~ '/priority_synchronizer$'}));
pass('and back');

# Without its service a priority relay waits, and says for what.
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('priority_synchronizer')});
my $late = $slow->url('/2');
$node->safe_psql('postgres', "SELECT bigbrotr.add_priority_relay('$late'), bigbrotr.enable_relay('$late')");
my $cycles = $node->safe_psql('postgres', q{SELECT cycle_count FROM bigbrotr.services WHERE service = 'synchronizer'});
wait_for($node, "cycle_count > $cycles + 2 FROM bigbrotr.services WHERE service = 'synchronizer'");
is($node->safe_psql('postgres', "SELECT owner, waiting_for FROM bigbrotr.sync_status WHERE relay_url = '$late'"), '|the priority synchronizer', 'no other service takes it');
$node->safe_psql('postgres', "SELECT bigbrotr.remove_priority_relay('$late')");

# A list in a file.
my $file = $node->basedir . '/priority';
append_to_file($file, "# ours\n" . $slow->url('/1') . "\nno relay\n");
$node->append_conf('postgresql.conf', "bigbrotr.priority_file = '$file'\n");
$node->reload;
wait_for($node, "current_setting('bigbrotr.priority_file') = '$file'");
$node->safe_psql('postgres', q{SELECT bigbrotr.restart_service('initializer')});
wait_for($node, $priority->($slow->url('/1'), 'listed'));
is($node->safe_psql('postgres', "SELECT line, text FROM bigbrotr.seed_rejects WHERE source = '$file'"), '3|no relay', 'a bad line is refused');
unlink $file;
my $log = -s $node->logfile;
$node->safe_psql('postgres', q{SELECT bigbrotr.restart_service('initializer')});
ok($node->wait_for_log(qr/could not read seed file "\Q$file\E".*the priority relays stay as they are/, $log), 'an unreadable file is reported');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.priority_relays WHERE listed'), 1, 'and changes nothing');
$node->append_conf('postgresql.conf', "bigbrotr.priority_file = ''\n");
$node->reload;
wait_for($node, q{current_setting('bigbrotr.priority_file') = ''});
$node->safe_psql('postgres', q{SELECT bigbrotr.restart_service('initializer')});
wait_for($node, 'NOT EXISTS (SELECT FROM bigbrotr.priority_relays WHERE listed)');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.priority_relays'), 2, 'no file, no relays of it; the others stay');

$node->stop;
$slow->stop;
done_testing();
