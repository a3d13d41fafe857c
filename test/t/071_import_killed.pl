# An import whose backend, client or whole server is killed goes on where it was: nothing is lost, nothing is
# there twice, no bad line is told twice. How far it is can be seen while it runs.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $events = 12_000;
my $node = archive_server('import_killed', 'bigbrotr.databases' => '');
my $file = $node->basedir . '/events.jsonl';
my @content = split /^/, corpus('--seed', 71, $events);
my $bad = 0;
$_ % 1000 == 500 and $content[$_] .= "bad line\n" and $bad++ for 0 .. $#content;
append_to_file($file, join '', @content);
my $lines = $events + $bad;
my $open = "SELECT coalesce(max(line_count), 0) FROM bigbrotr.import_progress WHERE NOT finished";

# Runs the import until it has done more than it had when it began, then does something to it. False: it was too fast.
sub interrupt
{
	my ($command, $database, $how) = @_;
	my $before = $node->safe_psql($database, $open);
	my $import = IPC::Run::start($command, '<', \undef, '>', '/dev/null', '2>', '/dev/null');
	my $seen;
	for (1 .. 100 * $PostgreSQL::Test::Utils::timeout_default)
	{
		$seen = $node->safe_psql($database, q{SELECT coalesce(max(line_count), 0), bool_or(done_fraction > 0 AND done_fraction < 1 AND bytes < size), bool_or(finished) FROM bigbrotr.import_progress});
		last if (split /\|/, $seen)[0] > $before;
		select undef, undef, undef, 0.01;
	}
	$how->($import);
	$import->finish;
	return $seen =~ /\|t\|f$/;
}

$node->safe_psql('postgres', "CREATE DATABASE piped");
create_archive($node, 'piped');
my @call = ('psql', '-Xq', '-d', $node->connstr('postgres'), '-c', "CALL bigbrotr.import_events('$file', 'wss://relay.example.com')");
my @pipe = ('bigbrotr-import', '--dbname', $node->connstr('piped'), $file);
my $backend = q{SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL bigbrotr.import_events%' AND pid <> pg_backend_pid()};

my $live = 0;
$live += interrupt(\@call, 'postgres', sub {
	kill 'KILL', $node->safe_psql('postgres', $backend) || return;
	wait_for($node, "NOT EXISTS ($backend)");
});
wait_for($node, 'true');
$live += interrupt(\@call, 'postgres', sub { $node->stop('immediate'); $node->start; });
$live += interrupt(\@call, 'postgres', sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM ($backend) AS b") });
$live += interrupt(\@pipe, 'piped', sub { $_[0]->kill_kill });
# Its backend notices the end of the client when it has done what it does.
wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = 'piped' AND backend_type = 'client backend')});
cmp_ok($live, '>=', 2, "imports were seen half done, and interrupted: $live of 4");

$node->safe_psql('postgres', $call[-1]) if $node->safe_psql('postgres', 'SELECT count(*) FROM _bigbrotr.imports WHERE finished_at IS NULL');
IPC::Run::run(\@pipe, '2>', '/dev/null') or die 'bigbrotr-import failed';
for my $database (qw(postgres piped))
{
	is($node->safe_psql($database, 'SELECT count(*), bool_and(finished), max(line_count), max(refused_count) FROM bigbrotr.import_progress WHERE new_count > 0'),
		"1|t|$lines|$bad", "$database: one import in several runs");
	is($node->safe_psql($database, 'SELECT max(new_count) + max(known_count), (SELECT count(*) FROM bigbrotr.events) FROM bigbrotr.import_progress WHERE new_count > 0'),
		"$events|$events", "$database: every event once");
	is($node->safe_psql($database, q{SELECT count(*), count(DISTINCT line) FROM bigbrotr.import_rejects WHERE reason = 'not_an_object' AND text = ''}), "$bad|$bad", "$database: every bad line once");
	is($node->safe_psql($database, 'SELECT * FROM bigbrotr.verify_statistics()'), '', "$database: counted exactly");
	is($node->safe_psql($database, 'SELECT * FROM bigbrotr.verify_references()'), '', "$database: sound");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.sightings'), $events, 'every sighting once');
$node->stop;
done_testing();
