# For tests of the running archive: a server with its services, relays to archive, and what they hold.
# The programs of test/tools must be on the path (./check puts them there).
package ArchiveTest;

use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use Exporter 'import';
use File::Basename qw(dirname);
use IPC::Open2 qw(open2);
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(archive_node archive_server create_archive add_relays wait_for session service_pid net_pid kill_server gone
  all_gone_from relay_stub stop_publishing corpus load_truth archive_matches unfounded_claims source_directory shared_data canonical_id);

my $source = abs_path(dirname(__FILE__) . '/../..');

sub source_directory { return $source }

# The configuration of Alertmanager with a URL in place of the file that holds it, which versions before 0.26 (Debian 12) do not know.
sub alertmanager_config
{
	my ($url) = @_;
	my $config = PostgreSQL::Test::Utils::slurp_file("$source/docker/alertmanager/alertmanager.yml");
	$config =~ s{url_file: \S+}{url: $url} or die 'alertmanager.yml names no file';
	return $config;
}

# A file of the test data that does not belong to this repository, or undef if it is not there.
sub shared_data
{
	my ($name) = @_;
	my $file = ($ENV{BIGBROTR_SHARED} // "$source/../shared") . "/data/$name";
	return -e $file ? $file : undef;
}

# A server for the database postgres, not started, that comes back after a crash. All delays are short.
# install_path: where its PostgreSQL is; the one under test if undefined.
sub archive_node
{
	my ($name, %settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, install_path => delete $settings{install_path});
	$node->init;
	my $no_seeds = $node->basedir . '/no-seeds';
	append_to_file($no_seeds, "# none\n");
	%settings = (
		'shared_preload_libraries'     => 'bigbrotr',
		'restart_after_crash'          => 'on',
		'log_statement'                => 'none',
		'max_worker_processes'         => 20,
		'bigbrotr.databases'           => 'postgres',
		'bigbrotr.seed_file'           => $no_seeds,
		'bigbrotr.allow_local_relays'  => 'on',
		'bigbrotr.restart_delay'       => '50ms',
		'bigbrotr.retry_delay'         => '50ms',
		'bigbrotr.retry_delay_max'     => '1s',
		# Relays of tests are paths of one address.
		'bigbrotr.sync_connections_per_host' => 5000,
		'bigbrotr.sync_connections_per_address' => 0,
		'bigbrotr.sync_connections_per_site' => 5000,
		%settings);
	$node->append_conf('postgresql.conf', join '', map { "$_ = '$settings{$_}'\n" } sort keys %settings);
	return $node;
}

# The same, running and with the extension.
sub archive_server
{
	my $node = archive_node(@_);
	$node->start;
	create_archive($node);
	return $node;
}

sub create_archive
{
	my ($node, $database) = @_;
	$node->safe_psql($database // 'postgres', 'CREATE EXTENSION bigbrotr');
	return;
}

sub add_relays
{
	my ($node, @urls) = @_;
	$node->safe_psql('postgres', join ';', map { "SELECT bigbrotr.add_relay('$_')" } @urls);
	return;
}

# Waits until an SQL condition holds; if it never does, prints the states of relays and services and dies.
sub wait_for
{
	my ($node, $condition, $database) = @_;
	$database //= 'postgres';
	# A session looks many times: to start one for each look takes most of the time of a processor. But it sees no settings that
	# are reloaded, and it ends where the condition has an error or the server crashes: then another one looks.
	# Three times the usual time: some states take minutes where other tests keep the processors busy.
	my $end = time + 3 * $PostgreSQL::Test::Utils::timeout_default;
	my $error;
	for (my $looks = 2; time < $end; $looks = $looks < 32 ? 2 * $looks : $looks)
	{
		my $statement = sprintf q{
			DO $wait$
			#variable_conflict use_column
			BEGIN
				FOR i IN 1 .. %d LOOP
					IF (SELECT %s) THEN PERFORM set_config('test.found', 'yes', false); RETURN; END IF;
					COMMIT; PERFORM pg_sleep(0.05); COMMIT;
				END LOOP;
			END $wait$;
			SELECT current_setting('test.found', true)}, $looks, $condition;
		# A psql that finds no server, as after a crash, ends before it reads the statement: the test's own pipe is broken.
		my $out;
		my $code = eval { $node->psql($database, $statement, stdout => \$out, stderr => \$error) };
		die $@ if !defined $code && $@ !~ /Broken pipe/;
		return 1 if defined $code && $code == 0 && $out eq 'yes';
		select undef, undef, undef, 0.05;
	}
	diag $node->safe_psql($database, 'SELECT relay_url, phase, new_event_count, sighting_count, last_error, last_detail FROM bigbrotr.sync_status LIMIT 20');
	diag $node->safe_psql($database, 'SELECT * FROM bigbrotr.services');
	die "never became true: $condition\n", $error // '';
}

# A psql that stays connected, for one query after the other. Its time limit counts from its start, not for each query, so it is
# longer than a suite may take. %options: database; those of background_psql.
sub session
{
	my ($node, %options) = @_;
	my $database = delete $options{database} // 'postgres';
	return $node->background_psql($database, timeout => 3600, %options);
}

# The process of the synchronizer, or of another service, as soon as there is one.
sub service_pid
{
	my ($node, $service) = @_;
	my $workers = sprintf q{pg_stat_activity WHERE backend_type = 'bigbrotr %s'}, $service // 'synchronizer';
	wait_for($node, "EXISTS (SELECT FROM $workers)");
	return $node->safe_psql('postgres', "SELECT pid FROM $workers LIMIT 1");
}

# Its net process, as soon as there is one.
sub net_pid
{
	my ($node, $service) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $worker = service_pid($node, $service);
		if (open my $file, '<', "/proc/$worker/task/$worker/children")
		{
			my ($child) = (<$file> // '') =~ /^(\d+)/;
			return $child if $child;
		}
		select undef, undef, undef, 0.1;
	}
	die 'the service has no net process';
}

# kill -9 of the postmaster, which leaves nobody to tell the others, and a new start when all have ended.
sub kill_server
{
	my ($node, $service) = @_;
	my ($postmaster) = PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	my $net = net_pid($node, $service);
	$node->kill9;
	gone($_) or die "process $_ survives its server" for $postmaster, $net;
	all_gone_from($node->data_dir);
	$node->start;
	return 1;
}

# Waits for the end of all processes of a server that was killed, by its data directory: they work there. No list made before
# the kill has them all: the postmaster may start one more, and a new server does not start while any of them holds the old
# shared memory.
sub all_gone_from
{
	my ($directory) = @_;
	$directory = abs_path($directory);
	my @left;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		@left = grep { (readlink("$_/cwd") // '') eq $directory } glob '/proc/[0-9]*' or return;
		select undef, undef, undef, 0.1;
	}
	die "these processes survive their server: @left";
}

# Waits for the end of a process.
sub gone
{
	my ($pid) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return 1 unless kill 0, $pid;
		select undef, undef, undef, 0.1;
	}
	return 0;
}

# Starts bigbrotr-relay_stub. The object has port, urls and, if `list` was given, that file; the stub ends with it.
sub relay_stub
{
	my (%options) = @_;
	open2(my $out, my $in, 'bigbrotr-relay_stub', map { ("--$_" => $options{$_}) } sort keys %options);
	my $line = <$out> // die 'the relay stub did not start';
	my $told = JSON::PP::decode_json($line);
	my @urls = map { "ws://127.0.0.1:$told->{port}/$_" } 0 .. $told->{relays} - 1;
	return { port => $told->{port}, urls => \@urls, lifeline => $in, answers => $out, list => $options{list} };
}

# Ends the publishing of a stub; returns when all events have reached their relays.
sub stop_publishing
{
	my ($stub) = @_;
	syswrite $stub->{lifeline}, "\n";
	readline($stub->{answers}) // die 'the relay stub is gone';
	return;
}

# Really signed events, one JSON object a line, as bigbrotr-corpus makes them of its arguments.
sub corpus
{
	my (@arguments) = @_;
	open my $made, '-|', 'bigbrotr-corpus', @arguments or die "bigbrotr-corpus: $!";
	my $lines = do { local $/ = undef; <$made> };
	close $made or die 'bigbrotr-corpus failed';
	return $lines;
}

# Fills the table truth (url, created_at, event_id) with the events that the stub's relays hold now. They lose none, so only
# the lines are read that the table does not have.
my %loaded;
sub load_truth
{
	my ($node, $stub) = @_;
	my $from = \$loaded{ $node->name }{ $stub->{port} };
	my $old = defined $$from ? '' : "DELETE FROM public.truth WHERE url LIKE 'ws://127.0.0.1:$stub->{port}/%'";
	# The stub may have written a part of the last line.
	my ($lines) = substr(slurp_file($stub->{list}), $$from //= 0) =~ /^(.*\n)/s;
	$lines //= '';
	$$from += length $lines;
	$node->safe_psql('postgres', qq{
		CREATE TABLE IF NOT EXISTS public.truth (url text, created_at bigint, event_id bytea);
		$old;
		CREATE TEMP TABLE listed (relay integer, created_at bigint, id text, reached_ms bigint);
		COPY listed FROM stdin;
${lines}\\.
		INSERT INTO public.truth SELECT 'ws://127.0.0.1:$stub->{port}/' || relay, created_at, decode(id, 'hex') FROM listed;
		ANALYZE public.truth;});
	return;
}

# Subtest: the archive equals the table truth: no event is missing, invented or there twice, and all sightings are there.
sub archive_matches
{
	my ($node, $name) = @_;
	my $differences = sub {
		my ($left, $right) = @_;
		return $node->safe_psql('postgres', "SELECT count(*) FROM ($left EXCEPT ALL $right) AS difference");
	};
	subtest $name => sub {
		my $events = 'SELECT event_id, created_at FROM bigbrotr.events';
		my $true_events = 'SELECT DISTINCT event_id, created_at FROM public.truth';
		my $sightings = 'SELECT relay_url, event_id FROM bigbrotr.event_relay';
		my $true_sightings = 'SELECT url, event_id FROM public.truth';
		is($differences->($true_events, $events), 0, 'no event is lost');
		is($differences->($events, $true_events), 0, 'no event is there twice or from nowhere');
		is($differences->($true_sightings, $sightings), 0, 'no sighting is lost');
		is($differences->($sightings, $true_sightings), 0, 'no sighting is there twice or from nowhere');
		is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.verify_references()'), '', 'all references hold');
		is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.verify_statistics()'), '', 'all counts are right');
	};
	return;
}

# How many events lie in claimed ranges without being archived from that relay.
sub unfounded_claims
{
	my ($node) = @_;
	return $node->safe_psql('postgres', q{
		SELECT count(*) FROM public.truth AS t
		JOIN bigbrotr.relays AS r USING (url)
		JOIN bigbrotr.coverage AS c ON c.relay_id = r.relay_id AND t.created_at BETWEEN c.lower AND c.upper
		WHERE c.evidence <> 'partial' AND NOT EXISTS (
			SELECT FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s USING (eid)
			WHERE e.event_id = t.event_id AND s.relay_id = r.relay_id)});
}

# The id of an event given as NIP-01 JSON (bytes), computed without any code of the product.
my $json = JSON::PP->new->utf8->allow_nonref;
my %short = ("\n" => '\n', '"' => '\"', '\\' => '\\\\', "\r" => '\r', "\t" => '\t', "\b" => '\b', "\f" => '\f');

sub canonical_id
{
	my ($text) = @_;
	my $event = $json->decode($text);
	my $string = sub {
		my $value = shift;
		$value =~ s/([\x00-\x1f"\\])/$short{$1} \/\/ sprintf '\u%04x', ord $1/ge;
		return "\"$value\"";
	};
	my $tags = join ',', map { '[' . join(',', map { $string->($_) } @$_) . ']' } @{ $event->{tags} };
	my $canonical = sprintf '[0,%s,%s,%s,[%s],%s]', $string->($event->{pubkey}), $event->{created_at},
	  $event->{kind}, $tags, $string->($event->{content});
	utf8::encode($canonical);
	return sha256_hex($canonical);
}

1;
