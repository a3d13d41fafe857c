# Relays that compare sets (NIP-77), well and badly: what was read is proven by a comparison, and what pages did not show is
# fetched. Relays that cannot do it are read a second time instead, and nothing is claimed that they made up.
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
my $seed = 0;

# So many events at each of 25 times of the last year, none of the last days, oldest first.
sub events
{
	my ($count) = @_;
	return map {
		parsed(corpus('--seed', ++$seed, '--authors', 3, '--at', $now - $_ * 10 * $day, $count))
	} reverse 1 .. 25;
}
# Ten events of one second that nothing older follows would be in doubt.
my @events = events(9);

# own: events of this relay alone, one at each time, which pages do not show; serves: it serves them to those who ask for
# their ids; lacks: how the ids begin that its set lacks; says: what it answers to NEG-OPEN instead, with ID for the
# subscription.
my %relay = (
	good => {},
	hides => { own => 1, serves => 1 },
	withholds => { own => 1 },
	lags => { lacks => 1 },
	agrees => { says => '["NEG-MSG",ID,"61"]' },
	refuses => { says => '["NEG-ERR",ID,"error: negentropy disabled"]' },
	complains => { says => '["NOTICE","unknown command NEG-OPEN"]' },
	breaks => { says => '["NEG-MSG",ID,"61ffff"]' },
	keeps_silent => { says => '' });

sub relay
{
	my (%habits) = @_;
	my @own = $habits{own} ? events(1) : ();
	my @set = grep { !defined $habits{lacks} || $_->{id} !~ /^$habits{lacks}/ } @events, @own;
	return comparing_relay(
		shown => \@events,
		served => [ @events, $habits{serves} ? @own : () ],
		set => \@set,
		exists $habits{says} ? (says => $habits{says}) : ());
}

my $relays = ScriptedRelay->start(map { ("/$_" => relay(%{ $relay{$_} })) } keys %relay);
my $node = archive_server(
	'comparisons',
	'bigbrotr.sync_interval' => '1s',
	'bigbrotr.sync_confirm_delay' => '0',
	'bigbrotr.sync_page_limit' => 50,
	'bigbrotr.response_timeout' => '5s');
add_relays($node, map { $relays->url("/$_") } sort keys %relay);

sub relay_id { return sprintf q{(SELECT relay_id FROM bigbrotr.relays WHERE url = '%s')}, $relays->url("/$_[0]") }

# Where all events are, there is this evidence, with these doubts.
sub claimed
{
	my ($name, $evidence, $doubts) = @_;
	return sprintf q{coalesce(bool_and(evidence = '%s' AND doubts = '{%s}'), false)
		FROM bigbrotr.coverage WHERE relay_id = %s AND filter_id = 0 AND lower <= %d AND upper >= %d},
	  $evidence, $doubts // '', relay_id($name), $now - 10 * $day, $now - 250 * $day;
}

sub held
{
	my ($name) = @_;
	return $node->safe_psql('postgres', sprintf 'SELECT count(*) FROM bigbrotr.sightings WHERE relay_id = %s', relay_id($name));
}

sub outcome
{
	my ($name) = @_;
	return $node->safe_psql('postgres',
		sprintf q{SELECT outcome, detail FROM _bigbrotr.relay_comparisons WHERE relay_id = %s}, relay_id($name));
}

wait_for($node, claimed('good', 'reconciled'));
is(held('good'), 225, 'a relay that compares well: all is archived');
is(outcome('good'), 'finished|', 'its ability is remembered');

wait_for($node, claimed('hides', 'reconciled'));
is(held('hides'), 250, 'what pages did not show was offered, and fetched');

wait_for($node, claimed('withholds', 'paged', 'withheld'));
is(held('withholds'), 225, 'a relay offers events that it does not serve: the others are archived');
is($node->safe_psql('postgres', sprintf 'SELECT count(*), min(tries) > 0 FROM _bigbrotr.relay_needs WHERE relay_id = %s', relay_id('withholds')),
	'25|t', 'and what it withholds is remembered');

my %failure = (
	lags => 'broken|its set lacks events that it serves',
	agrees => 'broken|its set lacks events that it serves',
	refuses => 'refused|error: negentropy disabled',
	complains => 'refused|unknown command NEG-OPEN',
	breaks => 'broken|a truncated message',
	keeps_silent => 'refused|no answer');
for my $name (sort keys %failure)
{
	wait_for($node, claimed($name, 'confirmed'));
	is(held($name), 225, "$name: read a second time, by pages");
	is(outcome($name), $failure{$name}, '… and it is remembered why');
}
is($node->safe_psql('postgres', sprintf q{SELECT count(*) FROM bigbrotr.coverage WHERE evidence = 'reconciled' AND relay_id <> ALL (ARRAY[%s])},
		join ', ', map { relay_id($_) } qw(good hides)),
	0, 'nothing else was reconciled');

$node->stop;
$relays->stop;
done_testing();
