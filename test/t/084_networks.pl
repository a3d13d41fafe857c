# Relays of overlay networks through real proxies: microsocks and tinyproxy lead to a relay; tor and i2pd, which have no
# network here, say that they do not reach one. Without a proxy such a relay waits, and nothing is said of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IO::Socket::INET;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use ScriptedRelay;
use Test::More;

my %program;
for my $name (qw(microsocks tinyproxy tor i2pd))
{
	($program{$name}) = grep { -x } map { "$_/$name" } split(/:/, $ENV{PATH}), '/usr/sbin';
	plan skip_all => "$name is not installed" unless $program{$name} || $name =~ /^(?:tor|i2pd)$/;
}
my ($wrapper) = glob '/usr/lib/*/libnss_wrapper.so';
plan skip_all => 'libnss-wrapper is not installed' unless $wrapper;

my $directory = PostgreSQL::Test::Utils::tempdir_short();
my %port = map { ($_ => PostgreSQL::Test::Cluster::get_free_port()) } qw(microsocks tinyproxy tor tor_http i2pd i2pd_http nowhere);
my $i2p = 'relay.i2p';
my $onion = '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion';
my @running;

my $list = "$directory/truth.tsv";
my $stub = relay_stub(events => 300, list => $list);
my $url = "ws://$i2p:$stub->{port}/0";
my $lists = ScriptedRelay->start('/list' => sub { $_[0]->raw("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nwss://listed.com") });
my $source = "http://$i2p:$lists->{port}/list";
my $node = archive_server('networks', 'bigbrotr.services' => 'initializer, synchronizer, finder', 'bigbrotr.allow_local_relays' => 'off');
load_truth($node, $stub);
$node->safe_psql('postgres', "UPDATE truth SET url = '$url'");

# What is no URL of a proxy is refused, with the reason.
for ([ 'localhost:9050', qr/none of socks5h, socks5 and http.*HINT:.*socks5h:/s ], [ 'socks5h://me:secret@proxy:1', qr/names a user/ ])
{
	my ($value, $reason) = @$_;
	my (undef, undef, $error) = $node->psql('postgres', "ALTER SYSTEM SET bigbrotr.tor_proxy = '$value'");
	like($error, qr/invalid value for parameter "bigbrotr\.tor_proxy".*DETAIL:.*$reason/s, "\"$value\" is no proxy");
}

# Without a proxy: not reachable from here, which is no failure of the relay.
add_relays($node, $url, "wss://$onion");
wait_for($node, qq{count(*) = 2 FROM bigbrotr.sync_status WHERE phase = 'waiting' AND status = 'candidate' AND failure_count = 0
	AND waiting_for = 'a proxy to its network (bigbrotr.' || network || '_proxy)'});
pass('without a proxy relays wait for one');
$node->safe_psql('postgres', "SELECT bigbrotr.add_relay_source('$source', NULL)");
like(fetched_list(), qr/^failed\|0?\|no_proxy/, 'a list is not fetched without a proxy');

# They resolve the relay's name; the archive's server cannot.
append_to_file("$directory/hosts", "127.0.0.1 $i2p\n");
{
	local @ENV{qw(LD_PRELOAD NSS_WRAPPER_HOSTS)} = ($wrapper, "$directory/hosts");
	run_program($program{microsocks}, '-i', '127.0.0.1', '-p', $port{microsocks});
	append_to_file("$directory/tinyproxy", "Port $port{tinyproxy}\nListen 127.0.0.1\nTimeout 600\nAllow 127.0.0.1\n");
	run_program($program{tinyproxy}, '-d', '-c', "$directory/tinyproxy");
}
wait_for_port($port{$_}) for qw(microsocks tinyproxy);

set(i2p_proxy => "socks5h://127.0.0.1:$port{microsocks}");
wait_for($node, "phase = 'live' AND status = 'online' FROM bigbrotr.sync_status WHERE relay_url = '$url'");
archive_matches($node, 'a relay is archived through a SOCKS5 proxy');
is(fetched_list(), 'read|200|', 'and a list is fetched through it');
is($node->safe_psql('postgres', "SELECT 'unencrypted' = ANY (doubts) IS TRUE FROM bigbrotr.coverage LIMIT 1"), 'f', 'its network encrypts');

# The proxy is taken away: the relay is left, and stays what it was.
set(i2p_proxy => '');
wait_for($node, "phase = 'waiting' AND status = 'online' AND waiting_for ~ 'i2p_proxy' FROM bigbrotr.sync_status WHERE relay_url = '$url'");
pass('without its proxy it is left');

$node->safe_psql('postgres', 'DELETE FROM bigbrotr.coverage');
set(i2p_proxy => "http://localhost:$port{tinyproxy}");
wait_for($node, "phase = 'live' FROM bigbrotr.sync_status WHERE relay_url = '$url'");
is($node->safe_psql('postgres', "SELECT read_fraction > 0.99 FROM bigbrotr.sync_status WHERE relay_url = '$url'"), 't', 'a relay is read through a proxy with CONNECT');
is(fetched_list(), 'read|200|', 'and a list is fetched through it');

# A proxy that is not there says nothing of the relay.
set(i2p_proxy => '');
wait_for($node, "phase = 'waiting' FROM bigbrotr.sync_status WHERE relay_url = '$url'");
set(i2p_proxy => "socks5h://127.0.0.1:$port{nowhere}");
wait_for($node, "last_error = 'proxy_failed' AND status = 'online' AND last_detail ~ 'through the proxy: Connection refused'
	FROM bigbrotr.sync_status WHERE relay_url = '$url'");
wait_for($node, "waiting_for = 'the next attempt after a failure of the proxy to its network' FROM bigbrotr.sync_status WHERE relay_url = '$url'");
pass('a failure of the proxy is none of the relay');

unreached(tor => "wss://$onion", 'time to live expired', 'HTTP status 504 Gateway Timeout');
unreached(i2p => $url, 'host unreachable', 'HTTP status 500 Internal Server Error');

$_->signal('KILL'), $_->finish for @running;
$lists->stop;
$node->stop;
done_testing();

# Lets the finder fetch the list, with the settings as they are.
sub fetched_list
{
	$node->safe_psql('postgres', 'UPDATE _bigbrotr.relay_fetches SET next_fetch = 0, fetched_at = NULL');
	wait_for($node, 'fetched_at IS NOT NULL FROM _bigbrotr.relay_fetches');
	return $node->safe_psql('postgres', "SELECT source_state, http_status, last_error FROM bigbrotr.relay_sources WHERE url = '$source'");
}

# What the network's own program says, which finds nobody: by SOCKS5 and by CONNECT. It is not installed by ./check, since its
# package starts a service of the system.
sub unreached
{
	my ($network, $relay, @words) = @_;
	my $name = { tor => 'tor', i2p => 'i2pd' }->{$network};
  SKIP:
	{
		skip "$name is not installed", 2 unless $program{$name};
		$network eq 'tor' ? run_tor() : run_i2pd();
		for ([ socks5h => $port{$name}, $words[0] ], [ http => $port{"${name}_http"}, $words[1] ])
		{
			my ($scheme, $number, $said) = @$_;
			wait_for_port($number);
			set("${network}_proxy" => "$scheme://127.0.0.1:$number");
			wait_for($node, "last_error = 'overlay_unreachable' AND last_detail ~ '$said' FROM bigbrotr.sync_status WHERE relay_url = '$relay'");
			pass("$name by $scheme: $said");
		}
	}
	return;
}

# Its authority, the only peer that it knows, is a closed port of this machine.
sub run_tor
{
	mkdir "$directory/tor", 0700 or die "mkdir: $!";
	append_to_file("$directory/torrc", <<"	END" =~ s/^\t+//gmr);
		DataDirectory $directory/tor
		SocksPort 127.0.0.1:$port{tor}
		HTTPTunnelPort 127.0.0.1:$port{tor_http}
		DirAuthority test orport=$port{nowhere} no-v2 v3ident=14C131DFC5C6F93646BE72FA1401C02A8DF2E8B4 127.0.0.1:$port{nowhere} FD2AF1C7A0BB1C9E2A0E9E9D0F6C8A3BD2D6D1AA
		SocksTimeout 2
	END
	run_program($program{tor}, '--quiet', '-f', "$directory/torrc");
	return;
}

sub run_i2pd
{
	run_program($program{i2pd}, "--datadir=$directory/i2pd", '--log=file', "--logfile=$directory/i2pd.log", '--address4=127.0.0.1',
		'--ssu2.enabled=false', '--reseed.threshold=0', '--reseed.urls=http://127.0.0.1:1/', '--http.enabled=false', '--sam.enabled=false',
		"--socksproxy.port=$port{i2pd}", "--httpproxy.port=$port{i2pd_http}");
	return;
}

sub run_program
{
	my (@command) = @_;
	push @running, IPC::Run::start(\@command, '<', \undef, '>', "$directory/output", '2>&1');
	return;
}

sub set
{
	my ($name, $value) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET bigbrotr.$name = '$value'");
	$node->reload;
	return;
}

sub wait_for_port
{
	my ($number) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $number);
		select undef, undef, undef, 0.1;
	}
	die "nobody listens on port $number";
}
