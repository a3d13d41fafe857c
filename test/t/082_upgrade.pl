# ALTER EXTENSION UPDATE from the oldest version that is supported: the library serves its schema until then, the rows
# stay, and every object is as in a new database. So does a dump of that version come into this one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest qw(session);
use Bigbrotr;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $oldest = '0.1.0';
my $node = new_node('upgrade', "bigbrotr.databases = 'old'\n");
$node->start;
my $latest = ask($node, q{SELECT default_version FROM pg_available_extensions WHERE name = 'bigbrotr'});
ask($node, "CREATE DATABASE $_") for qw(old new restored);
ask($node, 'CREATE EXTENSION bigbrotr', 'new');
ask($node, "CREATE EXTENSION bigbrotr VERSION '$oldest'", 'old');

# Rows of every table, as that version left them.
ask($node, <<'END', 'old');
INSERT INTO bigbrotr.relays (url, network, status, inserted_at, last_seen)
SELECT format('wss://relay%s.example.com', n), 'clearnet', 'online', 1700000000 + n, 1700001000 + n FROM generate_series(1, 3) AS n;
INSERT INTO bigbrotr.relay_sync (relay_id, phase_since) SELECT relay_id, inserted_at FROM bigbrotr.relays;
UPDATE bigbrotr.relay_sync SET enabled = false WHERE relay_id = 2;
INSERT INTO bigbrotr.relay_traffic (relay_id, messages, pages, last_success) VALUES (1, 20, 4, 1700001000);
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
SELECT sha256(n::text::bytea), sha256('author'), 1690000000 + n, 1 + 6 * (n % 2), jsonb_build_array(jsonb_build_array('t', 'tag' || n)), 'note ' || n,
       sha256('r') || sha256('s'), 1700000500
FROM generate_series(1, 200) AS n;
INSERT INTO bigbrotr.sightings (eid, relay_id, seen_at) SELECT eid, 1 + eid % 3, 1700000600 FROM bigbrotr.events;
INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, events, proven_at) VALUES
	(1, 0, 1690000050, 'exhausted', 50, 1700000700),
	(1, 1690000052, 1700000000, 'paged', 149, 1700000700),
	(2, 1690000100, 1690000100, 'dense', 1, 1700000700);
-- Events without a sighting, of an import without a relay.
INSERT INTO bigbrotr.imports (source, lines, events_new, events_refused, started_at, updated_at, finished_at)
VALUES ('mine', 6, 5, 1, 1700000100, 1700000200, 1700000200);
INSERT INTO bigbrotr.import_rejects (import_id, line, reason, text) VALUES (1, 6, 'bad_json', '{');
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
SELECT sha256(n::text::bytea), sha256('author'), 1690000000 + n, 1, '[]'::jsonb, 'imported', sha256('r') || sha256('s'), 1700000100
FROM generate_series(201, 205) AS n;
-- Two of three measurements found the same document, one found none.
INSERT INTO bigbrotr.relay_checks (relay_id, generated_at, nip66_present, nip66_openable, nip66_rtt_open, nip11_present, nip11_name, nip11_supported_nips)
VALUES (1, 1700000800, true, true, 30, true, 'relay', '[1, 11]'), (1, 1700000900, true, true, 40, true, 'relay', '[1, 11]'), (3, 1700000900, true, false, NULL, false, NULL, NULL);
INSERT INTO bigbrotr.relay_refusals VALUES (3, 'id_mismatch', 7, 1700000300, 1700000400, 'an event');
INSERT INTO bigbrotr.event_rejects VALUES (sha256('rejected'), 1, 1700000300, '22P05', 'no such character', '{}');
INSERT INTO bigbrotr.seed_rejects VALUES ('seeds.txt', 3, 'ftp://relay', 'bad_scheme', 1700000000);
INSERT INTO bigbrotr.deletions VALUES (sha256('1'), false, sha256('author'), sha256('request'), 1690000300);
INSERT INTO bigbrotr.vanish_requests VALUES (sha256('somebody'), sha256('vanish'), 1690000300);
INSERT INTO bigbrotr.deletion_progress VALUES ('cleanup_orphans', 4711);
INSERT INTO bigbrotr.sync_workers VALUES ('a worker that crashed', 1700001000);
INSERT INTO bigbrotr.relay_leases VALUES (1, 'a worker that crashed', 'relay1.example.com', 'example.com', 1700001000);
SELECT bigbrotr.fold_statistics();
END

# All tables but coverage, which gets other words, and leases, which end.
my @tables = qw(relays events sightings relay_sync relay_traffic relay_refusals event_rejects seed_rejects relay_metadata statistics statistics_deltas
	deletions vanish_requests deletion_progress imports import_rejects);
my @moved = qw(relay_sync relay_traffic relay_refusals statistics statistics_deltas deletion_progress imports);
# The columns that the oldest version has. The measurements are compared as their view shows them. A relay that was disabled
# gets another status.
my %columns = (relays => 'relay_id, url, network, inserted_at, last_seen');
sub rows
{
	my ($database, $prefix) = @_;
	my %found;
	for my $table (@tables)
	{
		my $name = ((grep { $_ eq $table } @moved) ? "${prefix}bigbrotr" : 'bigbrotr') . ".$table";
		$columns{$table} //= ask($node, qq{
			SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
			WHERE attrelid = '$name'::regclass AND attnum > 0 AND NOT attisdropped}, $database);
		$found{$table} = ask($node,
			"SELECT count(*), md5(string_agg(t::text, ';' ORDER BY t::text)) FROM (SELECT $columns{$table} FROM $name) AS t", $database);
	}
	return \%found;
}
sub serve
{
	my ($databases) = @_;
	ask($node, "ALTER SYSTEM SET bigbrotr.databases = $databases");
	ask($node, 'SELECT pg_reload_conf()');
	return;
}
my $before = rows('old', '');
like($before->{events}, qr/^205\|/, 'there is an archive of the oldest version');

# The library serves it: reading goes on, services wait, and what cannot work says what to do.
is(ask($node, q{SELECT count(*) FROM bigbrotr.events_current}, 'old'), 205, 'its views answer');
my $waits = q{
		SELECT bool_and(state = 'enabled' AND last_error LIKE '%0.1.0%ALTER EXTENSION bigbrotr UPDATE%')
		FROM bigbrotr.services WHERE database = 'old' AND service = ANY (string_to_array(current_setting('bigbrotr.services'), ', '))};
ok($node->poll_query_until('old', $waits), 'services wait and say for what');
my $errors = '';
$node->psql('old', 'SELECT bigbrotr.event_json(e) FROM bigbrotr.events AS e', stderr => \$errors);
is($errors, '', 'what needs nothing new works');
$node->psql('old', q{SELECT bigbrotr.bolt11_amount('lnbc2500u1pvjluez')}, stderr => \$errors);
like($errors, qr/Lightning invoice/, 'a function that has an argument more in the new schema works as before');
$node->psql('old', q{SELECT * FROM bigbrotr.query('{"kinds": [1], "#t": ["tag1"]}')}, stderr => \$errors);
like($errors, qr/schema.*version 0\.1\.0.*ALTER EXTENSION bigbrotr UPDATE/s, 'what needs the new schema says so');

my $dump = PostgreSQL::Test::Utils::tempdir() . '/old.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('old') ], 'pg_dump of the oldest version');

# A view of the user's that stands in the way: one clear message, and nothing is changed.
ask($node, 'CREATE VIEW mine AS SELECT * FROM bigbrotr.events_current', 'old');
$node->psql('old', 'ALTER EXTENSION bigbrotr UPDATE', stderr => \$errors);
like($errors, qr/objects of other schemas depend.*events_current.*Drop your objects/s, 'an upgrade says what is in its way');
ask($node, 'DROP VIEW mine', 'old');

# An upgrade whose session ends in the middle, where it waits for a reader of a table: nothing is changed, and services wait
# as before.
my $reader = session($node, database => 'old');
$reader->query_safe('BEGIN; SELECT count(*) FROM bigbrotr.relay_checks');
my $upgrade = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('old'), '-c', 'ALTER EXTENSION bigbrotr UPDATE' ], '>', '/dev/null', '2>', \my $end);
my $waiting = q{FROM pg_stat_activity WHERE datname = 'old' AND query LIKE 'ALTER EXTENSION%' AND wait_event_type = 'Lock'};
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $waiting"), 'an upgrade is under way');
cmp_ok(ask($node, "SELECT count(*) FROM pg_locks WHERE granted AND mode = 'AccessExclusiveLock' AND pid = (SELECT pid $waiting)"), '>', 50, '… and has changed much');
ask($node, "SELECT pg_terminate_backend(pid) $waiting");
$upgrade->finish;
like($end, qr/terminating connection due to administrator command/, '… its session is ended');
$reader->quit;
is(ask($node, q{SELECT extversion FROM pg_extension WHERE extname = 'bigbrotr'}, 'old'), $oldest, 'the version is the one before');
is_deeply(rows('old', ''), $before, 'the rows are the same');
ok($node->poll_query_until('old', $waits), 'services wait again and say for what');

# The services would begin to write as soon as the upgrade is committed.
serve("''");
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'old' AND backend_type LIKE 'bigbrotr %'}), 'no service writes');
ask($node, 'ALTER EXTENSION bigbrotr UPDATE', 'old');
is(ask($node, q{SELECT extversion FROM pg_extension WHERE extname = 'bigbrotr'}, 'old'), $latest, 'upgraded');
is_deeply(rows('old', '_'), $before, 'the rows are the same');
is(ask($node, q{SELECT string_agg(concat_ws(' ', r.relay_id, r.status, s.enabled, h.observer, h.outcome, c.before, c.after), '; ' ORDER BY r.relay_id)
	FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_sync AS s USING (relay_id) LEFT JOIN _bigbrotr.relay_health AS h USING (relay_id) LEFT JOIN _bigbrotr.relay_history AS c USING (relay_id)}, 'old'),
	'1 online t; 2 ignored f administrator unknown online ignored; 3 online t', 'a relay that was disabled stays so for the monitor, too');
is(ask($node, q{SELECT count(DISTINCT nip11_id), count(nip11_id), count(*) FROM _bigbrotr.relay_checks}, 'old'), '1|2|3', 'equal documents are stored once');
is(ask($node, q{SELECT (SELECT count(*) FROM _bigbrotr.sync_workers), (SELECT count(*) FROM _bigbrotr.relay_leases)}, 'old'), '0|0', 'leases have ended');
ask($node, 'CALL bigbrotr.cleanup_orphans()', 'old');
is(ask($node, 'SELECT count(*) FROM bigbrotr.events', 'old'), 205, 'what was imported without a relay is no orphan');
serve('old');
is(ask($node, q{SELECT sum(upper(r) - lower(r)) FROM _bigbrotr.finder_queue AS q, unnest(q.eids) AS r}, 'old'), ask($node, 'SELECT count(*) FROM bigbrotr.events', 'old'),
	'the finder has all events to read');
is(ask($node, q{SELECT string_agg(concat_ws(' ', relay_id, lower, upper, evidence, doubts), '; ' ORDER BY relay_id, lower) FROM bigbrotr.coverage}, 'old'),
	'1 0 1690000050 paged {}; 1 1690000052 1700000000 paged {}; 2 1690000100 1690000100 partial {dense}', 'old claims prove nothing');
my ($library) = slurp_file("$FindBin::Bin/../../META.json") =~ /^\t"version": "(.*)",/m;
is(ask($node, 'SELECT * FROM bigbrotr.version()', 'old'), "$library|$latest|$latest", 'version() tells both, and what the library needs');
wait_for_service($node, 'synchronizer', 'running', 'old');

same_objects($node, 'old', 'new', 'every object is as in a new database');
my $members = q{SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend
	WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bigbrotr') ORDER BY 1};
is(ask($node, $members, 'old'), ask($node, $members, 'new'), 'the extension has the same members');
my $dumped = q{SELECT c::regclass::text || ' ' || x FROM pg_extension, unnest(extconfig, extcondition) AS u (c, x) WHERE extname = 'bigbrotr' ORDER BY 1};
is(ask($node, $dumped, 'old'), ask($node, $dumped, 'new'), 'pg_dump takes the same tables along');

# The dump of the oldest version, as the manual says: into its own schema, which is upgraded then.
ask($node, "CREATE EXTENSION bigbrotr VERSION '$oldest'", 'restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
# A big archive is upgraded faster without the tag index and with an index that is there already.
ask($node, 'SELECT bigbrotr.drop_tag_index()', 'restored');
ask($node, 'CREATE INDEX CONCURRENTLY events_pubkey_kind_created_at_idx ON bigbrotr.events (pubkey, kind, created_at)', 'restored');
my $made = ask($node, q{SELECT 'bigbrotr.events_pubkey_kind_created_at_idx'::regclass::oid}, 'restored');
ask($node, 'ALTER EXTENSION bigbrotr UPDATE', 'restored');
is(ask($node, q{SELECT 'bigbrotr.events_pubkey_kind_created_at_idx'::regclass::oid}, 'restored'), $made, 'an index that is there already is not built again');
ask($node, 'CREATE INDEX CONCURRENTLY events_tags_idx ON bigbrotr.events USING gin (_bigbrotr.tag_keys(tags, created_at) _bigbrotr.tag_key_ops) WITH (gin_pending_list_limit = 512)', 'restored');
same_objects($node, 'restored', 'new', 'every object is as in a new database, here, too');
ask($node, 'SELECT _bigbrotr.fold_statistics()', 'restored');
is_deeply(rows('restored', '_'), $before, 'the rows of the dump are the same');

# A library of another version that needs this schema fits.
my $health = q{SELECT good, detail FROM bigbrotr.health_report WHERE item = 'version'};
my $version_of_library = q{CREATE OR REPLACE FUNCTION _bigbrotr.library_version() RETURNS text LANGUAGE};
ask($node, "$version_of_library sql STABLE AS \$\$SELECT '98.0.0'\$\$", 'new');
like(ask($node, $health, 'new'), qr/^t\|library 98\.0\.0, schema \Q$latest\E, PostgreSQL [^;]+$/, 'a newer library that needs this schema is well');

# The other way round: a schema that is newer than the library.
ask($node, q{UPDATE pg_extension SET extversion = '99.0.0' WHERE extname = 'bigbrotr'}, 'new');
$node->psql('new', q{SELECT * FROM bigbrotr.query_events('{"kinds": [1]}')}, stderr => \$errors);
like(ask($node, $health, 'new'), qr/^f\|library .*, schema 99\.0\.0, .*; the library needs schema \Q$latest\E$/, 'the report says which schema the library needs');
like($errors, qr/version 99\.0\.0.*Install bigbrotr 99\.0\.0 or newer/s, 'an old library says that it is too old');

done_testing();
