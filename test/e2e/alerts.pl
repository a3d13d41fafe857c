# Alerts as private messages (NIP-17): a library that is not ours opens them, relays say who may write, and a message that may not have
# been delivered comes again with the same id.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IPC::Open2 qw(open2);
use JSON::PP qw(decode_json encode_json);
use PostgreSQL::Test::Utils;
use ScriptedRelay qw(websocket);
use Test::More;

my $author = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'; # of the secret key 1
my $reader = 'c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5'; # of the secret key 2
my $reader_secret = '0' x 63 . '2';
my $directory = PostgreSQL::Test::Utils::tempdir();

# Writes down the wraps that it is sent, and refuses the first so many.
sub keeper
{
	my ($path, $refusals, $asks) = @_;
	return ("/$path" => websocket(
		sub {
			my ($c) = @_;
			my $known = !$asks;
			while (defined(my $text = $c->message))
			{
				my ($verb, $event) = @{ decode_json($text) };
				$known ||= $verb eq 'AUTH' && $event->{pubkey} eq $author;
				$c->text(encode_json([ 'OK', $event->{id}, JSON::PP::true, '' ])) if $verb eq 'AUTH';
				next if $verb ne 'EVENT';
				$c->text('["AUTH","who"]') if !$known;
				my $is_wrap = $event->{kind} == 1059; # others say who the publisher is
				append_to_file("$directory/$path", encode_json($event) . "\n") if $known && $is_wrap;
				my $number = !$is_wrap ? 100 : $known ? () = slurp_file("$directory/$path") =~ /\n/g : 0;
				$c->text(encode_json([ 'OK', $event->{id}, $known && $number > $refusals ? JSON::PP::true : JSON::PP::false, $known ? 'error: later' : 'auth-required: who are you?' ]));
			}
		}));
}
my $relay = ScriptedRelay->start(keeper('open', 1), keeper('door', 0, 1));

# The messages that a relay was sent, as their reader sees them.
sub messages
{
	my ($path) = @_;
	my @messages;
	for my $wrap (-e "$directory/$path" ? split /\n/, slurp_file("$directory/$path") : ())
	{
		my $pid = open2(my $out, my $in, 'node', "$FindBin::RealBin/relay/private-message.mjs", $reader_secret);
		print $in $wrap;
		close $in;
		my $opened = do { local $/; <$out> };
		waitpid $pid, 0;
		push @messages, { wrap => decode_json($wrap), %{ decode_json($opened) } };
	}
	return @messages;
}

append_to_file("$directory/key", '0' x 63 . "1\n");
my $node = archive_server('alerts_e2e', 'bigbrotr.services' => 'initializer, publisher');
sub sql { return $node->safe_psql('postgres', $_[0]) }
sub setting { my ($name, $value) = @_; $node->append_conf('postgresql.conf', "bigbrotr.$name = '$value'"); $node->reload; return }
my $watched = q{FROM bigbrotr.watched_relays WHERE relay_url = 'wss://mine.example.com'};
sub failed_for { my ($error) = @_; sql('UPDATE _bigbrotr.relay_watches SET next_attempt = 0'); wait_for($node, "last_error = '$error' $watched"); return pass("not delivered: $error") }
add_relays($node, 'wss://mine.example.com');
my $npub = sql("SELECT bigbrotr.npub_encode('\\x$reader')");
sql("SELECT bigbrotr.watch_relay('wss://mine.example.com', '$npub')");
is(sql("SELECT receiver $watched"), $npub, 'the reader is named');
my $then = time - 600;
sql("SELECT _bigbrotr.tell_status(_bigbrotr.known_relay('wss://mine.example.com'), 'test', 'unstable', 'offline', 'connect_timeout', $then + n) FROM generate_series(1, 2) AS n");

# What it takes.
failed_for('there is no key (bigbrotr.key_file)');
chmod 0600, "$directory/key" or die "chmod: $!";
setting('key_file', "$directory/key");
failed_for('there are no relays (bigbrotr.publish_relays)');
setting('publish_relays', $relay->url('/open'));
failed_for('refused: error: later');
sql('UPDATE _bigbrotr.relay_watches SET next_attempt = 0');
wait_for($node, "delivered = 2 $watched");
is(sql("SELECT waiting, given_up, last_error $watched"), '0|0|', 'both are delivered');

my @messages = messages('open');
is(scalar @messages, 3, 'the first one again after a refusal');
my $words = sql(q{SELECT _bigbrotr.error_words('connect_timeout')});
for my $one (@messages)
{
	ok($one->{verified}, 'wrap and seal are signed');
	isnt($one->{wrap}{pubkey}, $author, 'the wrap not by us');
	is_deeply($one->{wrap}{tags}, [ [ 'p', $reader ] ], 'it names its reader');
	is($one->{seal}{kind}, 13, 'a seal');
	is($one->{seal}{pubkey}, $author, 'by us');
	is_deeply($one->{seal}{tags}, [], 'without tags');
	ok(!exists $one->{message}{sig}, 'the message is not signed');
	is_deeply([ @{ $one->{message} }{qw(kind pubkey content tags)} ], [ 14, $author, "wss://mine.example.com is offline, was unstable: $words", [ [ 'p', $reader ] ] ], 'and says what has changed');
	ok($_->{created_at} <= time && $_->{created_at} > time - 2 * 86400 - 600, 'at some time of two days') for $one->{wrap}, $one->{seal};
}
is($messages[1]{message}{id}, $messages[0]{message}{id}, 'a message that comes again has the same id');
isnt($messages[1]{wrap}{id}, $messages[0]{wrap}{id}, 'in another wrap');
is_deeply([ map { $_->{message}{created_at} } @messages ], [ $then + 1, $then + 1, $then + 2 ], 'and the time of the change');
is($messages[0]{message}{id}, canonical_id(encode_json($messages[0]{message})), 'the id is that of NIP-01');

# A reader who says where private messages are taken gets them there.
my $list = sql("INSERT INTO bigbrotr.events (event_id, pubkey, created_at, inserted_at, kind, tags, content, sig) VALUES (decode(repeat('ab', 32), 'hex'), '\\x$reader', 1700000000, 1700000000, 10050,
	'[[\"relay\",\"@{[$relay->url('/door')]}\"],[\"relay\",\"no relay\"],[\"x\"]]', '', decode(repeat('cd', 64), 'hex')) RETURNING kind");
is($list, 10050, 'a list of relays');
sql(q{SELECT bigbrotr.disable_relay('wss://mine.example.com')});
wait_for($node, "delivered = 3 $watched");
@messages = messages('door');
is(scalar @messages, 1, 'the relay of the list got it, after we had signed in');
is($messages[0]{message}{content}, 'wss://mine.example.com is ignored, was candidate', 'without a reason where there is none');

like(($node->psql('postgres', "SELECT bigbrotr.watch_relay('wss://mine.example.com', 'npub1x')"))[2], qr/invalid NIP-19 text/, 'a key must be one');
$node->stop;
$relay->stop;
done_testing();
