# Connections to the API: sockets as the setting says, TLS, and server-sent events.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ApiServer;
use ArchiveTest;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Run;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $local = PostgreSQL::Test::Utils::tempdir_short() . '/api';
my $api = ApiServer->start('api_connections', api_listen => "unix:$local");
my $node = $api->{node};
ok($api->serves, 'it serves');
my $unix = IO::Socket::UNIX->new(Peer => $local) or die "no connection: $!";
print {$unix} "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
is(status_of($unix), 200, 'on a Unix socket, too');

# ---- server-sent events

sub archive_note
{
	my ($content) = @_;
	return $api->archive(qq{bigbrotr.sign_event(sha256('a'), 1, '$content', '[]', 1700000001)});
}

# A stream behind its head, which must be good.
sub listen_to
{
	my ($path, $last_id) = @_;
	my $stream = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $api->{port}) or die "no connection: $!";
	print {$stream} "GET $path HTTP/1.1\r\nHost: api\r\n", defined $last_id ? "Last-Event-ID: $last_id\r\n" : '', "\r\n";
	$stream->flush;
	is(status_of($stream), 200, "$path streams");
	while ((my $line = <$stream>) ne "\r\n") { }
	return $stream;
}

# The next event: its name, its data, its id.
sub next_event
{
	my ($stream) = @_;
	my %field;
	while (defined(my $line = <$stream>))
	{
		chomp $line;
		return ($field{event}, decode_json($field{data}), $field{id}) if $line eq '' && defined $field{data};
		$field{$1} = $2 if $line =~ /^(\w+): (.*)/;
	}
	return ('the end', {}, '');
}

my $stream = listen_to('/api/v1/live/events?kinds=1');
my ($name, $data, $place) = next_event($stream);
is_deeply([ $name, $data->{continued} ? 1 : 0 ], [ 'begin', 0 ], 'it begins now');
archive_note('first of the stream');
($name, $data, $place) = next_event($stream);
is("$name $data->{content}", 'event first of the stream', 'a new event');
my $elsewhere = listen_to('/api/v1/live/events?kinds=7');
next_event($elsewhere);
close $stream;
archive_note('second of the stream');
archive_note('third of the stream');
$stream = listen_to('/api/v1/live/events?kinds=1', $place);
($name, $data) = next_event($stream);
ok($data->{continued}, 'it goes on where it has ended');
is((next_event($stream))[1]{content}, "$_ of the stream", "with the $_ event") for qw(second third);
close $stream;
$stream = listen_to('/api/v1/live/events', 'of-another-server-7');
is(join(' ', map { (next_event($stream))[0] } 1 .. 2), 'begin missed', 'a place that is not known is told');
close $stream;
$api->archive(q{bigbrotr.sign_event(sha256('a'), 7, '+', '[]', 1700000001)});
is((next_event($elsewhere))[1]{content}, '+', 'others get what they ask for');
close $elsewhere;
$stream = listen_to('/api/v1/live/progress');
is(join(' ', map { (next_event($stream))[0] } 1 .. 2), 'begin change', 'progress begins with what is known');
close $stream;
close listen_to('/api/v1/live/relays');
is($api->get('/api/v1/live/events?search=x')->{status}, 400, 'a search has no new events');
is($api->get('/api/v1/live/events?kinds=x')->{status}, 400, 'a wrong filter');

# ---- sockets follow the setting

my $second = PostgreSQL::Test::Cluster::get_free_port();
my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $second, Listen => 1) or die "no socket: $!";
$node->append_conf('postgresql.conf', "bigbrotr.api_listen = '127.0.0.1:$api->{port}, 127.0.0.1:$second'\n");
$node->reload;
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND waiting_for LIKE '%another program uses it%')});
pass('a port that is taken is told');
ok($api->serves, 'the other one is served');
ok(!-e $local, 'the socket that is not listed is gone');
close $taken;
ok($api->serves(port => $second), 'it is taken when it is free');
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND waiting_for IS NULL)});

# ---- TLS

my $directory = PostgreSQL::Test::Utils::tempdir();
my $with_tls  = PostgreSQL::Test::Cluster::get_free_port();

sub make_certificate
{
	my ($name) = @_;
	PostgreSQL::Test::Utils::system_or_bail('openssl', qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj), "/CN=$name",
		'-keyout', "$directory/key", '-out', "$directory/certificate");
	return chmod 0600, "$directory/key";
}

# What openssl's client prints when this is its input.
sub with_openssl
{
	my ($input) = @_;
	my ($out, $errors) = ('', '');
	IPC::Run::run([ qw(openssl s_client -ign_eof -alpn http/1.1 -connect), "127.0.0.1:$with_tls" ], '<', \$input, '>', \$out, '2>', \$errors);
	return $out;
}

sub waits_for
{
	my ($words) = @_;
	return wait_for($node, "EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND waiting_for LIKE '%$words%')");
}

$node->append_conf('postgresql.conf', "bigbrotr.api_listen = '127.0.0.1:$api->{port}, 127.0.0.1:$second, tls:127.0.0.1:$with_tls'\n");
$node->reload;
waits_for('api_tls_certificate: no file is named');
make_certificate('first');
chmod 0644, "$directory/key";
$node->append_conf('postgresql.conf', "bigbrotr.api_tls_certificate = '$directory/certificate'\nbigbrotr.api_tls_key = '$directory/key'\n");
$node->reload;
waits_for('chmod 0600 ends that');
pass('a key that others can read is not used');
ok($api->serves, 'the socket without TLS is served');
chmod 0600, "$directory/key";
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND waiting_for IS NULL)});
my $ready = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
my $said  = with_openssl($ready);
like($said, qr/\{"status":"ready"\}/, 'TLS');
like($said, qr/^ALPN protocol: http\/1\.1$/m, 'of HTTP/1.1');
# Newer versions of OpenSSL write CN=first.
like($said, qr/CN ?= ?first/, 'with the certificate');
make_certificate('second');
$node->reload;
for (1 .. 100)
{
	last if with_openssl($ready) =~ /CN ?= ?second/;
}
like(with_openssl($ready), qr/CN ?= ?second/, 'which is read again at a reload');
append_to_file("$directory/certificate.new", 'nonsense');
rename "$directory/certificate.new", "$directory/certificate";
$node->reload;
waits_for('the certificate is not PEM');
like(with_openssl($ready), qr/CN ?= ?second/, 'one that cannot be used changes nothing');
make_certificate('third');
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND waiting_for IS NULL)});

# ---- settings that are refused

my %wrong = (
	api_listen => [ 'tls:localhost:80', 'tls:tls:127.0.0.1:80', 'localhost:80', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.1:8x', '::1:80', '[::1]', '[127.0.0.1]:80',
		'unix:relative', 'unix:/' . 'x' x 200, '127.0.0.1:80, x' ],
	api_trusted_proxies => [ '10.0.0.0/33', '::1/129', '10.0.0.0/', 'proxy.example.com' ],
	api_metrics_networks => [ '10.0.0.0/33', 'localhost' ],
	api_public_urls     => [ 'ftp://example.com', 'https://example.com/ x' ],
	api_name            => [ 'x' x 201 ]);
for my $setting (sort keys %wrong)
{
	for my $value (@{ $wrong{$setting} })
	{
		my (undef, undef, $refused) = $node->psql('postgres', "ALTER SYSTEM SET bigbrotr.$setting = '$value'");
		like($refused, qr/invalid value for parameter "bigbrotr.$setting".*\nDETAIL/s, "$setting cannot be " . substr $value, 0, 30);
	}
}
$node->safe_psql('postgres', q{ALTER SYSTEM SET bigbrotr.api_trusted_proxies = '10.0.0.0/8, ::1/128,127.0.0.1'; ALTER SYSTEM RESET bigbrotr.api_trusted_proxies});

$node->stop;
done_testing();
