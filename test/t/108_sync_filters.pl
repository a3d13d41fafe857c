# Relays that are asked for a part of their events only: what is read, claimed, compared (NIP-77) and audited belongs to a
# filter, and what another filter brings is no miss of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use ComparingRelay qw(comparing_relay parsed);
use ScriptedRelay;
use Test::More;

my $day = 86400;
my $now = time;
# 20 events at each of 25 times of the last year, none of the last days, oldest first.
my @events = map { parsed(corpus('--seed', $_, '--authors', 3, '--at', $now - $_ * 10 * $day, 20)) } reverse 1 .. 25;
my %count;
$count{ $_->{kind} }++ for @events;
my ($common, $other) = sort { $count{$b} <=> $count{$a} } keys %count;
cmp_ok($count{$common}, '>', 60, 'one kind has more events than a page');

my $relays = ScriptedRelay->start(map { ("/$_" => comparing_relay(shown => \@events)) } qw(general own));
my $node = archive_server(
	'filters',
	'bigbrotr.sync_interval' => '1s',
	'bigbrotr.sync_confirm_delay' => '0',
	'bigbrotr.sync_audit_interval' => '1s',
	'bigbrotr.sync_page_limit' => 50,
	'bigbrotr.response_timeout' => '5s');

sub ask
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

sub held
{
	my ($name) = @_;
	return ask(sprintf q{SELECT string_agg(DISTINCT e.kind::text, ','), count(*) FROM bigbrotr.sightings AS s JOIN bigbrotr.events AS e USING (eid)
		WHERE s.relay_id = (SELECT relay_id FROM bigbrotr.relays WHERE url = '%s')}, $relays->url("/$name"));
}

# An SQL condition: the archive answers so, for most of the year. How far back the history goes takes longer to confirm.
sub answers
{
	my ($name, $kind, $answer) = @_;
	return sprintf q{(SELECT answer FROM bigbrotr.completeness('%s', '{"kinds": [%d]}', to_timestamp(%d), to_timestamp(%d))) = '%s'},
	  $relays->url("/$name"), $kind, $now - 235 * $day, $now - 10 * $day, $answer;
}

my $general = ask("SELECT bigbrotr.add_sync_filter('{\"kinds\": [$common]}')");
my $own = ask(sprintf q{SELECT bigbrotr.add_sync_filter('{"kinds": [%d]}', '%s')}, $other, $relays->url('/own'));
add_relays($node, $relays->url('/general'));

wait_for($node, answers('general', $common, 'proven'));
wait_for($node, answers('own', $other, 'proven'));
is(held('general'), "$common|$count{$common}", 'a relay without filters of its own is asked for that of all relays');
is(held('own'), "$other|$count{$other}", 'a relay with its own filter, for that alone');
is(ask('SELECT ' . answers('own', $common, 'not known')), 't', 'nothing is said of what was not asked for');
is(ask("SELECT count(*) FROM bigbrotr.coverage WHERE filter_id NOT IN ($general, $own)"), 0, 'claims belong to filters');
wait_for($node, "EXISTS (SELECT FROM bigbrotr.coverage WHERE filter_id = $general AND evidence = 'reconciled')");
pass('more than a page of a filter is proven by a comparison of sets');

# A second filter of a relay whose first one is proven and audited: all that it brings is new, and nothing of it was missed.
my $second = ask(sprintf q{UPDATE _bigbrotr.relay_sync SET next_audit = 0, clean_audits = 0;
	SELECT bigbrotr.add_sync_filter('{"kinds": [%d]}', '%s')}, $common, $relays->url('/own'));
wait_for($node, answers('own', $common, 'proven'));
is(held('own'), join(',', sort $common, $other) . '|' . ($count{$common} + $count{$other}), 'a second filter is read, too');
# As if days had passed: each connection audits.
for (1 .. 600)
{
	ask('UPDATE _bigbrotr.relay_sync SET next_audit = 0 WHERE next_audit > 0');
	last if ask("SELECT count(DISTINCT filter_id) FROM bigbrotr.audits WHERE purpose = 'audit' AND filter_id IN ($own, $second)") == 2;
	select undef, undef, undef, 0.2;
}
is(ask("SELECT count(DISTINCT filter_id) FROM bigbrotr.audits WHERE purpose = 'audit' AND filter_id IN ($own, $second)"), 2, 'both filters are audited');
is(ask('SELECT coalesce(sum(found), 0), coalesce(sum(gone), 0) FROM bigbrotr.audit_rates'), '0|0', 'nothing was missed, and nothing is gone');
is(ask('SELECT sum(withdrawals) FROM _bigbrotr.relay_sync'), 0, 'nothing was withdrawn');
is(ask('SELECT ' . answers('own', $other, 'proven')), 't', 'the first filter stays proven');

# Back to everything.
ask("SELECT bigbrotr.remove_sync_filter(f) FROM unnest(ARRAY[$general, $own, $second]) AS f");
wait_for($node, answers('own', 0, 'proven'));
is(held('own') =~ s/.*\|//r, scalar @events, 'without filters a relay is asked for everything');

$node->stop;
$relays->stop;
done_testing();
