# Relays behind the TLS of Node, with certificates that are right and wrong: those that are wrong are not read, and why is said.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IPC::Open2 qw(open2);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();

sub openssl
{
	my (@arguments) = @_;
	system("cd '$directory' && openssl @arguments 2>>openssl.log") == 0 or die slurp_file("$directory/openssl.log");
	return;
}

append_to_file("$directory/ca.cnf", <<'END');
[ca]
default_ca = this
[this]
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
END
append_to_file("$directory/index.txt", '');
openssl("req -x509 -newkey rsa:2048 -nodes -subj /CN=authority -days 30 -keyout ca.key -out ca.pem");
openssl("req -newkey rsa:2048 -nodes -subj /CN=relay -keyout relay.key -out relay.csr");
openssl("req -x509 -key relay.key -subj /CN=relay -addext subjectAltName=IP:127.0.0.1 -days 30 -out self_signed.pem");
my %made = (
	right => [ '20200101000000Z', '20491231235959Z', 'IP:127.0.0.1' ],
	expired => [ '20200101000000Z', '20200201000000Z', 'IP:127.0.0.1' ],
	not_yet_valid => [ '20490101000000Z', '20491231235959Z', 'IP:127.0.0.1' ],
	wrong_name => [ '20200101000000Z', '20491231235959Z', 'DNS:elsewhere.example.com' ]);
for my $name (sort keys %made)
{
	my ($from, $until, $names) = @{ $made{$name} };
	append_to_file("$directory/$name.ext", "subjectAltName = $names\n");
	openssl("ca -config ca.cnf -batch -startdate $from -enddate $until -extfile $name.ext -keyfile ca.key -cert ca.pem -in relay.csr -out $name.pem");
}
my %wrong = (
	self_signed => qr/not valid: self-signed certificate/,
	expired => qr/not valid: certificate has expired/,
	not_yet_valid => qr/not valid: certificate is not yet valid/,
	wrong_name => qr/not valid: (?:IP address|hostname) mismatch/);
my @names = ('right', sort keys %wrong);

system("bigbrotr-corpus 200 > '$directory/events.jsonl'") == 0 or die 'no events';
my @pids;
END { kill 'TERM', @pids if @pids }

# Starts a program of relay/; returns the line that it writes.
sub start_program
{
	my ($program, @arguments) = @_;
	push @pids, open2(my $out, undef, 'node', "$FindBin::RealBin/relay/$program", @arguments);
	return decode_json(<$out> // die "$program did not start");
}
my $relay = start_program('relay.mjs', '--load', "$directory/events.jsonl");
my $ports = start_program('tls.mjs', $relay->{port}, map { ("$directory/$_.pem", "$directory/relay.key") } @names);
my %url = map { ($names[$_] => "wss://127.0.0.1:$ports->[$_]") } 0 .. $#names;

my $node = archive_server('certificates', 'bigbrotr.tls_ca_file' => "$directory/ca.pem");
add_relays($node, map { $url{$_} } @names);
wait_for($node, "count(*) = 1 FROM bigbrotr.sync_status WHERE relay_url = '$url{right}' AND phase = 'live'");
is($node->safe_psql('postgres', "SELECT sighting_count FROM bigbrotr.sync_status WHERE relay_url = '$url{right}'"), $relay->{events},
	'a relay with a right certificate is archived');
for my $name (sort keys %wrong)
{
	wait_for($node, "last_error IS NOT NULL FROM bigbrotr.sync_status WHERE relay_url = '$url{$name}'");
	my ($error, $detail, $events) = split /\|/,
	  $node->safe_psql('postgres', "SELECT last_error, last_detail, sighting_count FROM bigbrotr.sync_status WHERE relay_url = '$url{$name}'");
	is("$error $events", 'tls_failed 0', "$name: nothing is read");
	like($detail, $wrong{$name}, '… and the reason is named');
}

$node->stop;
done_testing();
