# The metrics, recording rules and alerts of docker/prometheus in a real Prometheus: it reads /metrics of an archive at work, every rule is computed, nothing fires while nobody
# disturbs the archive, then faults are made, and their alerts come to whom Alertmanager tells. The minutes of the alerts are seconds here;
# BIGBROTR_TEST_QUIET_SECONDS=1800 makes half an hour of silence with the intervals of docker/.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ApiServer;
use ArchiveTest;
use HTTP::Tiny;
use IO::Socket::INET;
use IPC::Run;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'prometheus is not installed' unless grep { -x "$_/prometheus" } split /:/, $ENV{PATH};
my $seconds = $ENV{BIGBROTR_TEST_QUIET_SECONDS} // 20;
my $is_long = $seconds >= 300;
my $rules = ArchiveTest::source_directory() . '/docker/prometheus';
my $folder = PostgreSQL::Test::Utils::tempdir();

my $relays = relay_stub(relays => 10, events => 500, overlap => 50, publish => 10, copies => 3);
# The services of the preset prod.
my $api = ApiServer->start('prometheus', 'bigbrotr.health_check_interval' => '1s', 'bigbrotr.services' => 'initializer, finder, monitor, synchronizer, priority_synchronizer, refresher, api');
my $node = $api->{node};
add_relays($node, @{ $relays->{urls} });
ok($api->serves, 'the archive serves');
wait_for($node, q{count(*) = 10 FROM bigbrotr.sync_status WHERE phase = 'live'});

# docker/prometheus with other targets, and, in the short form, shorter intervals.
my ($port, $told_port) = map { PostgreSQL::Test::Cluster::get_free_port() } 1, 2;
my $config = slurp_file("$rules/prometheus.yml");
$config =~ s/archive:8080/127.0.0.1:$api->{port}/ or die 'the target has another name';
$config =~ s/alertmanager:9093/127.0.0.1:$told_port/ or die 'Alertmanager has another name';
$config =~ s{/etc/prometheus/}{$folder/}g;
$config =~ s/_interval: 15s/_interval: 2s/g unless $is_long;
append_to_file("$folder/prometheus.yml", $config);
append_to_file("$folder/recording.yml", slurp_file("$rules/recording.yml"));
my $alerts = slurp_file("$rules/alerts.yml");
if (!$is_long)
{
	$alerts =~ s/\[(5|15)m\]/[$1s]/g;
	# A scrape may take some seconds while other tests run.
	$alerts =~ s/for: (\d+)m$/'for: ' . ($1 > 10 ? $1 : 10) . 's'/gme;
}
append_to_file("$folder/alerts.yml", $alerts);
my $prometheus = IPC::Run::start([ 'prometheus', "--config.file=$folder/prometheus.yml", "--storage.tsdb.path=$folder/data", "--web.listen-address=127.0.0.1:$port" ],
	'>', "$folder/log", '2>&1');
my $begin = time;

# What the API of Prometheus answers; undef: not yet.
sub prometheus
{
	my ($path, %parameters) = @_;
	my $http = HTTP::Tiny->new(timeout => 60);
	my $answer = $http->get("http://127.0.0.1:$port/api/v1/$path?" . $http->www_form_urlencode(\%parameters));
	return $answer->{success} ? decode_json($answer->{content})->{data} : undef;
}

# The series of an expression, as [labels, value].
sub series
{
	my ($expression) = @_;
	my $data = prometheus('query', query => $expression) or return;
	return map { [ $_->{metric}, $_->{value}[1] ] } @{ $data->{result} };
}

sub wait_until
{
	my ($patience, $condition) = @_;
	for (1 .. 10 * $patience)
	{
		return 1 if $condition->();
		last unless $prometheus->pumpable;
		select undef, undef, undef, 0.1;
	}
	diag(slurp_file("$folder/log"));
	return 0;
}

# Names of alerts that were in a state within so many seconds.
sub alerts
{
	my ($state, $within) = @_;
	my %found = map { $_->[0]{alertname} => 1 } series("count_over_time(ALERTS{alertstate=\"$state\"}[${within}s])");
	return sort keys %found;
}

ok(wait_until(60, sub { my ($up) = series('up{job="bigbrotr"}'); return $up && $up->[1] == 1 }), 'Prometheus reads the metrics');
my $looked = wait_until($seconds + 60, sub { time - $begin >= $seconds });
ok($looked, "$seconds seconds pass");

my ($target) = @{ prometheus('targets')->{activeTargets} };
is("$target->{health} $target->{lastError}", 'up ', 'the last scrape went well');
my @rules = map { @{ $_->{rules} } } @{ prometheus('rules')->{groups} };
is_deeply([ sort map { $_->{name} } @rules ], [ sort map { slurp_file("$rules/$_") =~ /^      - (?:alert|record): (\S+)$/mg } qw(alerts.yml recording.yml) ], 'each rule is loaded');
is_deeply([ map { "$_->{name}: $_->{health} " . ($_->{lastError} // '') } grep { $_->{health} ne 'ok' } @rules ], [], 'and computed');
# An alert is silent, too, if what it looks at does not exist. The refresher counts some of it twice a minute, and the share that audits had missed exists after an audit.
sub absent
{
	my @absent;
	for my $rule (grep { $_->{type} eq 'alerting' } @rules)
	{
		push @absent, map { "$rule->{name}: $_" } grep { $_ ne 'bigbrotr:missed:ratio1d' && !series("count($_)") } $rule->{query} =~ /\b(bigbrotr[a-z0-9_:]+|up)\b(?!")/g;
	}
	return @absent;
}
ok(wait_until(180, sub { !absent() }), 'what the alerts look at is there') or diag(join "\n", absent());
my (@unanswered, $panels);
for my $dashboard (map { decode_json(slurp_file($_)) } glob "$rules/../grafana/dashboards/*.json")
{
	for my $panel (@{ $dashboard->{panels} })
	{
		for my $expression (map { $_->{expr} // () } @{ $panel->{targets} })
		{
			$panels++;
			push @unanswered, "$dashboard->{title}, $panel->{title}: $expression" unless prometheus('query', query => $expression);
		}
	}
}
is_deeply(\@unanswered, [], "$panels expressions of the dashboards are answered");
my $within = time - $begin;
is_deeply([ alerts('firing', $within) ], [], 'no alert fires');
my ($scrapes) = series("count_over_time(up{job=\"bigbrotr\"}[${within}s])");
my ($failed) = series("count_over_time(up{job=\"bigbrotr\"}[${within}s]) - sum_over_time(up{job=\"bigbrotr\"}[${within}s])");
my ($longest) = series("max_over_time(scrape_duration_seconds{job=\"bigbrotr\"}[${within}s])");
my ($samples) = series('scrape_samples_scraped{job="bigbrotr"}');
cmp_ok($failed->[1], '<=', $is_long ? 0 : $scrapes->[1] / 4, 'no scrape failed') or diag("$failed->[1] of $scrapes->[1]");
my %delay = map { my ($share) = series("histogram_quantile($_, sum by (le) (bigbrotr_sync_live_delay_seconds_bucket))"); ($_ => $share->[1]) } qw(0.5 0.99);
cmp_ok($delay{0.5}, '>', 0, 'the time from socket to row is measured');
note(sprintf '%d seconds: %d scrapes of %d samples, %.0f ms at most; alerts pending: %s; socket to row: %.0f ms (median), %.0f ms (99 %%); events archived: %s',
	$within, $scrapes->[1], $samples->[1], 1000 * $longest->[1], join(', ', alerts('pending', $within)) || 'none', map({ 1000 * $_ } @delay{qw(0.5 0.99)}),
	$node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'));

faults() unless $is_long;
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('api')});
ok(wait_until(120, sub { return grep { $_ eq 'BigbrotrDown' } alerts($is_long ? 'pending' : 'firing', 60) }), 'without the api service an alert says so');

$prometheus->signal('TERM');
$prometheus->finish;
$node->stop;
done_testing();

# Each fault, and the alerts that must come of it. Not made here, as a test has no cheap way to them: a full disk, a clock that is wrong, missed events, a net process that lies,
# a busy API, half an hour without events, relays that lag, a network that fails, a server without places for workers; tests.yml has those.
sub faults
{
	my %expected = map { $_ => 1 } qw(BigbrotrNetRestarts BigbrotrServiceFailing BigbrotrServiceRestarts BigbrotrServiceUnhealthy BigbrotrSweepLate BigbrotrDeadRows
	  BigbrotrStatisticsLate BigbrotrEventsRejected BigbrotrApiFails BigbrotrPriorityMissed);
	my $receiver = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 20) or die "no port: $!";
	my ($alertmanager) = grep { -x } map { ("$_/prometheus-alertmanager", "$_/alertmanager") } split /:/, $ENV{PATH};
	if ($alertmanager)
	{
		append_to_file("$folder/alertmanager.yml", ArchiveTest::alertmanager_config('http://127.0.0.1:' . $receiver->sockport . '/') =~ s/group_wait: 30s/group_wait: 1s/r);
		$alertmanager = IPC::Run::start([ $alertmanager, "--config.file=$folder/alertmanager.yml", "--storage.path=$folder/told", "--web.listen-address=127.0.0.1:$told_port", '--cluster.listen-address=' ],
			'>', "$folder/alertmanager.log", '2>&1');
	}

	# A net process that is killed again and again.
	my $killed = 0;
	for (1 .. 5)
	{
		wait_for($node, "(bigbrotr.service_stats('synchronizer') #>> '{custom,net_pid}')::integer NOT IN (0, $killed)");
		$killed = $node->safe_psql('postgres', q{SELECT bigbrotr.service_stats('synchronizer') #>> '{custom,net_pid}'});
		kill 'KILL', $killed;
	}
	wait_for($node, q{count(*) = 10 FROM bigbrotr.sync_status WHERE phase = 'live'});
	# A service that is stopped and has rows to do, one whose visits are due, dead rows that nobody removes, and a relay that does not answer.
	$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service(s) FROM unnest('{monitor,refresher}'::text[]) AS s});
	$node->safe_psql('postgres', q{UPDATE _bigbrotr.relay_visits SET next_visit = bigbrotr.unix_now() - 7200});
	$node->safe_psql('postgres', q{INSERT INTO _bigbrotr.statistics_deltas (subject, keys, counts) SELECT 'kind', '{1}', '{0}' FROM generate_series(1, 100001)});
	$node->safe_psql('postgres', 'ALTER TABLE bigbrotr.sightings SET (autovacuum_enabled = off)');
	$node->safe_psql('postgres', 'UPDATE bigbrotr.sightings SET seen_at = seen_at') for 1 .. 2;
	my $closed = PostgreSQL::Test::Cluster::get_free_port();
	$node->safe_psql('postgres', "SELECT bigbrotr.add_priority_relay('ws://127.0.0.1:$closed', '1 second')");
	# Calls that fail.
	$node->safe_psql('postgres', 'ALTER FUNCTION _bigbrotr.api_overview RENAME TO api_gone');
	is($api->get('/api/v1/overview')->{status}, 500, 'a call fails');
	# Events that the database refuses.
	$node->safe_psql('postgres', q{
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
		CREATE TRIGGER refuse BEFORE INSERT ON bigbrotr.events FOR EACH ROW EXECUTE FUNCTION refuse()});
	wait_for($node, 'EXISTS (SELECT FROM bigbrotr.event_rejects)');
	$node->safe_psql('postgres', 'DROP TRIGGER refuse ON bigbrotr.events');
	# A lock under which the archive waits.
	my $session = session($node);
	$session->query_safe('BEGIN; LOCK TABLE _bigbrotr.relay_sync IN SHARE MODE');

	my ($end, %firing) = (time + 150);
	while (time < $end && grep { !$firing{$_} } keys %expected)
	{
		# The refresher, which is stopped, cannot count; without its figures /metrics would count itself after two minutes.
		$node->safe_psql('postgres', 'SELECT _bigbrotr.count_archive()');
		$api->get('/api/v1/overview') for 1 .. 5;
		# A service that ends whenever it is started.
		$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM bigbrotr.services WHERE service = 'finder' AND pid IS NOT NULL});
		$firing{$_} = 1 for alerts('firing', 300);
		select undef, undef, undef, 0.5;
	}
	is_deeply([ grep { !$firing{$_} } sort keys %expected ], [], 'each fault has its alert') or diag('firing: ', join(', ', sort keys %firing), '; pending: ', join(', ', alerts('pending', 300)));
	note('firing: ', join(', ', sort keys %firing));
	$session->query_safe('COMMIT');
	$session->quit;
	return unless $alertmanager;

	# What the receiver of Alertmanager is told.
	my %told;
	$receiver->timeout(30);
	while (grep { !$told{$_} } keys %expected)
	{
		my $client = $receiver->accept or last;
		my ($length, $body) = (0, '');
		while (defined(my $line = <$client>))
		{
			last if $line eq "\r\n";
			$length = $1 if $line =~ /^Content-Length: (\d+)/i;
		}
		read $client, $body, $length;
		print {$client} "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
		close $client;
		$told{ $_->{labels}{alertname} } = $_->{annotations}{first_step} for @{ decode_json($body)->{alerts} };
	}
	is_deeply([ grep { !$told{$_} } sort keys %expected ], [], 'Alertmanager tells each, with the first step') or diag(slurp_file("$folder/alertmanager.log"));
	$alertmanager->signal('TERM');
	$alertmanager->finish;
	return;
}
