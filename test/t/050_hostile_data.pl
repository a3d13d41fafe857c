# Every malformed, forged or odd event and message we know, each sent by a relay of its own: what is to be
# refused is refused and counted by reason, what is valid is archived byte-exact, U+0000 included.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use ScriptedRelay qw(answers);
use Test::More;

sub json_lines
{
	my ($name) = @_;
	my $file = shared_data($name);
	unless ($file)
	{
		$file = source_directory() . "/test/data/$name";
		return unless -e $file;
		note "$name is not there: a selection of it is used";
	}
	open my $in, '<', $file or die "$file: $!";
	return map { decode_json($_) } <$in>;
}

# What a relay sends in one test case, as bytes.
sub input_bytes
{
	my ($case) = @_;
	return decode_base64($case->{input_b64}) if defined $case->{input_b64};
	my $bytes = $case->{input};
	utf8::encode($bytes);
	return $bytes;
}

# URL path => { verdict: accept, reject, ignore or either; event: its JSON, if there is one; text: the message }
my %cases;

sub add_case
{
	my ($path, %case) = @_;
	$path =~ s/[^\w\/.-]/_/g;    # what a relay's URL may hold
	die "two cases are called $path" if $cases{$path};
	$cases{$path} = \%case;
	return;
}

for my $case (json_lines('nasty-events.jsonl'))
{
	my $event = input_bytes($case);
	my $verdict = $case->{sheet} // $case->{verdict};
	add_case("/event/$case->{name}", verdict => $verdict, event => $event, text => "[\"EVENT\",\@SUB\@,$event]");
}
my $invalid = 0;
for my $case (json_lines('events-invalid.jsonl'))
{
	my $event = JSON::PP->new->utf8->canonical->encode($case->{event});
	add_case('/invalid/' . $invalid++, verdict => 'reject', event => $event, text => "[\"EVENT\",\@SUB\@,$event]");
}
for my $case (json_lines('nasty-frames.jsonl'))
{
	next if $case->{direction} ne 'relay-to-client';
	# Ours asks for all kinds: it cannot be answered with a wrong one.
	next if $case->{name} eq 'event-wrong-kind-for-filter';
	my $text = input_bytes($case) =~ s/"sub"/\@SUB\@/r;
	my $event = $text =~ /^\s*\[\s*"EVENT"\s*,\s*\@SUB\@\s*,\s*(\{.*\})\s*\]\s*$/s ? $1 : undef;
	my $verdict =
	    $case->{verdict} eq 'accept' ? ($event ? 'accept' : 'ignore')
	  : $case->{verdict} eq 'either' && $text !~ /"EVENT"/ ? 'ignore'
	  :   $case->{verdict};
	add_case("/frame/$case->{name}", verdict => $verdict, event => $event, text => $text);
}

my $relay = ScriptedRelay->start(map { $_ => answers($cases{$_}{text}) } keys %cases);
my $node = archive_server(
	'hostile_data',
	# A relay that is cut off stays away, so that it tells its line once.
	'bigbrotr.retry_delay' => '1h', 'bigbrotr.sync_connections' => 1000,
	# One process plays all relays: the last one answers late on a busy machine.
	'bigbrotr.connect_timeout' => '2min');

# Those to be refused first: once its id is archived, an event is only compared with it.
my @accepted = grep { $cases{$_}{verdict} eq 'accept' } sort keys %cases;
my @others   = grep { $cases{$_}{verdict} ne 'accept' } sort keys %cases;
my $asked    = 0;
for my $paths (\@others, \@accepted)
{
	add_relays($node, map { $relay->url($_) } @$paths);
	$asked += @$paths;
	wait_for($node, "count(*) = $asked FROM _bigbrotr.relay_sync WHERE phase = 'live' OR failures > 0");
}

my %seen = map { split /\|/ } split /\n/, $node->safe_psql('postgres',
	q{SELECT relay_url, encode(event_id, 'hex') FROM bigbrotr.event_relay});
my %refused;
for (split /\n/, $node->safe_psql('postgres',
	q{SELECT relay_url, reason, refusal_count FROM bigbrotr.refusals WHERE source = 'relay' ORDER BY relay_url, reason}))
{
	my ($url, $reason, $count) = split /\|/;
	$refused{$url}{$reason} = $count;
}
# In hex: psql leaves U+10FFFF out when it prints text.
my %stored = map { my ($id, $json) = split /\|/; ($id => pack 'H*', $json) } split /\n/, $node->safe_psql('postgres',
	q{SELECT encode(event_id, 'hex'), encode(convert_to(bigbrotr.event_json(e), 'UTF8'), 'hex') FROM bigbrotr.events AS e});

my (%failed, %by_reason, %tested);
for my $path (sort keys %cases)
{
	my $case = $cases{$path};
	my $url = $relay->url($path);
	my ($group) = $path =~ m{^/(\w+)};
	my $fault;
	if ($case->{verdict} eq 'accept')
	{
		my $id = canonical_id($case->{event});
		$fault = 'is not archived' if ($seen{$url} // '') ne $id;
		$fault //= 'is archived with another text' if $stored{$id} && canonical_id($stored{$id}) ne $id;
		$fault //= 'is archived, but also refused' if $refused{$url};
	}
	elsif ($case->{verdict} eq 'either')
	{
		$fault = 'is neither archived nor refused' unless $seen{$url} xor $refused{$url};
	}
	else
	{
		$fault = "is archived as $seen{$url}" if $seen{$url};
		$fault //= 'is not counted as refused' if $case->{verdict} eq 'reject' && !$refused{$url};
	}
	$tested{"$group, $case->{verdict}"}++;
	$by_reason{$_}++ for keys %{ $refused{$url} // {} };
	next unless $fault;
	push @{ $failed{"$group, $case->{verdict}"} }, "$path $fault"
	  . ($refused{$url} ? " (@{[%{$refused{$url}}]})" : '');
}
for my $group (sort keys %tested)
{
	my @faults = @{ $failed{$group} // [] };
	ok(!@faults, "$group: $tested{$group} cases") or diag map { "$_\n" } @faults;
}
note "refused for $_: $by_reason{$_} relays" for sort keys %by_reason;

is($node->safe_psql('postgres', q{SELECT count(*) FROM bigbrotr.events WHERE raw <> ''}),
	scalar(grep { /\\u0000/ } values %stored), 'events with U+0000 are kept raw');
cmp_ok(scalar(grep { /\\u0000/ } values %stored), '>', 0, 'and there are some');
my @inexact = grep { canonical_id($stored{$_}) ne $_ } keys %stored;
is("@inexact", '', 'every archived event hashes to its id');
is($node->safe_psql('postgres', q{SELECT count(*) FROM bigbrotr.refusals WHERE source = 'database'}), 0,
	'the database took all that was verified');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/\x1b|forged log line"?$/m,
	'nothing a relay sends reaches the log raw');

$node->stop;
$relay->stop;
done_testing();
