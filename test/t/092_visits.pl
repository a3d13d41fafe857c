# The monitor and its net process visit relays of several behaviours: what they make of each.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../hostile";
use ArchiveTest;
use IO::Socket::INET;
use ScriptedRelay qw(websocket);
use Test::More;

my $document = '{"name":"scripted","software":"perl","version":"1","supported_nips":[1,11,50]}';

# Answers a plain GET with a document, a WebSocket with a conversation.
sub relay
{
	my ($answer) = @_;
	my $talk = websocket($answer);
	return sub {
		my ($c) = @_;
		return $talk->($c) if $c->{request} =~ /^Upgrade:/im;
		$c->raw("HTTP/1.1 200 OK\r\nContent-Type: application/nostr+json\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\nContent-Length: "
			  . length($document) . "\r\n\r\n$document");
	};
}

# Calls a sub with the connection and each subscription that is asked for.
sub at_each_question
{
	my ($script) = @_;
	return sub {
		my ($c) = @_;
		while (defined(my $text = $c->message))
		{
			my ($subscription) = $text =~ /^\["REQ",\s*("[^"]*")/ or next;
			$script->($c, $subscription);
		}
	};
}

my $page = '<html>hello</html>';
my $relays = ScriptedRelay->start(
	'/good'   => relay(at_each_question(sub { my ($c, $s) = @_; $c->text("[\"EOSE\",$s]") })),
	'/closes' => relay(at_each_question(sub { my ($c, $s) = @_; $c->text("[\"CLOSED\",$s,\"auth-required: who are you?\"]") })),
	'/silent' => relay(at_each_question(sub { })),
	'/page'   => sub { my ($c) = @_; $c->raw("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: " . length($page) . "\r\n\r\n$page") },
	'/broken' => sub { my ($c) = @_; $c->raw("HTTP/1.1 500 Oops\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") });

# Nothing listens there any more.
my $closed = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "listen: $!";
my $port = $closed->sockport;
close $closed;

my $node = archive_server('visits', 'bigbrotr.services' => 'initializer, monitor', 'bigbrotr.politeness' => 'sweep');
add_relays($node, (map { $relays->url("/$_") } qw(good closes silent page broken)), "ws://127.0.0.1:$port/nobody");
wait_for($node, q{count(*) = 6 FROM bigbrotr.relay_status WHERE last_visit IS NOT NULL});

sub status_of
{
	my ($path) = @_;
	return $node->safe_psql('postgres', "SELECT status, reason FROM bigbrotr.relay_status WHERE relay_url ~ '/$path\$'");
}
is(status_of('good'), 'online|', 'a relay that answers is online');
is(status_of('closes'), 'online|', 'a relay that refuses the question answers, too');
like(status_of('silent'), qr/^candidate\|\w/, 'a relay that opens a WebSocket and says nothing is none yet');
like(status_of('page'), qr/^candidate\|\w/, 'a web page is no relay');
like(status_of('broken'), qr/^candidate\|\w/, 'nor is a broken web server');
is(status_of('nobody'), 'candidate|connection_refused', 'nor is a closed port');
like($node->safe_psql('postgres', "SELECT * FROM bigbrotr.explain_relay('ws://127.0.0.1:$port/nobody')"),
	qr/is candidate since .*: nothing listens on its port\nThe last visit that failed, .*:\n(?:.*\n)*  connect .*: nothing listens on its port/, 'the story of a visit that failed');
like($node->safe_psql('postgres', "SELECT * FROM bigbrotr.explain_relay('" . $relays->url('/good') . "')"),
	qr/The last visit that went well, .*:\n(?:.*\n)*  upgrade: well, \d+ ms\n  read: well, \d+ ms/, 'the story of a visit that went well');
is($node->safe_psql('postgres', 'SELECT count(*), min(name), min(supported_nips::text) FROM _bigbrotr.nip11_documents'), '1|scripted|[1, 11, 50]', 'one document is stored once');
is($node->safe_psql('postgres', q{SELECT nip66_openable, nip66_readable, nip66_rtt_open >= 0, nip66_rtt_read >= 0, nip11_present, nip11_software FROM bigbrotr.relay_metadata WHERE relay_url ~ '/good$'}),
	't|t|t|t|t|perl', 'the visit is a row of relay_metadata');
$node->stop;
done_testing();
