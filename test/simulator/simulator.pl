# Hundreds of simulated relays at once, each hard to archive in its own way: nothing that the archive calls proven may be
# missing, and what is missing has a name. BIGBROTR_SCENARIOS: how many; BIGBROTR_TEST_SEED: which.
# BIGBROTR_SWITCHES=NAME,NAME: only relays that have these. BIGBROTR_REPORT: a file for a line of JSON for each relay.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib", $FindBin::RealBin;
use ArchiveTest;
use IPC::Open2 qw(open2);
use JSON::PP ();
use Judge qw(judge summary);
use PostgreSQL::Test::Utils;
use Test::More;

my $json = JSON::PP->new->utf8->canonical;
my $scenarios = $ENV{BIGBROTR_SCENARIOS} // 200;
my $seed = $ENV{BIGBROTR_TEST_SEED} // 1;
my $first = $ENV{BIGBROTR_FIRST_SCENARIO} // 0;
my $at_once = 200;
my $report = $ENV{BIGBROTR_REPORT} // "$PostgreSQL::Test::Utils::tmp_check/simulator.jsonl";

# The simulator with these scenarios: its relays, and a function that gives it a command.
sub simulate
{
	my ($from, $count, @options) = @_;
	my $list = PostgreSQL::Test::Utils::tempdir() . '/list.jsonl';
	my @only = $ENV{BIGBROTR_SWITCHES} ? ('--switches', $ENV{BIGBROTR_SWITCHES}) : ();
	open2(my $out, my $in, 'bigbrotr-simulator', '--list', $list, '--seed', $seed, '--first', $from, '--count', $count, @only, @options);
	my $told = <$out> // die 'the simulator did not start';
	note $told;
	my $command = sub {
		syswrite $in, "$_[0]\n";
		return $json->decode(<$out> // die 'the simulator is gone');
	};
	return { relays => [ map { $json->decode($_) } split /\n/, slurp_file($list) ], command => $command };
}

sub server
{
	my ($name) = @_;
	return archive_server($name,
		'bigbrotr.sync_connections' => 1000,
		'bigbrotr.sync_interval' => '2s',
		'bigbrotr.sync_confirm_delay' => '0',
		'bigbrotr.sync_audit_interval' => '1s',
		'bigbrotr.response_timeout' => '3s',
		'bigbrotr.connect_timeout' => '3s',
		'bigbrotr.retry_delay' => '100ms',
		'bigbrotr.retry_delay_max' => '1s',
		'bigbrotr.max_event_size' => '32kB',
		'fsync' => 'off');
}

sub comes_later
{
	my ($relay) = @_;
	return $relay->{judged} && $relay->{scenario} % 8 == 7;
}

# Waits until every relay has had its turn and what is known of them does not change for eight looks, a second apart; relays
# that go on failing may do so.
sub wait_until_quiet
{
	my ($node, $what, $later) = @_;
	my ($last, $same, $looks) = ('', 0, 0);
	my $looks_at_most = $ENV{BIGBROTR_PATIENCE} // 240;
	while ($same < 8 && $looks++ < $looks_at_most)
	{
		# As if days had passed for the relays that have been read: the recent time is read again, what was seen in part is tried again,
		# and audits come one after the other.
		$node->safe_psql('postgres', q{
			UPDATE bigbrotr.coverage AS c SET observed_at = c.observed_at - 86400
			FROM (SELECT k.ctid FROM bigbrotr.coverage AS k JOIN _bigbrotr.relay_sync AS s USING (relay_id)
			      WHERE k.evidence = 'partial' AND s.phase = 'live' FOR UPDATE OF k SKIP LOCKED) AS k WHERE c.ctid = k.ctid;
			UPDATE _bigbrotr.relay_sync SET next_audit = 0, clean_audits = 0
			WHERE relay_id IN (SELECT relay_id FROM _bigbrotr.relay_sync WHERE phase = 'live' FOR UPDATE SKIP LOCKED)}) if $later;
		my $now = $node->safe_psql('postgres', q{
			SELECT count(*) FILTER (WHERE next_attempt = 0 AND phase IN ('waiting', 'connecting')) FROM _bigbrotr.relay_sync;
			SELECT count(*) FROM bigbrotr.sightings;
			SELECT md5(string_agg(concat_ws(' ', relay_id, lower, evidence, doubts), ',' ORDER BY relay_id, lower)) FROM bigbrotr.coverage});
		my $quiet = $now =~ /^0\n/ && $now eq $last;
		$same = $quiet ? $same + 1 : 0;
		$last = $now;
		select undef, undef, undef, 1;
	}
	note "$what: quiet after $looks looks" . ($same < 8 ? ' (not quiet)' : '');
	return;
}

open my $lines, '>', $report or die "$report: $!";
my @results;
for (my $from = $first; $from < $first + $scenarios; $from += $at_once)
{
	my $count = $from + $at_once > $first + $scenarios ? $first + $scenarios - $from : $at_once;
	my $simulator = simulate($from, $count);
	my $node = server("simulator_$from");
	# Hostile relays are opened before honest ones. Some relays are added after the archive has lost events that they hold:
	# it must not treat these events as known (F20).
	my @relays = sort { $a->{judged} <=> $b->{judged} } @{ $simulator->{relays} };
	add_relays($node, map { $_->{url} } grep { !comes_later($_) } @relays);
	wait_until_quiet($node, 'first pass');
	$node->safe_psql('postgres', q{
		CREATE TABLE public.deleted AS
		SELECT s.relay_id, e.event_id FROM bigbrotr.sightings AS s JOIN bigbrotr.events AS e USING (eid) WHERE get_byte(e.event_id, 0) < 8;
		SELECT bigbrotr.delete_events(ARRAY(SELECT DISTINCT event_id FROM public.deleted))});
	add_relays($node, map { $_->{url} } grep { comes_later($_) } @relays);
	$simulator->{command}->('change');
	# The worker locks rows in another order.
	$node->safe_psql('postgres', q{BEGIN; LOCK TABLE _bigbrotr.relay_sync IN EXCLUSIVE MODE; UPDATE _bigbrotr.relay_sync SET again_at = '{}'; COMMIT});
	wait_until_quiet($node, 'after the change', 1);
	my $truth = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
	$simulator->{command}->("truth $truth");
	my @judged = judge($node, $truth, grep { $_->{judged} } @{ $simulator->{relays} });
	note 'requests: ' . $simulator->{command}->('requests')->{requests};
	print {$lines} $json->encode($_), "\n" for @judged;
	push @results, @judged;
	$node->stop('fast');
	$node->clean_node;
}
close $lines;

# A machine whose clock is so many seconds ahead of what the relays say, or behind it, proves nothing (F16).
sub wrong_clock
{
	my ($ahead) = @_;
	my $simulator = simulate(0, 12, '--switches', 'honest', '--date-off', -$ahead);
	my $node = server($ahead > 0 ? 'simulator_ahead' : 'simulator_behind');
	add_relays($node, map { $_->{url} } @{ $simulator->{relays} });
	wait_until_quiet($node, 'wrong clock');
	my $unsound = $node->safe_psql('postgres', qq{
		SELECT count(*) FROM bigbrotr.coverage WHERE 'clock' <> ALL (doubts) OR upper > extract(epoch FROM now()) - greatest($ahead, 0)});
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.coverage'), '>', 0, 'relays are read all the same');
	$node->stop('fast');
	$node->clean_node;
	return $unsound;
}

for my $one (grep { $_->{proven_but_false} || $_->{unnamed_gaps} } @results)
{
	diag $json->encode({ map { ($_ => $one->{$_}) } qw(scenario switches proven_but_false unnamed_gaps served missing examples) });
}
for my $one (sort { $b->{missing} <=> $a->{missing} } grep { $_->{missing} } @results)
{
	diag sprintf 'scenario %d (%s): %d of %d missing; %s %s', $one->{scenario}, join(', ', @{ $one->{switches} }), $one->{missing}, $one->{served},
	  $one->{phase}, $one->{last_error} // '';
}
my $summary = summary(@results);
diag "seed $seed: " . $json->encode($summary);
is($summary->{scenarios}, $scenarios, 'all scenarios were played');
is($summary->{proven_but_false}, 0, 'nothing that is called proven is missing');
is($summary->{unnamed_gaps}, 0, 'each gap has a reason');
is($summary->{not_served}, 0, 'nothing is archived that the relays did not serve');

if (!$ENV{BIGBROTR_SWITCHES})
{
	# Relays that ignore filters show their newest events only, and those that never end an answer are read slowly. After fewer looks
	# than usual many are not read to the end.
	cmp_ok($summary->{recall}, '>=', 0.9, 'of what some question brings, nine of ten events are archived') unless $ENV{BIGBROTR_PATIENCE};
	is(wrong_clock($_), 0, "nothing is proven while our clock is $_ seconds ahead of those of the relays") for 86400, -86400;
}

done_testing();

1;
