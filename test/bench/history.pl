# ./bench history [--quick] [CASE…]: what a year of measurements takes, and how long the views of the observatory take over
# it. Nothing is visited: the measurements are made up, and packed as the monitor packs them. Less is better.
use strict;
use warnings;
use BenchReport qw(median rounded);
use BenchServer;

my %views = (
	relay_status  => 'SELECT * FROM bigbrotr.relay_status',
	relay_uptime  => 'SELECT * FROM bigbrotr.relay_uptime',
	relay_latency => 'SELECT * FROM bigbrotr.relay_latency',
	relay_at      => q{SELECT * FROM bigbrotr.relay_at('wss://relay.farm17.zz', now() - interval '200 days')});
my ($quick, @wanted) = BenchReport::arguments('year', sort keys %views);
# Relays, those with history, weeks of it, those that were visited in the last week.
my ($known, $measured, $weeks, $recent) = $quick ? (10_000, 100, 6, 1_000) : (10_000, 1_000, 52, 10_000);
my $year = 365 / 7;
my $mb = 1024 * 1024;
my @tables = map { "_bigbrotr.$_" } qw(relay_series relay_history nip11_documents nip66_facts);

my $server = BenchServer->start('bigbrotr.databases' => '', fsync => 'off', jit => 'off', max_wal_size => '4GB');
make_relays();
my ($packed, $week) = make_history();
if (grep { $_ eq 'year' } @wanted)
{
	# Of a thousand relays; the last two weeks are rows. The yardstick: all measurements as rows.
	my $thousand = 1_000 / $measured / $mb;
	my $outages = size('_bigbrotr.relay_outages') / $known * $measured;
	BenchReport::line('history', 'year', 'MB', 1,
		[ [ (($packed + $outages) / $weeks * $year + 2 * $week) * $thousand, $week * $year * $thousand ] ], relays => $measured, weeks => $weeks);
}
make_week(0, $recent);
$server->sql('VACUUM ANALYZE');
for my $view (grep { $views{$_} } @wanted)
{
	my @times = $server->timed('postgres', ($views{$view}) x 11);
	my @yardstick = $server->timed('postgres', ('SELECT * FROM bigbrotr.relays') x 11);
	print STDERR $server->sql("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $views{$view}"), "\n";
	BenchReport::line('history', $view, 'ms', 1, [ map { [ $times[$_], $yardstick[$_] ] } 1 .. 10 ], relays => $known);
}
$server->stop;

# Four of ten are online. Each has an outage a week.
sub make_relays
{
	$server->sql("SELECT count(bigbrotr.add_relay('wss://relay.farm' || n || '.zz')) FROM generate_series(1, $known) AS n");
	$server->sql(q{SELECT _bigbrotr.adopt_visits()});
	$server->sql(qq{
		INSERT INTO _bigbrotr.relay_health (relay_id, first_observed, observed_at, observer, outcome, reason, run_outcome, run, run_since, status_since)
		SELECT relay_id, t.now - $weeks * 604800, t.now - 1000, 'monitor', o.outcome, CASE o.outcome WHEN 'failed' THEN 'connect_timeout' ELSE '' END, o.outcome, 3,
		       t.now - 86400, t.now - 86400
		FROM bigbrotr.relays CROSS JOIN LATERAL (SELECT CASE WHEN relay_id % 10 < 4 THEN 'answered' ELSE 'failed' END AS outcome) AS o
		     CROSS JOIN (SELECT bigbrotr.unix_now() AS now) AS t;
		UPDATE bigbrotr.relays SET status = 'online' WHERE relay_id % 10 < 4;
		INSERT INTO _bigbrotr.relay_outages
		SELECT relay_id, t.now - w * 604800 - relay_id % 500000, t.now - w * 604800 - relay_id % 500000 + 7200, 'connect_timeout'
		FROM bigbrotr.relays, generate_series(1, $weeks) AS w CROSS JOIN (SELECT bigbrotr.unix_now() AS now) AS t;
		UPDATE _bigbrotr.relay_visits SET checked_at = bigbrotr.unix_now() - 1000, next_visit = bigbrotr.unix_now() + 2600,
		       nip11_id = _bigbrotr.store_document(json_build_object('name', host, 'description', repeat(md5(host), 6), 'software', 'farm', 'version', '1',
		                                                             'supported_nips', '[1,11]'::json)::text)
		WHERE relay_id % 10 < 4});
	return;
}

# An hourly measurement of the first relays in the week that began so many weeks ago; 0: in the last seven days.
sub make_week
{
	my ($ago, $count) = @_;
	$server->sql(qq{
		INSERT INTO _bigbrotr.relay_checks
		SELECT relay_id, CASE $ago WHEN 0 THEN bigbrotr.unix_now() - 604800 ELSE (bigbrotr.unix_now() / 604800 - $ago) * 604800 END + hour * 3600 + (random() * 700)::integer,
		       CASE WHEN c.failed THEN 'connect_timeout' END, true, NOT c.failed, NOT c.failed, NULL,
		       CASE WHEN NOT c.failed THEN 40 + relay_id % 200 + (random() * 60)::integer END,
		       CASE WHEN NOT c.failed THEN 20 + relay_id % 100 + (random() * 30)::integer END, NULL,
		       NULL, NOT c.failed AND v.nip11_id IS NOT NULL, CASE WHEN NOT c.failed THEN v.nip11_id END
		FROM (SELECT relay_id, nip11_id FROM _bigbrotr.relay_visits ORDER BY relay_id LIMIT $count) AS v, generate_series(0, 166) AS hour
		     CROSS JOIN LATERAL (SELECT random() < 0.01 AS failed) AS c
		ON CONFLICT DO NOTHING});
	return;
}

sub size { return $server->sql('SELECT ' . join ' + ', map { "pg_total_relation_size('$_')" } @_) }

# Returns the bytes of it, packed, and those of a week of measurements as rows. A relay serves another document each month.
sub make_history
{
	my $before = size(@tables);
	my $week = 0;
	for my $ago (reverse 2 .. $weeks + 1)
	{
		if ($ago % 4 == 0)
		{
			$server->sql(qq{
				UPDATE _bigbrotr.relay_visits SET nip11_id = _bigbrotr.store_document(json_build_object('name', host, 'description', repeat(md5(host || $ago), 6),
					'software', 'farm', 'version', '$ago', 'supported_nips', '[1,11]'::json)::text),
					nip66_id = _bigbrotr.store_nip66(jsonb_build_object('addresses', jsonb_build_array('192.0.2.1'), 'server', host || $ago,
						'tls', jsonb_build_object('issuer', 'CN=' || md5(host), 'fingerprint', repeat(md5(host || $ago), 2))))
				WHERE relay_id IN (SELECT relay_id FROM bigbrotr.relays ORDER BY relay_id LIMIT $measured);
				INSERT INTO _bigbrotr.relay_history
				SELECT relay_id, (bigbrotr.unix_now() / 604800 - $ago) * 604800, a.aspect, '1', a.after
				FROM _bigbrotr.relay_visits, LATERAL (VALUES ('nip11', nip11_id::text), ('nip66', nip66_id::text)) AS a (aspect, after)
				WHERE a.after IS NOT NULL AND relay_id IN (SELECT relay_id FROM bigbrotr.relays ORDER BY relay_id LIMIT $measured)});
		}
		make_week($ago, $measured);
		$server->sql('VACUUM _bigbrotr.relay_checks') if $ago == $weeks + 1;
		$week ||= size('_bigbrotr.relay_checks');
		1 while $server->sql(q{SELECT _bigbrotr.pack_checks(bigbrotr.unix_now(), 500)});
		$server->sql('VACUUM _bigbrotr.relay_checks');
	}
	my $left = $server->sql('SELECT count(*) FROM _bigbrotr.relay_checks');
	die "$left measurements are not packed\n" if $left;
	my $rows = $server->sql('SELECT count(*) FROM _bigbrotr.packed_checks');
	die "$rows measurements\n" if $rows < 0.99 * 167 * $measured * $weeks;
	$server->sql("VACUUM $_") for @tables;
	return (size(@tables) - $before, $week);
}
