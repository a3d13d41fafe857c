# What is blocked stays out: relays deliver it, and it is neither archived nor missing in what is claimed. Who was writing
# when the block began leaves nothing behind. After the end of a block, what is read again is archived.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use ScriptedRelay qw(serves);
use Test::More;

my @events = split /\n/, corpus('--seed', 7, '--authors', 4, 40);
my %author = map { ($_ => /"pubkey":"(\w+)"/ ? $1 : die) } @events;
my $author = $author{$events[0]};
my ($single) = map { /"id":"(\w+)"/ } grep { $author{$_} ne $author } @events;
my $kept = grep { $author{$_} ne $author && !/"id":"$single"/ } @events;
my @times = sort { $a <=> $b } map { /"created_at":(\d+)/ } @events;

my $relay = ScriptedRelay->start('/r' => serves(sub { @events }, 500));
my $url = $relay->url('/r');
my $node = archive_server('blocks', 'bigbrotr.sync_interval' => '1s', 'bigbrotr.sync_confirm_delay' => 0);
my $claimed = "bigbrotr.completeness('$url', '{}', to_timestamp($times[0]), to_timestamp($times[-1]))";

# A procedure waits for a transaction that is inserting an event of the author.
sub calls_while_inserting
{
	my ($procedure) = @_;
	my $writer = session($node);
	$writer->query_safe("BEGIN; SELECT bigbrotr.insert_event(event_id, pubkey, created_at, kind, tags, content, sig, '$url', NULL, 1, 1)
		FROM bigbrotr.parse_event('" . ($events[0] =~ s/'/''/gr) . "')");
	my $admin = session($node);
	$admin->query_until(qr/^begun$/m, "\\echo begun\nCALL $procedure;\n\\echo ended\n");
	wait_for($node, "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CALL bigbrotr.%' AND wait_event = 'PgSleep')");
	$writer->query_safe('COMMIT');
	$writer->quit;
	wait_for($node, "NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CALL bigbrotr.%' AND state = 'active')");
	$admin->quit;
}
calls_while_inserting("bigbrotr.block_author('$author', 'a court order')");
is($node->safe_psql('postgres', "SELECT count(*) FROM bigbrotr.events WHERE pubkey = '\\x$author'"), 0, 'what was being written is deleted');
$node->safe_psql('postgres', "CALL bigbrotr.block_events('{$single}', 'a court order')");

$node->safe_psql('postgres', "SELECT bigbrotr.enable_relay('$url')");
wait_for($node, "(SELECT answer = 'proven' FROM $claimed)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.event_relay'), $kept, 'all others are archived');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.blocked_events'), @events - $kept, 'what was left out is known');
is($node->safe_psql('postgres', q{SELECT bigbrotr.service_stats('synchronizer')->'custom'->>'events_missing'}) || 0, 0, 'nothing is missed');
is($node->safe_psql('postgres', 'SELECT failures FROM _bigbrotr.relay_sync'), 0, 'and the relay did nothing wrong');
like($node->safe_psql('postgres', "SELECT reasons FROM $claimed"), qr/has blocked @{[ @events - $kept ]} events/, 'the answer says what is left out');

$node->safe_psql('postgres', "DELETE FROM bigbrotr.blocked_events WHERE event_id = (SELECT event_id FROM bigbrotr.parse_event('" . ($events[0] =~ s/'/''/gr) . "'))");
calls_while_inserting("bigbrotr.unblock_author('$author')");
$node->safe_psql('postgres', "SELECT bigbrotr.unblock_events('{$single}')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.blocked_events'), 0, 'no event stays blocked, also the one that was being inserted');
is($node->safe_psql('postgres', "SELECT answer FROM $claimed"), 'read', 'and what was left out is not called proven any more');
$node->safe_psql('postgres', "SELECT bigbrotr.read_again('$url', to_timestamp($times[0]), to_timestamp($times[-1]))");
wait_for($node, "(SELECT answer = 'proven' FROM $claimed)");
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.event_relay'), scalar(@events), 'after the end of the block all are archived');

# A writer whose transaction has a higher number than that of the block, and begins before the block is committed.
$node->safe_psql('postgres', q{
	CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON bigbrotr.blocked_authors DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_at_gate()});
my $late = q{bigbrotr.parse_event(bigbrotr.sign_event(sha256('late'), 1, 'late', created_at => 1000))};
my $pubkey = $node->safe_psql('postgres', "SELECT encode(pubkey, 'hex') FROM $late");
my ($gate, $admin, $writer) = map { session($node) } 1 .. 3;
$gate->query_safe('SELECT pg_advisory_lock(7)');
$admin->query_until(qr/^begun$/m, "\\echo begun\nCALL bigbrotr.block_author('$pubkey', 'spam');\n");
wait_for($node, q{EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)});
$writer->query_safe("BEGIN; SELECT bigbrotr.insert_event(event_id, pubkey, created_at, kind, tags, content, sig, '$url', NULL, 1, 1) FROM $late");
$gate->query_safe('SELECT pg_advisory_unlock(7)');
wait_for($node, "EXISTS (SELECT FROM bigbrotr.blocked_authors WHERE pubkey = '\\x$pubkey')");
$writer->query_safe('COMMIT');
wait_for($node, "NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CALL bigbrotr.%' AND state = 'active')");
is($node->safe_psql('postgres', "SELECT count(*) FROM bigbrotr.events WHERE pubkey = '\\x$pubkey'"), 0, 'it leaves nothing behind');
$_->quit for $gate, $admin, $writer;

$node->stop;
$relay->stop;
done_testing();
