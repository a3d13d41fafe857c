# Relays that ask who reads (NIP-42): the archive signs in only to relays that authenticate_at names, with a key that only the
# server can read, and what is read signed in is claimed apart.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use JSON::PP qw(decode_json encode_json);
use PostgreSQL::Test::Utils;
use ScriptedRelay qw(websocket);
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my @events = map { decode_json($_) } split /\n/, corpus('--seed', 3, 20);

sub matches
{
	my ($event, $filter) = @_;
	return 0 if $event->{created_at} < ($filter->{since} // 0) || $event->{created_at} > ($filter->{until} // 9**18);
	return 0 if $filter->{kinds} && !grep { $_ == $event->{kind} } @{ $filter->{kinds} };
	return 0 if $filter->{authors} && !grep { $_ eq $event->{pubkey} } @{ $filter->{authors} };
	return 1;
}

# Shows its events only to clients that signed in, and writes down their answers.
sub guarded
{
	my ($path, $at_once, $accepts) = @_;
	return websocket(
		sub {
			my ($c) = @_;
			my $known = 0;
			$c->text('["AUTH","challenge of ' . $path . '"]') if $at_once;
			while (defined(my $text = $c->message))
			{
				my ($verb, @rest) = @{ decode_json($text) };
				if ($verb eq 'AUTH')
				{
					append_to_file("$directory/$path", encode_json($rest[0]) . "\n");
					$known = $accepts;
					$c->text(encode_json([ 'OK', $rest[0]{id}, $known ? JSON::PP::true : JSON::PP::false, $known ? '' : 'restricted: members only' ]));
				}
				next unless $verb eq 'REQ';
				my ($sub, $filter) = @rest;
				if (!$known)
				{
					$c->text('["AUTH","challenge of ' . $path . '"]') unless $at_once;
					$c->text(encode_json([ 'CLOSED', $sub, 'auth-required: who are you?' ]));
					next;
				}
				my @page = sort { $b->{created_at} <=> $a->{created_at} || $a->{id} cmp $b->{id} } grep { matches($_, $filter) } @events;
				splice @page, $filter->{limit} if defined $filter->{limit} && @page > $filter->{limit};
				$c->text(encode_json([ 'EVENT', $sub, $_ ])) for @page;
				$c->text(encode_json([ 'EOSE', $sub ]));
			}
		});
}

my $relay = ScriptedRelay->start(
	'/at_once' => guarded('at_once', 1, 1),
	'/asked'   => guarded('asked',   0, 1),
	'/refuses' => guarded('refuses', 1, 0),
	'/strange' => guarded('strange', 1, 1));
my %url = map { ($_ => $relay->url("/$_")) } qw(at_once asked refuses strange);
my $free = relay_stub(events => 10);

my $key = "$directory/key";
append_to_file($key, '0' x 63 . "1\n");
chmod 0644, $key or die "chmod: $!";
my $node = archive_server('sign_in', 'bigbrotr.key_file' => $key);
add_relays($node, @url{qw(at_once asked refuses)}, $free->{urls}[0]);
my (undef, undef, $error) = $node->psql('postgres', q{SELECT bigbrotr.authenticate_at('wss://nobody.example.com')});
like($error, qr/relay "wss:\/\/nobody\.example\.com" is not known.*HINT/s, 'a relay that is not known');

# A key that others can read stops only what needs it.
$node->safe_psql('postgres', "SELECT bigbrotr.authenticate_at('$url{$_}')") for qw(at_once asked refuses);
wait_for($node, q{count(*) = 3 FROM bigbrotr.sync_status WHERE waiting_for = 'a key to sign in with (bigbrotr.key_file)'});
wait_for($node, "phase = 'live' FROM bigbrotr.sync_status WHERE relay_url = '$free->{urls}[0]'");
$node->wait_for_log(qr/could not use the key of bigbrotr\.key_file: others than its owner have access to it; chmod 0600 ends that/);
ok(!-e "$directory/at_once", 'nobody is told who reads with a key that others can read');

chmod 0600, $key or die "chmod: $!";
$node->reload;
for my $path (qw(at_once asked))
{
	wait_for($node, "phase = 'live' AND read_fraction > 0.99 FROM bigbrotr.sync_status WHERE relay_url = '$url{$path}'");
	my ($event) = split /\n/, slurp_file("$directory/$path");
	is_deeply(decode_json($event)->{tags}, [ [ 'relay', $url{$path} ], [ 'challenge', "challenge of $path" ] ], "$path: the answer is for this relay");
	is($node->safe_psql('postgres', "SELECT bigbrotr.verify_event(\$\$$event\$\$)"), 't', 'and signed');
	is( $node->safe_psql('postgres', "SELECT count(*) FROM bigbrotr.event_relay WHERE relay_url = '$url{$path}'"),
		scalar @events, 'its events are archived');
	is( $node->safe_psql('postgres', "SELECT DISTINCT c.reader FROM bigbrotr.coverage AS c JOIN bigbrotr.relays USING (relay_id)
		WHERE url = '$url{$path}' AND evidence <> 'partial'"), 1, 'read as somebody whom it knows');
	my $answer = sub {
		my ($signed_in) = @_;
		return $node->safe_psql('postgres', "SELECT answer, reasons FROM bigbrotr.completeness('$url{$path}', '{}',
			'2020-01-01', now() - interval '4 days', signed_in => $signed_in)");
	};
	like($answer->('true'), qr/^(read|proven)\|/, 'which the archive says when it is asked for that');
	is($answer->('false'), 'not known|{"of this time it is only known what the relay shows to us when we sign in"}',
		'it says nothing of what the relay shows to strangers');
}
wait_for($node, "last_error = 'auth_refused' AND last_detail = 'restricted: members only' AND status = 'online' FROM bigbrotr.sync_status WHERE relay_url = '$url{refuses}'");
pass('a relay that does not accept the key says so');

# Another key: what the relays showed to the first one says nothing about it.
my $first = $node->safe_psql('postgres', q{SELECT encode(pubkey, 'hex') FROM _bigbrotr.reader_key});
is(decode_json((split /\n/, slurp_file("$directory/asked"))[-1])->{pubkey}, $first, 'the archive remembers who signed in');
$node->safe_psql('postgres', 'CREATE TABLE seen_by_first AS SELECT * FROM bigbrotr.coverage WHERE reader = 1');
open my $file, '>', $key or die "$key: $!";
print $file '0' x 63 . "2\n";
close $file or die "$key: $!";
wait_for($node, "encode(pubkey, 'hex') <> '$first' FROM _bigbrotr.reader_key");
my $claims = "bigbrotr.coverage AS c JOIN bigbrotr.relays USING (relay_id) WHERE url = '$url{asked}' AND reader = 1 AND evidence <> 'partial'";
wait_for($node, "EXISTS (SELECT FROM $claims)");
isnt(decode_json((split /\n/, slurp_file("$directory/asked"))[-1])->{pubkey}, $first, 'a new key signs in');
is($node->safe_psql('postgres', "SELECT count(*) FROM $claims AND observed_at <= (SELECT max(observed_at) FROM seen_by_first)"), 0, 'and what is claimed was shown to it');

# A relay that was never named, or is not named any more, gets no signature.
add_relays($node, $url{strange});
$node->safe_psql('postgres', "SELECT bigbrotr.authenticate_at('$url{at_once}', false)");
wait_for($node, "count(*) = 2 FROM bigbrotr.sync_status WHERE relay_url IN ('$url{strange}', '$url{at_once}') AND last_error = 'auth_required'");
ok(!-e "$directory/strange", 'a relay that was not named got no signature');
my $told = () = slurp_file("$directory/at_once") =~ /\n/g;
wait_for($node, "failure_count > 3 FROM bigbrotr.sync_status WHERE relay_url = '$url{at_once}'");
is(() = slurp_file("$directory/at_once") =~ /\n/g, $told, 'a relay that is not named any more gets no further one');

$node->stop;
$relay->stop;
done_testing();
