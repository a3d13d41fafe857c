# Events that come to a relay long after their date, while nobody listens: those of the last days are read again at the
# next visit, older ones are found by audits, and what was claimed of their time is withdrawn, read again and confirmed.
# The same when a relay is emptied, or another database is put in its place.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use ScriptedRelay qw(serves);
use Test::More;

my ($minute, $hour, $day, $year) = (60, 3600, 86400, 365 * 86400);
my $seed = 0;

# So many events of each of these ages.
sub events
{
	my ($count, @ages) = @_;
	my $now = time;
	return join '', map { corpus('--seed', ++$seed, '--authors', 3, '--at', $now - $_, $count) } @ages;
}

# An honest relay: what its file holds now, at most 100 events at a time.
sub relay_of
{
	my ($file) = @_;
	return serves(sub { split /\n/, slurp_file($file) }, 100);
}

my $directory = PostgreSQL::Test::Utils::tempdir();
my %file = map { $_ => "$directory/$_" } qw(a b);
append_to_file($file{a}, events(3, map { $_ * $day } 5, 9, 20, 50, 100, 200, 300, 400) . events(2, 20 * $minute, $hour, 2 * $day));
append_to_file($file{b}, events(3, 10 * $day, 500 * $day));
my $relay = ScriptedRelay->start(map { ("/$_" => relay_of($file{$_})) } keys %file);
my $node = archive_server(
	'late_events',
	'bigbrotr.sync_interval' => '1s',
	'bigbrotr.sync_confirm_delay' => '0',
	'bigbrotr.sync_audit_interval' => '1s');
my $of_a = sprintf q{WHERE relay_url = '%s'}, $relay->url('/a');

sub lines { return scalar(my @lines = split /\n/, slurp_file($_[0])) }

sub all_archived
{
	my ($name) = @_;
	return sprintf q{count(*) = %d FROM bigbrotr.event_relay WHERE relay_url = '%s'}, lines($file{$name}), $relay->url("/$name");
}

add_relays($node, $relay->url('/a'));
wait_for($node, all_archived('a'));
# The last three days are read, what is older is proven.
my $proven = sprintf q{c.answer = 'proven' FROM bigbrotr.completeness('%s', '{}', now() - interval '450 days', now() - interval '4 days') AS c},
  $relay->url('/a');
wait_for($node, $proven);
wait_for($node, 'EXISTS (SELECT FROM bigbrotr.audits)');
is($node->safe_psql('postgres', "SELECT withdrawal_count FROM bigbrotr.sync_status $of_a"), 0, 'nothing was withdrawn');
is($node->safe_psql('postgres', 'SELECT sum(found) FROM bigbrotr.audits'), 0, 'second readings found nothing');

# Audits look at random times, less and less often while they find nothing: here they go on until they have found it.
sub audit_until
{
	my ($condition) = @_;
	my $soon = 'UPDATE _bigbrotr.relay_sync SET next_audit = 0, clean_audits = 0
		WHERE relay_id IN (SELECT relay_id FROM _bigbrotr.relay_sync FOR UPDATE SKIP LOCKED)';
	$node->poll_query_until('postgres', "WITH soon AS ($soon) SELECT $condition")
	  or die "audits never led to: $condition";
	return;
}

# While no synchronizer is there.
sub while_away
{
	my ($change) = @_;
	$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('synchronizer'); SELECT bigbrotr.wait_for_service('synchronizer', 'disabled')});
	$change->();
	$node->safe_psql('postgres', q{SELECT bigbrotr.start_service('synchronizer')});
	return;
}

while_away(sub { append_to_file($file{a}, events(5, 30, 10 * $minute, 20 * $minute, $hour, $day, $year, -5 * $minute)) });
audit_until(all_archived('a'));
cmp_ok($node->safe_psql('postgres', "SELECT withdrawal_count FROM bigbrotr.sync_status $of_a"), '>', 0, 'what was claimed of that time is withdrawn');
# Audits are recorded after the events that they find.
wait_for($node, "sum(found) >= 5 FROM bigbrotr.audits WHERE purpose <> 'again'");
wait_for($node, $proven);
wait_for($node, "count(*) > 0 FROM bigbrotr.audit_rates $of_a AND miss_rate > 0 AND late_by > 300 * $day");

# Two relays share one place: late events come to the one that is not connected.
$node->append_conf('postgresql.conf', "bigbrotr.sync_connections = 1\n");
$node->restart;
add_relays($node, $relay->url('/b'));
wait_for($node, all_archived('b'));
append_to_file($file{$_}, events(5, 30 * $minute, $day)) for keys %file;
# As if hours had passed.
$node->safe_psql('postgres', q{BEGIN; LOCK TABLE _bigbrotr.relay_sync IN EXCLUSIVE MODE; UPDATE _bigbrotr.relay_sync SET again_at = '{}'; COMMIT});
wait_for($node, all_archived('a'));
wait_for($node, all_archived('b'));

# Another database at the same URL.
while_away(sub { unlink $file{a}; append_to_file($file{a}, events(2, map { $_ * $day } 1, 8, 30, 60, 90, 250, 350, 600)) });
my $there = sprintf q{count(*) >= %d FROM bigbrotr.event_relay AS s JOIN bigbrotr.events AS e USING (event_id)
	WHERE relay_url = '%s' AND encode(e.event_id, 'hex') IN (%s)},
  lines($file{a}), $relay->url('/a'), join ',', map { "'$_'" } slurp_file($file{a}) =~ /"id":"(\w+)"/g;
audit_until($there);
wait_for($node, $proven);

# An emptied relay: what it said of itself is still true, and audits show that its events are gone.
while_away(sub { unlink $file{a}; append_to_file($file{a}, '') });
audit_until("count(*) > 0 FROM bigbrotr.audit_rates $of_a AND gone > 0");

$node->stop;
$relay->stop;

# A question about other seconds brings an old event that is new: what was proven of its time is read again, also where no
# audit comes for a month.
$file{c} = "$directory/c";
append_to_file($file{c}, events(3, map { $_ * $day } 5, 9, 20));
my $other = ScriptedRelay->start('/c' => relay_of($file{c}));
$node = archive_server(
	'strays',
	'bigbrotr.sync_interval' => '1s',
	'bigbrotr.sync_confirm_delay' => '0',
	'bigbrotr.sync_audit_interval' => '30d');
my $c = $other->url('/c');
add_relays($node, $c);
my $proven_c = "answer = 'proven' FROM bigbrotr.completeness('$c', '{}', now() - interval '450 days', now() - interval '4 days')";
wait_for($node, $proven_c);
wait_for($node, 'bool_and(next_audit > bigbrotr.unix_now()) FROM _bigbrotr.relay_sync');
is($node->safe_psql('postgres', 'SELECT withdrawal_count FROM bigbrotr.sync_status'), 0, 'nothing speaks against a relay that does not change');
append_to_file($file{c}, events(1, 4.5 * $day));
wait_for($node, 'withdrawal_count > 0 FROM bigbrotr.sync_status');
wait_for($node, sprintf 'count(*) = %d FROM bigbrotr.event_relay', lines($file{c}));
wait_for($node, $proven_c);

# Two machines behind one address: the first three connections reach the one that lacks what is old. All readings agree, but each
# audit opens a connection of its own.
my ($recent, $all) = map { "$directory/$_" } qw(recent d);
append_to_file($recent, events(3, map { $_ * $day } 5, 9, 20));
append_to_file($all, slurp_file($recent) . events(3, map { $_ * $day } 300, 400));
my %connections; # by process
my $number = sub {
	return $connections{$$} //= do
	{
		append_to_file("$directory/connections", 'x');
		-s "$directory/connections";
	};
};
my $pool = ScriptedRelay->start('/d' => serves(sub { split /\n/, slurp_file($number->() <= 3 ? $recent : $all) }, 100));
my $d = $pool->url('/d');
add_relays($node, $d);
my $proven_d = $proven_c =~ s/\Q$c\E/$d/r;
wait_for($node, $proven_d);
is(-s "$directory/connections", 3, 'three connections prove it');
audit_until(sprintf q{count(*) = %d FROM bigbrotr.event_relay WHERE relay_url = '%s'}, lines($all), $d);
wait_for($node, $proven_d);

$node->stop;
$_->stop for $pool, $other;
done_testing();
