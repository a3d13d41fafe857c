# The monitor and its net process visit relays of several behaviours: what they make of each.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IO::Socket::INET;
use MaxMindFile qw(write_mmdb uint32 double);
use PostgreSQL::Test::Utils;
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

# Where addresses are: one file knows the country and the city, one the network.
my $folder = PostgreSQL::Test::Utils::tempdir();
sub write_places
{
	my ($country, $city) = @_;
	return write_mmdb("$folder/city.mmdb", '127.0.0.0/8' => { country => { iso_code => $country }, city => { names => { en => $city, de => 'x' } },
			subdivisions => [ { names => { en => 'Hesse' } } ], location => { latitude => double(50.11552), longitude => double(8.68417) } });
}
write_places('DE', "Frankfurt \xc3\xa4");
write_mmdb("$folder/asn.mmdb", '127.0.0.0/16' => { autonomous_system_number => uint32(64500), autonomous_system_organization => 'Example Ltd' });

my $node = archive_server('visits', 'bigbrotr.services' => 'initializer, monitor', 'bigbrotr.politeness' => 'sweep',
	'bigbrotr.geoip_database' => "$folder/city.mmdb , $folder/asn.mmdb");
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

# Where a relay is. The files may be replaced, broken or gone; visits go on.
my $good = "relay_url ~ '/good\$'";
sub place_of_good { return $node->safe_psql('postgres', "SELECT country, region, city, geohash, as_number, as_name FROM bigbrotr.relay_status WHERE $good") }
# Visits the relay until the monitor's net process, perhaps a new one, knows that.
sub wait_for_place
{
	my ($place) = @_;
	for (1 .. 20)
	{
		my $count = $node->safe_psql('postgres', 'SELECT max(checked_at) FROM _bigbrotr.relay_visits WHERE rtt_read IS NOT NULL');
		wait_for($node, "floor(extract(epoch FROM clock_timestamp())) > $count");
		$node->safe_psql('postgres', "UPDATE _bigbrotr.relay_visits SET next_visit = 0 WHERE owner IS NULL AND relay_id = (SELECT relay_id FROM bigbrotr.relays WHERE url ~ '/good\$')");
		wait_for($node, "checked_at > $count FROM _bigbrotr.relay_visits JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '/good\$'");
		return if place_of_good() eq $place;
	}
	return;
}
is(place_of_good(), "DE|Hesse|Frankfurt \xc3\xa4|u0yjj|64500|Example Ltd", 'a relay is where the files say');
is($node->safe_psql('postgres', "SELECT facts -> 'geo' ->> 'latitude', facts -> 'geo' ->> 'longitude' FROM bigbrotr.relay_at('" . $relays->url('/good') . "', now())"), '50.1155|8.6842', 'with its coordinates');
is($node->safe_psql('postgres', "SELECT bool_and(relay_url ~ '/(good|closes)\$'), count(*) FROM _bigbrotr.api_relays(country => 'de')"), 't|2', 'countries are a condition of the API');
write_places('FR', '');
wait_for_place('FR|Hesse||u0yjj|64500|Example Ltd');
is(place_of_good(), 'FR|Hesse||u0yjj|64500|Example Ltd', 'a file that is replaced is read anew');
my $size = write_places('DE', 'Kassel');
open my $file, '+<:raw', "$folder/city.mmdb" or die $!;
print $file "\xff" x $size;
close $file or die $!;
rename "$folder/city.mmdb", "$folder/moved" or die $!;
rename "$folder/moved", "$folder/city.mmdb" or die $!;
wait_for_place('||||64500|Example Ltd');
is(place_of_good(), '||||64500|Example Ltd', 'of one that is broken nothing is believed');
$node->wait_for_log(qr/city.mmdb", a file of bigbrotr.geoip_database, is broken/);
$node->append_conf('postgresql.conf', "bigbrotr.geoip_database = '$folder/none.mmdb, $folder/asn.mmdb'\n");
write_mmdb("$folder/asn.mmdb", '127.0.0.0/16' => { autonomous_system_number => uint32(64501) });
$node->reload;
wait_for_place('||||64501|');
is(place_of_good(), '||||64501|', 'what one file lacks, others have');
$node->wait_for_log(qr/could not open ".*none.mmdb", a file of bigbrotr.geoip_database/);
append_to_file("$folder/none.mmdb", 'no database');
wait_for_place('||||64501|');
$node->append_conf('postgresql.conf', "bigbrotr.geoip_database = ''\n");
$node->reload;
wait_for_place('|||||');
is(place_of_good(), '|||||', 'without files nothing is said');
is($node->safe_psql('postgres', "SELECT status FROM bigbrotr.relay_status WHERE $good"), 'online', 'and all visits went well');

# Old measurements that cannot be deleted keep no relay waiting.
my $session = session($node);
$node->safe_psql('postgres', 'INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at) SELECT min(relay_id), 1000 FROM bigbrotr.relays');
$session->query_safe('BEGIN; SELECT FROM _bigbrotr.relay_checks WHERE generated_at = 1000 FOR UPDATE');
$node->safe_psql('postgres', q{SELECT bigbrotr.restart_service('monitor')});
wait_for($node, q{(bigbrotr.service_stats('monitor') #>> '{custom,retries}')::integer > 0});
my $before = $node->safe_psql('postgres', 'SELECT bigbrotr.unix_now()');
$node->safe_psql('postgres', 'UPDATE _bigbrotr.relay_visits SET next_visit = 0 WHERE owner IS NULL');
wait_for($node, "min(checked_at) >= $before FROM _bigbrotr.relay_visits");
pass('visits go on while old measurements cannot be deleted');
$session->quit;
$node->stop;
done_testing();
