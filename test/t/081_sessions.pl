# What others can do to the sessions of workers: settings of their role and database, statements that make their
# database step aside, errors that pass through the library.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use Bigbrotr;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('sessions');
$node->start;
ask($node, 'CREATE EXTENSION bigbrotr');
wait_for_service($node, 'synchronizer', 'running');

# ---- settings that are not the services' business
ask($node, join ';', map { "ALTER ROLE bigbrotr_worker SET $_" }
	  q{default_transaction_isolation = 'serializable'}, 'default_transaction_read_only = on',
	q{search_path = 'public'}, q{plan_cache_mode = 'force_generic_plan'}, 'lock_timeout = 1', 'statement_timeout = 1');
ask($node, q{ALTER DATABASE postgres SET default_transaction_deferrable = on});
ask($node, q{ALTER ROLE bigbrotr_worker SET session_replication_role = 'replica'});
ask($node, q{SELECT bigbrotr.stop_services(); SELECT bigbrotr.start_services()});
wait_for_service($node, 'initializer', 'done');
wait_for_service($node, 'synchronizer', 'running');
my $cycles = q{SELECT cycle_count > 2 AND last_error IS NULL AND waiting_for IS NULL FROM bigbrotr.services WHERE service = 'synchronizer'};
ok($node->poll_query_until('postgres', $cycles), 'settings of the role and the database disturb no service')
  or diag ask($node, 'SELECT * FROM bigbrotr.services');
ask($node, 'ALTER ROLE bigbrotr_worker RESET ALL; ALTER DATABASE postgres RESET ALL');

# ---- whose statements make workers step aside
ask($node, 'CREATE DATABASE of_default TEMPLATE DEFAULT');
pass('CREATE DATABASE … TEMPLATE DEFAULT');
ask($node, 'CREATE ROLE maker LOGIN CREATEDB; CREATE ROLE nobody LOGIN');
my $pid = worker_pid($node, 'synchronizer');
for my $case (
	[ 'maker',  'CREATE DATABASE copy TEMPLATE postgres', qr/permission denied to copy database/ ],
	[ 'nobody', 'CREATE DATABASE copy TEMPLATE postgres', qr/permission denied to create database/ ],
	[ 'maker',  'ALTER DATABASE postgres RENAME TO mine', qr/must be owner|current database/ ],
	[ 'maker',  'DROP DATABASE postgres',                 qr/must be owner/ ])
{
	my ($role, $statement, $refusal) = @$case;
	my (undef, undef, $error) = $node->psql('template1', $statement, extra_params => [ '-U', $role ]);
	like($error, $refusal, "$statement is not for $role");
}
is(worker_pid($node, 'synchronizer'), $pid, 'and ends no worker');

# A service that waits for an extension is woken by one that is made, not by attempts.
ask($node, 'CREATE DATABASE bare');
my $log_end = -s $node->logfile;
$node->append_conf('postgresql.conf', "bigbrotr.databases = 'postgres, bare'\nbigbrotr.restart_delay = '5min'\n");
$node->reload;
my $waits = qr/"initializer" of database "bare".*extension "bigbrotr" is not installed/s;
$node->wait_for_log($waits, $log_end);
my $starts = sub { ask($node, q{SELECT since, next_start FROM bigbrotr.services WHERE database = 'bare' AND service = 'initializer'}) };
my $before = $starts->();
for my $statement ('CREATE EXTENSION bigbrotr', 'DROP EXTENSION IF EXISTS bigbrotr',
	q{DO $$BEGIN CREATE EXTENSION bigbrotr; EXCEPTION WHEN insufficient_privilege THEN NULL; END$$})
{
	$node->psql('bare', $statement, extra_params => [ '-U', 'nobody' ]);
	$node->psql('postgres', $statement =~ s/CREATE EXTENSION/CREATE EXTENSION IF NOT EXISTS/r, extra_params => [ '-U', 'nobody' ]);
}
is($starts->(), $before, 'attempts end no back-off');
ask($node, 'CREATE EXTENSION bigbrotr', 'bare');
wait_for_service($node, 'synchronizer', 'running', 'bare');

# ---- errors keep what the server said of them
ask($node, q{
	SELECT bigbrotr.add_relay('wss://relay.example.com');
	ALTER TABLE bigbrotr.sightings ADD CONSTRAINT odd CHECK (seen_at <> 7);
	CREATE FUNCTION raise() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		RAISE disk_full USING MESSAGE = repeat('x', 5000), DETAIL = repeat('y', 3000), HINT = 'z', COLUMN = 'c';
	END$$});
my $insert = q{bigbrotr.insert_event('{"id":"%s","pubkey":"%s","created_at":1,"kind":1,"tags":[],"content":"","sig":"%s"}')};
my $call = q{PERFORM _bigbrotr.insert_sightings(ARRAY[decode(repeat('ab', 32), 'hex')], ARRAY[1], ARRAY[%d::bigint])};
my $diagnostics = sub {
	my ($statement) = @_;
	return ask($node, qq{
		DO \$\$
		DECLARE one text; two text; three text; m text; d text; h text; c text;
		BEGIN
			$statement;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS one = CONSTRAINT_NAME, two = TABLE_NAME, three = COLUMN_NAME,
				m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, c = PG_EXCEPTION_CONTEXT;
			CREATE TEMP TABLE said AS SELECT concat_ws('|', one, two, three, length(m), length(d), h,
				(SELECT count(*) - count(DISTINCT line) FROM regexp_split_to_table(c, '\n') AS line)) AS it;
		END\$\$;
		SELECT it FROM said});
};
ask($node, q{INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
	VALUES (decode(repeat('ab', 32), 'hex'), decode(repeat('ab', 32), 'hex'), 1, 1, '[]', '', decode(repeat('ab', 64), 'hex'), 1)});
like($diagnostics->(sprintf $call, 7), qr/^odd\|sightings\|\|\d+\|\d+\|\|0$/, 'the constraint that failed is named; no context line twice');
ask($node, 'CREATE TRIGGER raise BEFORE INSERT ON bigbrotr.sightings EXECUTE FUNCTION raise()');
is($diagnostics->(sprintf $call, 8), '||c|5000|3000|z|0', 'long texts arrive whole');

$node->stop;
done_testing();
