# Retention rules: the refresher deletes what is too old, also after a crash in the middle. What relays deliver again is neither
# archived nor missing; nothing is claimed of it, everything else is proven. After the end of a rule all comes back.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use ScriptedRelay qw(serves);
use Test::More;

my @events = split /\n/, corpus('--seed', 7, '--authors', 4, 60);
my %count;
$count{$_}++ for map { /"kind":(\d+)/ } @events;
my ($kind) = sort { $count{$b} <=> $count{$a} } keys %count;
my ($other) = grep { $_ ne $kind } sort keys %count;
my @times = sort { $a <=> $b } map { /"created_at":(\d+)/ } @events;
# Time goes on while the test runs: the rule ends in the middle of the longest pause.
my ($pause) = sort { $times[ $b + 1 ] - $times[$b] <=> $times[ $a + 1 ] - $times[$a] } @times / 3 .. 2 * @times / 3;
my $middle = int(($times[$pause] + $times[ $pause + 1 ]) / 2);
my $gone = grep { /"kind":$kind\b/ && /"created_at":(\d+)/ && $1 < $middle } @events;
my $kept = @events - $gone;

my $relay = ScriptedRelay->start(map { ("/$_" => serves(sub { @events }, 500)) } qw(first second));
my @urls = map { $relay->url("/$_") } qw(first second);
my $node = archive_server('retention', 'bigbrotr.sync_interval' => '1s', 'bigbrotr.sync_confirm_delay' => 0);

sub answer
{
	my ($url, $filter, $column) = @_;
	return "(SELECT $column FROM bigbrotr.completeness('$url', '$filter', to_timestamp($times[0]), to_timestamp($times[-1])))";
}
sub value { my ($query) = @_; return $node->safe_psql('postgres', "SELECT $query"); }
sub archived { return value('count(*) FROM bigbrotr.events WHERE kind <> 777'); }
sub statistic { my ($service, $name) = @_; return value("coalesce((bigbrotr.service_stats('$service') -> 'custom' ->> '$name')::bigint, 0)"); }

# A crash while the refresher deletes: it waits for an event that somebody has locked.
value(qq{i.events FROM (SELECT array_agg(sha256(n::text::bytea)) AS ids, array_agg(sha256('author')) AS keys, array_agg(1000000 + n) AS times, array_agg(777) AS kinds,
	array_agg('[]'::text) AS tags, array_agg('x'::text) AS contents, array_agg(decode(repeat('00', 64), 'hex')) AS sigs, array_agg(NULL::bytea) AS raws
	FROM generate_series(1, 10000) AS n) AS m,
	_bigbrotr.insert_verified_events(ids, keys, times, kinds, tags, contents, sigs, raws, '{}', '{}', '{}', 1) AS i});
my $locker = session($node);
$locker->query_safe('BEGIN; SELECT FROM bigbrotr.events WHERE created_at = 1004500 FOR UPDATE');
isnt($node->psql('postgres', "SELECT bigbrotr.add_retention_rule('30 days', 'tests', '{[777,777]}')"), 0, 'a rule that deletes everything is refused');
my $rule = value("bigbrotr.add_retention_rule('30 days', 'tests', '{[777,777]}', confirmed => true)");
wait_for($node, "EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'bigbrotr refresher' AND wait_event_type = 'Lock')");
is(value('count(*) FROM bigbrotr.events'), 6000, 'it is in the middle, and the slices before are committed');
kill 'KILL', service_pid($node, 'refresher');
eval { $locker->quit };
wait_for($node, 'NOT EXISTS (SELECT FROM bigbrotr.events)');
is(value('count(*) FROM bigbrotr.verify_statistics()'), 0, 'all counts hold after a crash');
is(value('count(*) FROM bigbrotr.verify_references()'), 0, 'and all references');
$node->safe_psql('postgres', "CALL bigbrotr.remove_retention_rule($rule)");

# A rule of one kind, as old as half of its events.
add_relays($node, $urls[0]);
wait_for($node, answer($urls[0], '{}', q{answer = 'proven'}));
is(archived(), scalar(@events), 'without a rule everything is archived');
$rule = value("bigbrotr.add_retention_rule(make_interval(secs => bigbrotr.unix_now() - $middle), 'too many', '{[$kind,$kind]}', true)");
wait_for($node, "(SELECT count(*) = $kept FROM bigbrotr.events)");
is(value(answer($urls[0], '{}', 'answer')), 'no', 'nothing is claimed of what was deleted');
like(value(answer($urls[0], '{}', 'reasons')), qr/retention rule $rule \(too many\) deletes events of kind $kind before/, 'the answer says which rule it was');
is(value(answer($urls[0], qq({"kinds": [$other]}), 'answer')), 'proven', 'other kinds are proven as before');

# The same relay again, and another one, which shows it for the first time.
value("bigbrotr.read_again('$urls[0]', to_timestamp($times[0]), to_timestamp($times[-1]))");
add_relays($node, $urls[1]);
wait_for($node, answer($_, qq({"kinds": [$other]}), q{answer = 'proven'})) for @urls;
is(archived(), $kept, 'what is delivered again is not archived');
is(value('count(*) FROM bigbrotr.event_relay'), 2 * $kept, 'and nothing of it is seen');
cmp_ok(statistic('synchronizer', 'events_left_out'), '>=', $gone, 'it was left out');
is(statistic('synchronizer', 'events_missing'), 0, 'nothing is missing');
is(value('sum(failures) FROM _bigbrotr.relay_sync'), 0, 'no relay was blamed');
is(value('count(*) FROM bigbrotr.audits WHERE found > 0'), 0, 'no reading was refuted');
is(value(answer($urls[1], '{}', 'answer')), 'no', 'nothing is claimed of what was left out');

# The end of the rule: relays are asked again, though nobody withdrew what they had shown of the other kinds.
$node->safe_psql('postgres', "CALL bigbrotr.remove_retention_rule($rule)");
is(value(answer($urls[0], '{}', 'answer')), 'no', 'the end of the rule proves nothing');
wait_for($node, answer($_, '{}', q{answer = 'proven'})) for @urls;
is(archived(), scalar(@events), 'all events are back when they are claimed again');
is(value('count(*) FROM bigbrotr.event_relay'), 2 * @events, 'of both relays');
is(value('count(*) FROM bigbrotr.verify_statistics()'), 0, 'all counts hold');

# A rule of everything: relays are not asked for what it deletes at once.
$rule = value("bigbrotr.add_retention_rule(make_interval(secs => bigbrotr.unix_now() - $middle), 'little room', confirmed => true)");
my $newest = value("deletes_before FROM bigbrotr.retention_rules WHERE rule_id = $rule");
wait_for($node, "NOT EXISTS (SELECT FROM bigbrotr.events WHERE created_at < $middle)");
is(value("count(*) FROM bigbrotr.coverage_gaps WHERE lower < to_timestamp($newest)"), 0, 'what it deletes is no gap');
is(value(answer($urls[0], '{}', q{proven < 1 AND answer = 'no'})), 't', 'and is not claimed');

$node->stop;
$relay->stop;
done_testing();
