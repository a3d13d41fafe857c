# Writers that bring the same new events at the same time, each in its own way and order, with others that
# delete, clean up and count: none fails, none deadlocks, and all counts and references hold.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

# Notices of what was done are no errors.
$ENV{PGOPTIONS} = '-c client_min_messages=warning';

my $node = archive_server('writers', 'bigbrotr.databases' => '', 'deadlock_timeout' => '100ms');
my $file = $node->basedir . '/events.jsonl';
append_to_file($file, corpus(qw(--seed 73 --authors 40 1000)));
$node->safe_psql('postgres', qq{
	CREATE TABLE lines (n integer GENERATED ALWAYS AS IDENTITY, json text);
	COPY lines (json) FROM '$file' (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02');
	CREATE TABLE made AS SELECT l.n, p.* FROM lines AS l, bigbrotr.parse_event(l.json) AS p;
	CREATE FUNCTION relay() RETURNS text LANGUAGE sql VOLATILE AS \$\$ SELECT format('wss://r%s.example.com', floor(random() * 5)) \$\$;
	DO \$\$ BEGIN PERFORM bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(0, 4) AS n; END \$\$});

# As SQL, of the part # of ten.
my %ways = (
	'one by one' => q{SELECT format('SELECT bigbrotr.insert_event(event_id, pubkey, created_at, kind, tags, content, sig, relay(), NULL, 1, 1) FROM made WHERE n = %s', n)
		FROM made WHERE n % 10 = # ORDER BY random() \gexec},
	'lists' => q{SELECT bigbrotr.insert_events_batch(array_agg(to_jsonb(m) || jsonb_build_object('relay_url', relay(), 'relay_inserted_at', 1, 'seen_at', floor(random() * 3)) ORDER BY random()), 30)
		FROM made AS m WHERE n % 10 = #},
	'arrays' => q{SELECT i.* FROM (SELECT array_agg(event_id) AS ids, array_agg(pubkey) AS pubkeys, array_agg(created_at) AS ats, array_agg(kind) AS kinds, array_agg(tags::text) AS tags,
			array_agg(content) AS contents, array_agg(sig) AS sigs, array_agg(raw) AS raws, array_agg(1 + floor(random() * 5)::integer) AS relays, array_agg(1::bigint) AS seen
			FROM (SELECT * FROM made WHERE n % 10 = # ORDER BY random()) AS m) AS b, _bigbrotr.insert_verified_events(ids, pubkeys, ats, kinds, tags, contents, sigs, raws, ids, relays, seen, 1) AS i},
	'imports' => qq{CALL bigbrotr.import_events('$file', 'wss://r1.example.com', false)},
	'deletions' => q{SELECT bigbrotr.delete_events(array_agg(event_id)) FROM made WHERE n % 10 = #},
	'cleaning' => q{CALL bigbrotr.cleanup_orphans()},
	'blocks' => q{SELECT format('CALL bigbrotr.block_author(%L, %L)', encode(pubkey, 'hex'), 'why') FROM made WHERE n % 10 = # ORDER BY random() LIMIT 1 \gexec},
	'ends of blocks' => q{SELECT format('CALL bigbrotr.unblock_author(%L)', encode(pubkey, 'hex')) FROM bigbrotr.blocked_authors \gexec},
	'retention rules' => q{SELECT bigbrotr.add_retention_rule('1 day', 'why', format('{[%1$s,%1$s]}', kind)::int4multirange, true) FROM made WHERE n % 10 = # ORDER BY random() LIMIT 1;
		SELECT d.deleted FROM (SELECT * FROM _bigbrotr.expired_kinds() ORDER BY random() LIMIT 1) AS k, LATERAL _bigbrotr.delete_expired(k.kind, k.first_second, 20) AS d},
	'ends of retention rules' => q{SELECT format('CALL bigbrotr.remove_retention_rule(%s)', rule_id) FROM bigbrotr.retention_rules WHERE removed_at IS NULL \gexec},
	'counting' => q{SELECT _bigbrotr.fold_statistics(20)});

my @sessions;
for my $way (sort keys %ways)
{
	for my $number (1, 2)
	{
		my $script = $node->basedir . "/$number-" . $way =~ s/ /-/gr;
		append_to_file($script, join '', map { my $part = ($_ * (2 * $number + 1)) % 10; $ways{$way} =~ s/#/$part/gr . ($ways{$way} =~ /\\gexec$/ ? "\n" : ";\n") } 1 .. 20);
		my $session = { name => "$way $number", errors => '' };
		$session->{run} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=0', '-d', $node->connstr('postgres'), '-f', $script ], '<', \undef, '>', '/dev/null', '2>', \$session->{errors});
		push @sessions, $session;
	}
}
for my $session (@sessions)
{
	$session->{run}->finish;
	is($session->{errors}, '', "$session->{name}: no error");
}
is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.verify_statistics()'), '', 'all counts hold');
is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.verify_references()'), '', 'all references hold');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.blocked_events AS b JOIN bigbrotr.events USING (event_id)'), '0', 'what is blocked is not archived');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.blocked_events AS b WHERE NOT EXISTS (SELECT FROM bigbrotr.blocked_authors AS a WHERE a.pubkey = b.pubkey)'), '0',
	'only events of blocked authors are blocked');
$node->safe_psql('postgres', q{SELECT format('CALL bigbrotr.unblock_author(%L)', encode(pubkey, 'hex')) FROM bigbrotr.blocked_authors \gexec});
$node->safe_psql('postgres', q{SELECT format('CALL bigbrotr.remove_retention_rule(%s)', rule_id) FROM bigbrotr.retention_rules WHERE removed_at IS NULL \gexec});
$node->safe_psql('postgres', "CALL bigbrotr.import_events('$file', 'wss://r1.example.com', false)");
is($node->safe_psql('postgres', 'SELECT event_count FROM bigbrotr.total_statistics'), '1000', 'every event is there once');
$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.verify_statistics() UNION ALL SELECT problem, eid, relay_id, rows FROM bigbrotr.verify_references()'), '', 'also after a crash');
$node->safe_psql('postgres', 'TRUNCATE bigbrotr.events, bigbrotr.sightings');
is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.verify_statistics()'), '', 'and after all is gone');
$node->stop;
done_testing();
