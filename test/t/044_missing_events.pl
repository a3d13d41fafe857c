# Events are deleted after the archive said that they are there, and before their sightings are written: nothing is
# claimed that rests on them. Their relay is read again, and the events are archived anew. What is deleted later comes back when
# somebody asks for its time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use ScriptedRelay qw(serves);
use Test::More;

my @events = split /\n/, corpus('--seed', 5, 60);
my %time = map { ($_ => /"created_at":(\d+)/ ? $1 : die) } @events;
my ($newest, $middle, $oldest) = (sort { $time{$b} <=> $time{$a} } @events)[0, 30, -1];
my ($id, $deleted) = map { /"id":"(\w+)"/ } $newest, $middle;

my $relay = ScriptedRelay->start('/r' => serves(sub { @events }, 500));

my $node = archive_server('missing_events', 'bigbrotr.sync_interval' => '1s', 'bigbrotr.sync_confirm_delay' => 0);
# They are archived, but from no relay.
$node->safe_psql('postgres', "SELECT _bigbrotr.store_events(ARRAY[e.event_id], ARRAY[e.pubkey], ARRAY[e.created_at], ARRAY[e.kind],
	ARRAY[e.tags::text], ARRAY[e.content], ARRAY[e.sig], ARRAY[NULL]::bytea[], 1) FROM bigbrotr.parse_event('" . s/'/''/gr . "') AS e") for @events;
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), scalar(@events), 'the events are archived');

# The sightings cannot be written until the events are gone.
my $admin = session($node);
$admin->query_safe('BEGIN; LOCK TABLE bigbrotr.sightings IN SHARE MODE');
add_relays($node, $relay->url('/r'));
wait_for($node, q{EXISTS (SELECT FROM pg_locks WHERE relation = 'bigbrotr.sightings'::regclass AND NOT granted)});
$admin->query_safe('DELETE FROM bigbrotr.events; COMMIT');
$admin->quit;

wait_for($node, "EXISTS (SELECT FROM bigbrotr.coverage WHERE $time{$newest} BETWEEN lower AND upper)");
is($node->safe_psql('postgres', "SELECT count(*) FROM bigbrotr.event_relay WHERE event_id = '\\x$id'"), 1, 'what is claimed is archived');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.event_relay'), scalar(@events), 'and so is all else');
cmp_ok($node->safe_psql('postgres', q{SELECT bigbrotr.service_stats('synchronizer')->'custom'->>'events_missing'}), '>', 0, 'events were missing');
is($node->safe_psql('postgres', 'SELECT failures FROM _bigbrotr.relay_sync'), 0, 'which is no fault of the relay');

# The events of the corpus are older than the days that are read again at each visit.
my $url = $relay->url('/r');
my $history = "to_timestamp($time{$oldest} - 1), to_timestamp($time{$newest} + 1)";
my $proven = "(SELECT answer = 'proven' FROM bigbrotr.completeness('$url', '{}', $history))";
wait_for($node, $proven);
# The net process knows that the relay has shown it, and it is one of many.
$node->safe_psql('postgres', "SELECT bigbrotr.delete_events(ARRAY['\\x$deleted'::bytea])");
is($node->safe_psql('postgres', "SELECT NOT $proven"), 't', 'without it the time is not proven');
is($node->safe_psql('postgres', "SELECT bigbrotr.read_again('$url', $history)"), $time{$newest} - $time{$oldest} + 3, 'all of its history is to be read again');
wait_for($node, "EXISTS (SELECT FROM bigbrotr.event_relay WHERE event_id = '\\x$deleted')");
wait_for($node, $proven);
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.event_relay'), scalar(@events), 'the event is archived again, and the time is proven again');

$node->stop;
$relay->stop;
done_testing();
