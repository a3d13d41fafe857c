# Jobs (NIP-90): a customer of nostr-tools asks the dvm service at relay software that is not ours; and each job is answered once,
# whatever is killed meanwhile. BIGBROTR_TEST_JOBS: how many jobs, BIGBROTR_TEST_KILLS: how many kills.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IPC::Open2 qw(open2);
use IPC::Run qw(start);
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $provider = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'; # of the secret key 1
my $directory = PostgreSQL::Test::Utils::tempdir();
append_to_file("$directory/key", '0' x 63 . "1\n");
chmod 0600, "$directory/key" or die "chmod: $!";

my @pids;
END { kill 'TERM', @pids if @pids }
my ($relay, $other) = map {
	push @pids, open2(my $out, undef, 'node', "$FindBin::RealBin/relay/relay.mjs");
	decode_json(<$out> // die 'the relay did not start')->{url}
} 1 .. 2;

my $jobs = $ENV{BIGBROTR_TEST_JOBS} // 60;
my $kills = $ENV{BIGBROTR_TEST_KILLS} // 6;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = archive_server('dvm',
	'bigbrotr.services' => 'dvm, api',
	'bigbrotr.api_listen' => "127.0.0.1:$port",
	'bigbrotr.key_file' => "$directory/key",
	'bigbrotr.dvm_relays' => $relay,
	'bigbrotr.dvm_jobs_per_author' => $jobs + 100);
$node->safe_psql('postgres', q{SELECT bigbrotr.insert_events_batch(ARRAY(SELECT bigbrotr.sign_event(sha256('author'), 1, 'note ' || n, '[]', 1700000000 + n)::jsonb
	|| '{"relay_url": "wss://one.example.com", "relay_network": "clearnet", "relay_inserted_at": 1, "seen_at": 2}' FROM generate_series(1, 3) AS n))});
sub stored { return $node->safe_psql('postgres', $_[0]) }

my ($out, $errors) = ('', '');
my $customer = start [ 'node', "$FindBin::RealBin/relay/customer.mjs", $provider, $relay, $other ], '>', \$out, '2>', \$errors, IPC::Run::timeout(180);
ok($customer->finish, 'the customer went through all jobs') or diag $errors, stored('SELECT * FROM bigbrotr.dvm_jobs'), stored('SELECT * FROM bigbrotr.services');
for my $check (map { decode_json($_) } split /\n/, $out)
{
	ok($check->{right}, $check->{name}) or diag explain $check->{seen};
}
wait_for($node, q{bool_and(state = 'delivered') FROM bigbrotr.dvm_jobs});
is(stored('SELECT count(*) FROM bigbrotr.dvm_jobs WHERE error IS NOT NULL'), 4, 'errors are noted');
unlike(stored(q{SELECT string_agg(request || answer, '') FROM _bigbrotr.job_requests}), qr/kinds|encrypted/, 'what was said is not kept');

# By HTTP.
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND state = 'running')});
$out = '';
my $posting = start [ 'node', "$FindBin::RealBin/relay/customer.mjs", $provider, $relay, '--posted', "http://127.0.0.1:$port" ], '>', \$out, '2>', \$errors, IPC::Run::timeout(60);
ok($posting->finish, 'jobs are posted') or diag $errors;
ok($_->{right}, $_->{name}) or diag explain $_->{seen} for map { decode_json($_) } grep { /^\{/ } split /\n/, $out;

# A price, and who is believed that it was paid: the key of 32 bytes 5.
my $zapper = stored(q{SELECT encode(bigbrotr.public_key(decode(repeat('05', 32), 'hex')), 'hex')});
$node->append_conf('postgresql.conf', "bigbrotr.dvm_zapper = '$zapper'");
sub price
{
	$node->append_conf('postgresql.conf', "bigbrotr.dvm_price = $_[0]");
	$node->reload;
	wait_for($node, "setting = '$_[0]' FROM pg_settings WHERE name = 'bigbrotr.dvm_price'");
	return;
}
price(5000);
$out = '';
my $priced = start [ 'node', "$FindBin::RealBin/relay/customer.mjs", $provider, $relay, '--priced' ], '>', \$out, '2>', \$errors, IPC::Run::timeout(60);
$priced->pump until $out =~ /^unpaid (\w+)$/m || !$priced->pumpable;
is(stored("SELECT bigbrotr.pay_job('$1')"), 't', 'a job is paid');
ok($priced->finish, 'and done') or diag $errors;
ok($_->{right}, $_->{name}) or diag explain $_->{seen} for map { decode_json($_) } grep { /^\{/ } split /\n/, $out;
price(0);

# Many jobs, while worker, net process, executor and server are killed.
$out = '';
my $in = '';
# Counted before the customer asks for the first one.
my $before = stored('SELECT count(*) FROM bigbrotr.dvm_jobs');
my $many = start [ 'node', "$FindBin::RealBin/relay/customer.mjs", $provider, $relay, '--many', $jobs ], '<', \$in, '>', \$out, '2>', \$errors, IPC::Run::timeout(1800);
my $done = "(SELECT count(*) FROM bigbrotr.dvm_jobs WHERE state = 'delivered') - $before";
for my $kill (1 .. $kills)
{
	my $until = int($jobs * $kill / ($kills + 1));
	wait_for($node, "$done >= $until");
	my $victim = (qw(net worker executor postmaster))[ $kill % 4 ];
	if ($victim eq 'postmaster')
	{
		kill_server($node, 'dvm');
	}
	else
	{
		my $pid = $victim eq 'net' ? net_pid($node, 'dvm') : service_pid($node, $victim eq 'worker' ? 'dvm' : 'dvm.1');
		kill 'KILL', $pid;
		# Until its parent has reaped it, the next look may find it again.
		gone($pid) or die "the $victim survives";
	}
	wait_for($node, q{bigbrotr.start_services()::text = ''}); # this was no bug: no reason to hold back
}
wait_for($node, "$done = $jobs");
$many->pump until $out =~ /^asked$/m || !$many->pumpable;
# A line, not the end of the pipe: the servers that were started meanwhile have it open, too.
$in = "done\n";
$many->finish or diag $errors;
my ($verdict) = grep { /right/ } split /\n/, $out;
ok($verdict && decode_json($verdict)->{right}, "$jobs jobs, $kills kills: each is answered once") or diag $verdict;
is(stored('SELECT count(*) FROM bigbrotr.dvm_jobs WHERE error IS NOT NULL'), 4, 'none failed');

$node->stop;
done_testing();
