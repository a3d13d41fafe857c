# The metrics, recording rules and alerts of docker/prometheus in a real Prometheus: it reads /metrics of an archive at work, every rule is computed, nothing fires while nobody
# disturbs the archive, and what is disturbed shows. BIGBROTR_TEST_QUIET_SECONDS=1800 makes it half an hour with the intervals of docker/.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ApiServer;
use ArchiveTest;
use HTTP::Tiny;
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
my $api = ApiServer->start('prometheus', 'bigbrotr.services' => 'initializer, finder, monitor, synchronizer, priority_synchronizer, refresher, api');
my $node = $api->{node};
add_relays($node, @{ $relays->{urls} });
ok($api->serves, 'the archive serves');
wait_for($node, q{count(*) = 10 FROM bigbrotr.sync_status WHERE phase = 'live'});

# docker/prometheus with another target, and, in the short form, shorter intervals.
my $config = slurp_file("$rules/prometheus.yml");
$config =~ s/archive:8080/127.0.0.1:$api->{port}/ or die 'the target has another name';
$config =~ s{/etc/prometheus/}{$rules/}g;
$config =~ s/_interval: 15s/_interval: 1s/g unless $is_long;
append_to_file("$folder/prometheus.yml", $config);
my $port = PostgreSQL::Test::Cluster::get_free_port();
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
is($failed->[1], 0, 'no scrape failed');
my %delay = map { my ($share) = series("histogram_quantile($_, sum by (le) (bigbrotr_sync_live_delay_seconds_bucket))"); ($_ => $share->[1]) } qw(0.5 0.99);
cmp_ok($delay{0.5}, '>', 0, 'the time from socket to row is measured');
note(sprintf '%d seconds: %d scrapes of %d samples, %.0f ms at most; alerts pending: %s; socket to row: %.0f ms (median), %.0f ms (99 %%); events archived: %s',
	$within, $scrapes->[1], $samples->[1], 1000 * $longest->[1], join(', ', alerts('pending', $within)) || 'none', map({ 1000 * $_ } @delay{qw(0.5 0.99)}),
	$node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'));

# A disturbance shows, so the silence was none of Prometheus.
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('api')});
ok(wait_until(120, sub { return grep { $_ eq 'BigbrotrDown' } alerts('pending', 60) }), 'without the api service an alert is pending');

$prometheus->signal('TERM');
$prometheus->finish;
$node->stop;
done_testing();
