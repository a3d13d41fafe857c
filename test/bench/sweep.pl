# ./bench sweep [--quick]: how long the monitor takes for relays that it sees for the first time, most of them dead, and
# how many it judges rightly. The relays are those of bigbrotr-farm. Seconds: less is better.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use BenchReport qw(median rounded);
use BenchServer;
use RelayFarm;
use RelayRun;
use Time::HiRes qw(time sleep);

my ($quick) = BenchReport::arguments('sweep_10000');
my $relays = $quick ? 500 : 10_000;
my $sample = $quick ? 30 : 300;    # of the original way, which would take too long for all
my $places = 1_000;                # visits at a time, of the preset sweep
my $patience = 10;                 # seconds, of both time-outs

my $farm;
my @results = map { one_run() } 1 .. BenchReport::runs($quick ? 1 : 3);
my %more = (relays => $relays);
for my $field (qw(ideal_s relays_per_second cpu_s_net cpu_s_backend waited_s_net rss_net_mb verdicts_right_percent within_percent rtt_error_ms_p95))
{
	$more{$field} = rounded(median(map { $_->{$field} } @results), 2);
}
$more{verdicts_right} = $results[0]{verdicts_right};
$more{ratio_ideal} = rounded(median(map { $_->{seconds} / $_->{ideal_s} } @results), 2);
for my $result (@results)
{
	$more{dead_called_online} += $result->{dead_called_online};
	$more{verdicts_right} = $result->{verdicts_right} if $result->{verdicts_right} < $more{verdicts_right};
	print STDERR "$result->{mistakes}\n" if $result->{mistakes};
}
my $original = original_way();
BenchReport::line('sweep', 'sweep_10000', 's', 1, [ map { [ $_->{seconds}, $original ] } @results ], %more);

# The whole path: new relays, a new cluster, its monitor, its net process. Some relays are up every other visit, so that a
# second run with the same ones would find them as they should not be.
sub one_run
{
	$farm = RelayFarm->start("$ENV{BENCH_WORK}/cmake", relays => $relays, seed => 1);
	my $libraries = BenchServer::run_quietly(BenchServer::pg_program('pg_config'), '--pkglibdir');
	chomp $libraries;
	my $run = RelayRun->start(
		service => 'monitor',
		'bigbrotr.services' => 'initializer, monitor',
		'bigbrotr.politeness' => 'sweep',
		'bigbrotr.connect_timeout' => "${patience}s",
		$farm->settings($libraries));
	my $server = $run->server;
	$server->sql($farm->load_truth);
	my ($cpu_backend, $cpu_net) = map { $run->cpu_seconds($_) } qw(backend net);
	my $waited = $run->waited_seconds('net');
	$server->sql('SELECT count(bigbrotr.add_relay(url)) FROM public.truth');
	# The clock runs from the moment when the monitor takes notice: it looks for new relays every ten seconds.
	$run->wait_for('EXISTS (SELECT FROM _bigbrotr.relay_visits)', 60);
	my $begin = time;
	$run->wait_for('count(*) = 0 FROM _bigbrotr.relay_visits WHERE checked_at IS NULL', 1200);
	my %result = (
		seconds => time - $begin,
		cpu_s_backend => $run->cpu_seconds('backend') - $cpu_backend,
		cpu_s_net => $run->cpu_seconds('net') - $cpu_net,
		waited_s_net => $run->waited_seconds('net') - $waited,
		rss_net_mb => $run->rss_mb('net', 'VmHWM'));
	$result{relays_per_second} = $relays / $result{seconds};
	$server->sql($farm->load_truth);
	$result{mistakes} = $server->sql(RelayFarm::mistakes());
	@result{qw(verdicts_right dead_called_online ideal_s)} = split /\|/, $server->sql(qq{
		SELECT count(*) FILTER (WHERE (t.status, t.reason) = (s.status, coalesce(s.reason, ''))),
		       count(*) FILTER (WHERE s.status = 'online' AND t.status <> 'online'),
		       sum(CASE t.waits_for WHEN 'none' THEN 0.002 * t.delay_ms ELSE $patience END) / $places
		FROM public.truth AS t JOIN bigbrotr.relay_status AS s ON s.relay_url = t.url});
	$result{verdicts_right_percent} = 100 * $result{verdicts_right} / $relays;
	@result{qw(rtt_error_ms_p95 within_percent)} = split /\|/, $server->sql(q{
		SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY e.error / 1000),
		       100 * avg((e.error <= greatest(2000, 0.05 * e.true_us))::integer)
		FROM (SELECT t.read_us AS true_us, abs(1000 * v.rtt_read - t.read_us)::double precision AS error
		      FROM public.truth AS t JOIN bigbrotr.relays AS r USING (url) JOIN _bigbrotr.relay_visits AS v USING (relay_id)
		      WHERE t.read_us >= 0 AND v.rtt_read IS NOT NULL) AS e});
	$run->stop;
	return \%result;
}

# Seconds that the original way would take for all, by a sample of them.
sub original_way
{
	my $list = "$ENV{BENCH_WORK}/sample.txt";
	my @urls = grep { !m{\.zz:} } $farm->urls;
	my $step = int(@urls / $sample);
	BenchServer::write_file('>', $list, map { "$urls[$_ * $step]\n" } 0 .. $sample - 1);
	my $told = JSON::PP::decode_json(
		BenchServer::run_quietly('python3', "$FindBin::RealBin/baseline/sweep.py", $farm->authority, $patience, $list));
	return $told->{relay_seconds} / $told->{relays} * $relays / $told->{tasks};
}
