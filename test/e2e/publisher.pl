# The monitor visits relay software that is not ours, writes to it and publishes there what it found (NIP-66): the software takes the events, and a
# library that is not ours verifies and reads them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IPC::Open2 qw(open2);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $monitor = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'; # of the secret key 1
my $directory = PostgreSQL::Test::Utils::tempdir();
append_to_file("$directory/key", '0' x 63 . "1\n");
chmod 0600, "$directory/key" or die "chmod: $!";

my @pids;
sub relay
{
	push @pids, open2(my $out, undef, 'node', "$FindBin::RealBin/relay/relay.mjs");
	return decode_json(<$out> // die 'the relay did not start')->{url};
}
END { kill 'TERM', @pids if @pids }
my ($visited, $target) = map { relay() } 1 .. 2;

my $node = archive_server('publisher_e2e',
	'bigbrotr.services' => 'initializer, monitor, publisher',
	'bigbrotr.key_file' => "$directory/key",
	'bigbrotr.monitor_write_check' => 'on',
	'bigbrotr.publish_name' => 'a monitor');
add_relays($node, $visited);
my $visits = '_bigbrotr.relay_visits';
wait_for($node, q{status = 'online' FROM bigbrotr.relay_status});
wait_for($node, "checked_at < floor(extract(epoch FROM clock_timestamp())) FROM $visits");
$node->safe_psql('postgres', "UPDATE $visits SET next_visit = 0");
wait_for($node, "owner IS NULL AND tried_at IS NOT NULL FROM $visits");
is($node->safe_psql('postgres', q{SELECT nip66_openable, nip66_readable, nip66_writable, nip66_rtt_write IS NOT NULL FROM bigbrotr.relay_metadata ORDER BY generated_at DESC LIMIT 1}),
	't|t|t|t', 'the relay can be opened, read and written');
is($node->safe_psql('postgres', "SELECT facts -> 'write' FROM bigbrotr.relay_at('$visited', now())"), '{"shown": true, "accepted": true}', 'and shows what was written');

$node->append_conf('postgresql.conf', "bigbrotr.publish_relays = '$target'");
$node->reload;
wait_for($node, 'count(*) = 4 FROM bigbrotr.publications');
is($node->safe_psql('postgres', 'SELECT kind, outcome FROM bigbrotr.publications ORDER BY kind'),
	"0|accepted\n10002|accepted\n10166|accepted\n30166|accepted", 'it takes all events');

sub read_with
{
	my ($url) = @_;
	chomp(my $json = `node '$FindBin::RealBin/nip66/read.mjs' $url`);
	return decode_json($json);
}
my $read = read_with($target);
my %common = (pubkey => $monitor, verified => JSON::PP::true);
my $url = "$visited/" =~ s{//$}{/}r;
is_deeply($read, [
	{ %common, kind => 0 },
	{ %common, kind => 10002 },
	{ %common, kind => 10166, valid => JSON::PP::true, frequency => 3600, checks => [qw(open read write nip11 dns ssl)] },
	{ %common, kind => 30166, valid => JSON::PP::true, url => $url, network => undef, map({ ($_ => JSON::PP::true) } qw(open read write)),
		nips => $read->[3]{nips}, requirements => [qw(!auth !payment !writes !pow)], topics => [] } ], 'which another library reads as they were meant')
  or diag explain $read;
is($read->[3]{nips}[0], '1', 'with NIPs');
is_deeply(read_with($visited), [ { %common, kind => 30078 } ], 'the relay that was visited has the event of the write check and nothing else');

$node->stop;
done_testing();
