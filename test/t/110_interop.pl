# Honest relays as they are in the wild, once taken for complete when they were not: private kinds that count against the
# limit of an answer, a first question that is lost, complaints in a NOTICE, another relay at the same address.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use ComparingRelay qw(comparing_relay parsed);
use PostgreSQL::Test::Utils;
use ScriptedRelay;
use Test::More;

my $day = 86400;
my $now = time;
my $node = archive_server(
	'interop',
	'bigbrotr.sync_interval' => '1s',
	'bigbrotr.sync_confirm_delay' => '0',
	'bigbrotr.sync_audit_interval' => '1s',
	'bigbrotr.sync_page_limit' => 60,
	'bigbrotr.response_timeout' => '2s');

sub ask
{
	my ($sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

# Events of a kind, so many seconds apart, the last of them so many days old; of eight authors.
my $made = 0;
sub events
{
	my ($kind, $count, $days, $apart) = @_;
	$made++;
	return parsed(ask(sprintf q{SELECT bigbrotr.sign_event(sha256(('a%1$s' || n %% 8)::bytea), %2$d, 'event %1$d ' || n, '[]', %3$d - n * %5$d)
		FROM generate_series(%4$d - 1, 0, -1) AS n}, $made, $kind, $now - $days * $day, $count, $apart));
}

# The limit of an answer is 60. F1a: more private events in a row than that; F1b: just as many; F1d: all of one second, as
# anybody can send them; F2: a second that has both kinds.
my @newer = events(1, 36, 10, 600);
my @older = events(1, 48, 40, 600);
my %holds = (
	F1a => [ @older, events(1059, 72, 20, 60), @newer ],
	F1b => [ @older, events(1059, 60, 20, 60), @newer ],
	F1d => [ @older, events(1059, 60, 20, 0), @newer ],
	F2 => [ @older, (sort { $a->{id} cmp $b->{id} } events(1, 48, 20, 0), events(1059, 36, 20, 0)), @newer ]);
my @plain = (@older, events(1, 100, 20, 500), @newer);
my $changed = PostgreSQL::Test::Utils::tempdir() . '/changed';
my @other = events(1, 150, 15, 3000);
my %relay = (
	(map { ($_ => comparing_relay(shown => $holds{$_}, hidden => [ 4, 1059 ], says => '["NOTICE","ERROR: bad msg: negentropy disabled"]')) } keys %holds),
	lost => comparing_relay(shown => \@plain, hears => sub { my ($c, $n) = @_; return $n > 1 }),
	rate => comparing_relay(
		shown => \@plain,
		hears => sub { my ($c, $n) = @_; return 1 if $n % 5; $c->text('["NOTICE","rate limited"]'); return 0 }),
	replaced => comparing_relay(shown => sub { return -e $changed ? @other : @plain }),
	emptied => comparing_relay(shown => sub { return -e $changed ? () : @plain }));
$holds{$_} = \@plain for qw(lost rate replaced emptied);
my $relays = ScriptedRelay->start(map { ("/$_" => $relay{$_}) } keys %relay);
add_relays($node, map { $relays->url("/$_") } sort keys %relay);

# What of these events the archive does not hold of this relay.
sub missing
{
	my ($name, @events) = @_;
	return sprintf q{(SELECT count(*) FROM unnest('{%s}'::text[]) AS u (id) WHERE NOT EXISTS (
		SELECT FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s USING (eid) JOIN bigbrotr.relays AS r USING (relay_id)
		WHERE e.event_id = decode(u.id, 'hex') AND r.url = '%s'))}, join(',', map { $_->{id} } grep { $_->{kind} == 1 } @events), $relays->url("/$name");
}

# Whether anything is proven of a second whose event the archive does not hold.
sub false_claims
{
	my ($name, @events) = @_;
	return sprintf q{(SELECT count(*) FROM unnest('{%s}'::text[], '{%s}'::bigint[]) AS u (id, at)
		JOIN bigbrotr.relays AS r ON r.url = '%s' JOIN bigbrotr.coverage AS c ON c.relay_id = r.relay_id AND u.at BETWEEN c.lower AND c.upper
		WHERE _bigbrotr.is_proven(c.evidence, c.doubts) AND NOT EXISTS (
			SELECT FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s USING (eid) WHERE e.event_id = decode(u.id, 'hex') AND s.relay_id = r.relay_id))},
	  join(',', map { $_->{id} } @events), join(',', map { $_->{created_at} } @events), $relays->url("/$name");
}

for my $name (sort keys %holds)
{
	wait_for($node, missing($name, @{ $holds{$name} }) . ' = 0');
	pass("$name: everything that the relay shows to anybody is archived");
}
# In the end all of it is proven but what the relay itself contradicts.
for my $name (qw(lost replaced emptied))
{
	wait_for($node, sprintf q{(SELECT answer FROM bigbrotr.completeness('%s', '{}', to_timestamp(%d), to_timestamp(%d))) = 'proven'},
		$relays->url("/$name"), $now - 45 * $day, $now - 10 * $day);
	pass("$name: it is proven");
}

# Another relay at the same address, and one that has lost all. What was read of the first one is not called the other's.
append_to_file($changed, '');
ask('UPDATE _bigbrotr.relay_sync SET next_audit = 0, next_attempt = 0');
my $waits = 0;
until (ask('SELECT ' . false_claims('replaced', @other)) == 0 || ++$waits > 300)
{
	ask('UPDATE _bigbrotr.relay_sync SET next_audit = 0, clean_audits = 0 WHERE next_audit > 0');
	select undef, undef, undef, 0.2;
}
is(ask('SELECT ' . false_claims('replaced', @other)), 0, 'another relay at the same address: what it has is not called proven unseen');
wait_for($node, missing('replaced', @other) . ' = 0');
pass('all that the other one has is archived');
is(ask('SELECT ' . missing('emptied', @plain)), 0, 'what a relay loses stays in the archive');

$node->stop;
$relays->stop;
done_testing();
