# The log as JSON: each line can be parsed, and what is about a relay says in one form which relay, what was done and why not. Lines about
# relays whose status changes are bounded.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = archive_node('logs', 'bigbrotr.services' => 'synchronizer', 'bigbrotr.log_level' => 'info, synchronizer=debug',
	'logging_collector' => 'on', 'log_filename' => 'archive.log');
plan skip_all => 'jsonlog is there from PostgreSQL 15 on' if $node->pg_version < 15;
$node->append_conf('postgresql.conf', "log_destination = 'jsonlog'\n");
$node->start;
create_archive($node);
my $stub = relay_stub(events => 20);
my $good = $stub->{urls}[0];
my $closed = 'ws://127.0.0.1:' . PostgreSQL::Test::Cluster::get_free_port() . '/x';
add_relays($node, $good, $closed);
wait_for($node, "status = 'online' FROM bigbrotr.relays WHERE url = '$good'");
wait_for($node, "last_error = 'connection_refused' FROM bigbrotr.sync_status WHERE relay_url = '$closed'");

# The lines of the log; those that are no JSON end the test.
sub lines
{
	return map { decode_json($_) } slurp_file($node->data_dir . '/log/archive.json') =~ /^(.+)\n/mg;
}

# Lines with such a message, as soon as there are some.
sub lines_with
{
	my ($message) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my @found = grep { $_->{message} =~ $message } lines();
		return @found if @found;
		select undef, undef, undef, 0.1;
	}
	die "no line with $message";
}

my ($line) = lines_with(qr/^relay \Q$good\E: online, was candidate$/);
is($line->{error_severity}, 'LOG', 'a change of status is a line of the log');
is($line->{backend_type}, 'bigbrotr synchronizer', 'of the service');
is($line->{detail}, "relay=$good task=read", 'with relay and task as fields');
like($line->{context}, qr/\Abigbrotr service "synchronizer" of database "postgres", task "[a-z ]+"\z/, 'and what the service did');
($line) = lines_with(qr/^relay \Q$closed\E: failed: connection_refused /);
is($line->{detail}, "relay=$closed task=read reason=connection_refused", 'an attempt that failed has its reason, too');
is($line->{context}, 'bigbrotr service "synchronizer" of database "postgres"', 'outside of a transaction there is no task');

# Many relays whose status changes within a minute, in one session. Where the minute ends meanwhile, once more.
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_services(); SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 130) AS n});
my (@told, $minutes);
for my $try (1 .. 3)
{
	$node->safe_psql('postgres', "SELECT _bigbrotr.observe_relay(relay_id, 'administrator', 'ignored', '', bigbrotr.unix_now()) FROM bigbrotr.relays WHERE url ~ 'example.com'");
	my $from = lines();
	$minutes = $node->safe_psql('postgres', q{
		SELECT floor(extract(epoch FROM clock_timestamp()) / 60) AS first \gset
		SELECT count(_bigbrotr.observe_relay(relay_id, 'administrator', 'wanted', '', bigbrotr.unix_now())) FROM bigbrotr.relays WHERE url ~ 'example.com' \g /dev/null
		SELECT floor(extract(epoch FROM clock_timestamp()) / 60) - :first;
		DO 'BEGIN RAISE LOG ''that was try }.$try.q{''; END'});
	lines_with(qr/^that was try $try$/);
	@told = grep { $_->{message} =~ /example\.com: candidate, was ignored/ } (lines())[ $from .. lines() - 1 ];
	last if $minutes == 0;
}
SKIP:
{
	skip 'the minute ended each time', 2 if $minutes;
	is($node->safe_psql('postgres', q{SELECT count(*) FROM bigbrotr.relays WHERE url ~ 'example.com' AND status = 'candidate'}), 130, 'many relays change their status');
	is(scalar(@told), 100, 'a hundred of them are told of within a minute');
}
$node->stop;
done_testing();
