# The publisher: signs who the monitor is, what it does and what it found, sends that to each relay of bigbrotr.publish_relays,
# and records what the relays answer. The monitor's write check, with the same key.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IO::Socket::INET;
use JSON::PP qw(decode_json encode_json);
use PostgreSQL::Test::Utils;
use ScriptedRelay qw(websocket);
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $monitor = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'; # of the secret key 1

# Writes down the events that it accepts. With a door it wants to know who writes; else a refusal may be given.
sub keeper
{
	my ($path, %how) = @_;
	return websocket(
		sub {
			my ($c) = @_;
			my $known = !$how{door};
			while (defined(my $text = $c->message))
			{
				my ($verb, $event) = @{ decode_json($text) };
				my $refusal = $how{refusal};
				if ($verb eq 'AUTH') { $known = $event->{kind} == 22242 && $event->{pubkey} eq $monitor }
				elsif ($verb ne 'EVENT') { next }
				elsif (!$known)
				{
					$c->text('["AUTH","who"]');
					$refusal = 'auth-required: who are you?';
				}
				append_to_file("$directory/$path", encode_json($event) . "\n") if $verb eq 'EVENT' && !$refusal;
				$c->text(encode_json([ 'OK', $event->{id}, $refusal ? JSON::PP::false : JSON::PP::true, $refusal // '' ]));
			}
		});
}

# A relay that is visited: it has a document, answers questions, and keeps what is written to it, or refuses it.
my $document = '{"limitation":{"payment_required":true},"name":"visited","supported_nips":[50,1,11],"tags":["cats"]}';
sub visited
{
	my ($refusal) = @_;
	my $talk = websocket(
		sub {
			my ($c) = @_;
			my $kept;
			while (defined(my $text = $c->message))
			{
				my ($verb, $first, $filter) = @{ decode_json($text) };
				if ($verb eq 'EVENT')
				{
					$kept = encode_json($first);
					append_to_file("$directory/written", "$kept\n");
					$c->text(encode_json([ 'OK', $first->{id}, $refusal ? JSON::PP::false : JSON::PP::true, $refusal // '' ]));
				}
				next if $verb ne 'REQ';
				$c->text("[\"EVENT\",\"$first\",$kept]") if $filter->{ids};
				$c->text(encode_json([ 'EOSE', $first ]));
			}
		});
	return sub {
		my ($c) = @_;
		return $talk->($c) if $c->{request} =~ /^Upgrade:/im;
		$c->raw("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " . length($document) . "\r\n\r\n$document");
	};
}

my $relay = ScriptedRelay->start(
	'/open' => keeper('open'),
	'/door' => keeper('door', door => 1),
	'/full' => keeper('full', refusal => 'blocked: no more monitors'),
	'/up' => visited(),
	'/guarded' => visited('restricted: members only'));
my %url = map { ($_ => $relay->url("/$_")) } qw(open door full up guarded);
my $nobody = 'ws://127.0.0.1:9';

# The events of a kind that a relay has taken.
sub told { my ($path, $kind) = @_; return grep { $_->{kind} == $kind } map { decode_json($_) } split /\n/, slurp_file("$directory/$path") }
append_to_file("$directory/key", '0' x 63 . "1\n");
chmod 0640, "$directory/key" or die "chmod: $!";
my $node = archive_server('publisher',
	'bigbrotr.services' => 'initializer, monitor, publisher',
	'bigbrotr.monitor_write_check' => 'on',
	'bigbrotr.key_file' => "$directory/key",
	'bigbrotr.publish_name' => 'a monitor',
	'bigbrotr.publish_relays' => "$url{open}, $url{door} $url{full},$nobody, no.relay/");
$node->wait_for_log(qr/could not use the key of bigbrotr\.key_file: others than its owner have access to it/);
$node->wait_for_log(qr/could not use a relay of bigbrotr\.publish_relays: no\.relay/);
wait_for($node, "waiting_for = 'a key (bigbrotr.key_file)' FROM bigbrotr.services WHERE service = 'publisher'");
ok(!-e "$directory/open", 'nothing is published with a key that others can read');

chmod 0600, "$directory/key" or die "chmod: $!";
wait_for($node, 'count(*) = 8 FROM bigbrotr.publications');
for my $path (qw(open door))
{
	is($node->safe_psql('postgres', "SELECT kind, outcome, failure_count, subject IS NULL FROM bigbrotr.publications
		WHERE relay_url = '$url{$path}' ORDER BY kind"), "0|accepted|0|t\n10002|accepted|0|t", "$path: accepted");
	my @events = map { decode_json($_) } split /\n/, slurp_file("$directory/$path");
	is_deeply([ map { $_->{kind} } @events ], [ 0, 10002 ], 'each once');
	is($node->safe_psql('postgres', "SELECT bigbrotr.verify_event(\$\$@{[ encode_json($_) ]}\$\$)"), 't', 'signed') for @events;
	is_deeply([ map { $_->{pubkey} } @events ], [ ($monitor) x 2 ], 'by the key of the file');
	is(decode_json($events[0]{content})->{name}, 'a monitor', 'with its name');
	is_deeply($events[1]{tags}, [ map { [ 'r', $_, 'write' ] } @url{qw(open door full)}, $nobody ], 'and its relays');
}
is($node->safe_psql('postgres', "SELECT DISTINCT outcome, detail, failure_count, accepted_at IS NULL, next_attempt > sent_at
	FROM bigbrotr.publications WHERE relay_url = '$url{full}'"), 'refused|blocked: no more monitors|1|t|t', 'a refusal is recorded');
is($node->safe_psql('postgres', "SELECT DISTINCT outcome, failure_count, detail ~ 'blocked_port|refused' FROM bigbrotr.publications
	WHERE relay_url = '$nobody'"), 'failed|1|t', 'and a relay that does not answer');

# What changes is sent again, what does not is not.
$node->append_conf('postgresql.conf', "bigbrotr.publish_name = 'another name'");
$node->reload;
my ($profile) = told('open', 0);
wait_for($node, "event_id <> '\\x$profile->{id}' FROM bigbrotr.publications WHERE relay_url = '$url{open}' AND kind = 0");
is_deeply([ map { decode_json($_)->{kind} } split /\n/, slurp_file("$directory/open") ], [ 0, 10002, 0 ], 'only the new profile is sent again');

# What the monitor does is published when it does it: nothing of the above was of kind 10166.
sub visit_again
{
	my ($path) = @_;
	my $visits = "_bigbrotr.relay_visits JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '/$path\$'";
	wait_for($node, "checked_at < floor(extract(epoch FROM clock_timestamp())) FROM $visits");
	$node->safe_psql('postgres', "UPDATE _bigbrotr.relay_visits SET next_visit = 0 WHERE relay_id = (SELECT relay_id FROM $visits)");
	wait_for($node, "owner IS NULL AND next_visit > 0 FROM $visits");
	return;
}
# Lets the publisher look at what the monitor found, and waits until it has sent that: a new name goes with it.
my $names = 0;
sub look
{
	my $name = 'name ' . ++$names;
	my $profile = "coalesce(max(encode(event_id, 'hex')), '')";
	my $published = "FROM bigbrotr.publications WHERE relay_url = '$url{open}' AND kind = 0";
	my $before = $node->safe_psql('postgres', "SELECT $profile $published");
	$node->append_conf('postgresql.conf', "bigbrotr.publish_name = '$name'");
	$node->reload;
	# What was sent over one connection is recorded at once.
	wait_for($node, "$profile <> '$before' $published");
	like((told('open', 0))[-1]->{content}, qr/$name"/, "it has sent its $name");
	return;
}
my $down = 'ws://127.0.0.1:' . do { my $closed = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "listen: $!"; $closed->sockport };
add_relays($node, @url{qw(up guarded)}, $down);
wait_for($node, 'count(*) = 3 FROM bigbrotr.relay_status WHERE last_visit IS NOT NULL');
wait_for($node, "count(*) = 2 FROM bigbrotr.relay_status WHERE status = 'online'");
ok(!-e "$directory/written", 'nothing is written to candidates');
look();
my @monitors = told('open', 10166);
is(scalar @monitors, 1, 'the monitor is announced');
is_deeply($monitors[0]{tags}, [ [ 'frequency', 3600 ], [ 'timeout', 'open', 10000 ], [ 'timeout', 'read', 10000 ], [ 'timeout', 'write', 10000 ],
	[ 'timeout', 'nip11', 10000 ], map { [ 'c', $_ ] } qw(open read write nip11 dns ssl) ], 'by what it does');
sub about { my ($path) = @_; return grep { $_->{tags}[0][1] eq $url{$path} } told('open', 30166) }
is(scalar told('open', 30166), 2, 'two relays are up; none that is down');
my ($up) = about('up');
my %tag = map { @$_ } @{ $up->{tags} };
is_deeply([ map { $_->[0] } @{ $up->{tags} } ], [qw(d rtt-open rtt-read N N N R t)], 'what is known of a relay');
is_deeply([ map { $_->[1] } @{ $up->{tags} }[ 3 .. 7 ] ], [qw(1 11 50 payment cats)], 'as its document says');
is_deeply(decode_json($up->{content}), decode_json($document), 'which is the content');
is($up->{created_at}, $node->safe_psql('postgres', "SELECT checked_at FROM _bigbrotr.relay_visits JOIN bigbrotr.relays USING (relay_id) WHERE url = '$url{up}'"), 'at the time of the visit');
is($node->safe_psql('postgres', "SELECT bigbrotr.verify_event(\$\$@{[ encode_json($up) ]}\$\$)"), 't', 'signed');
is($node->safe_psql('postgres', "SELECT count(*) FROM bigbrotr.publications WHERE subject = '$url{up}' AND relay_url = '$url{open}' AND outcome = 'accepted'"), 1, 'its acceptance is recorded');

# The second visit of a relay that is online writes, and reads back.
visit_again($_) for qw(up guarded);
my @written = map { decode_json($_) } split /\n/, slurp_file("$directory/written");
is_deeply([ sort map { "$_->{kind} $_->{tags}[0][1] $_->{pubkey}" } @written ], [ sort map { "30078 $url{$_} $monitor" } qw(up guarded) ], 'written with the key of the file');
is($_->{tags}[1][1], $_->{created_at} + 600, 'it expires') for @written;
is($node->safe_psql('postgres', "SELECT nip66_writable, nip66_rtt_write IS NOT NULL FROM bigbrotr.relay_metadata WHERE relay_url = '$url{up}' ORDER BY generated_at"), "|f\nt|t", 'one relay is writable');
is($node->safe_psql('postgres', "SELECT nip66_writable, nip66_rtt_write IS NOT NULL FROM bigbrotr.relay_metadata WHERE relay_url = '$url{guarded}' ORDER BY generated_at"), "|f\nf|f", 'the other is not');
is($node->safe_psql('postgres', "SELECT facts -> 'write' FROM bigbrotr.relay_at('$url{up}', now())"), '{"shown": true, "accepted": true}', 'what was written is shown');
is($node->safe_psql('postgres', "SELECT facts -> 'write' FROM bigbrotr.relay_at('$url{guarded}', now())"), '{"reason": "restricted", "accepted": false}', 'a refusal has its reason');
like($node->safe_psql('postgres', "SELECT * FROM bigbrotr.explain_relay('$url{guarded}')"), qr/  write: it takes no events from this key/, 'in words');

# What changed is told after a pause, what did not when the period is over.
look();
is(scalar told('open', 30166), 2, 'nothing is told again at once');
my $later = sub { $node->safe_psql('postgres', "UPDATE _bigbrotr.relay_publications SET sent_at = sent_at - $_[0] WHERE kind = 30166") };
$later->(600);
look();
is(scalar about('up'), 2, 'a change is told after ten minutes');
%tag = map { @$_ } @{ (about('up'))[1]{tags} };
ok($tag{'rtt-write'} =~ /^\d+$/, 'with the time of the write check');
is_deeply([ map { $_->[1] } grep { $_->[0] eq 'R' } @{ (about('up'))[1]{tags} } ], [qw(!auth !payment !writes !pow)], 'which proves more than the document says');
is_deeply([ map { $_->[1] } grep { $_->[0] eq 'R' } @{ (about('guarded'))[1]{tags} } ], [qw(payment writes)], 'also that a relay is for members');
visit_again('up');
is(scalar(() = slurp_file("$directory/written") =~ /\n/g), 2, 'it is written to once a day');
is($node->safe_psql('postgres', "SELECT rtt_write IS NOT NULL FROM bigbrotr.relay_status WHERE relay_url = '$url{up}'"), 't', 'the time of which is kept');
$later->(600);
look();
is(scalar about('up'), 2, 'a relay that did not change is not told of again');
$later->(3000);
look();
is(scalar about('up'), 3, 'until an hour is over');
is(scalar told('open', 10166), 1, 'the monitor is announced once');

# Another key is another monitor.
unlink "$directory/key" or die "unlink: $!";
append_to_file("$directory/key", '0' x 63 . "2\n");
chmod 0600, "$directory/key" or die "chmod: $!";
wait_for($node, "bool_and(pubkey <> '\\x$monitor') FROM _bigbrotr.relay_publications WHERE relay_url = '$url{open}' AND kind IN (0, 10002)");
isnt((told('open', 10002))[-1]{pubkey}, $monitor, 'a new key is introduced at once');

$node->stop;
$relay->stop;
done_testing();
