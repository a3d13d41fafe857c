# Functions, operators, types and relations of the same names as the server's, put first in the search path,
# are never used by functions of the extension: a role that may create objects cannot make others, or the workers, run code.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use EveryFunction qw(every_call);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('search_path');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'bigbrotr'\nbigbrotr.databases = ''\n");
$node->start;
create_archive($node);
$node->safe_psql('postgres', q{SELECT bigbrotr.add_relay('wss://relay.example.com')});
set_traps();

my $hostile = 'SET search_path = pg_temp, hostile, pg_catalog;';
my $caught = 'SELECT pg_catalog.int4(is_called) FROM hostile.caught;';
my $reset = q{SELECT pg_catalog.setval('hostile.caught', 1, false);};

for my $bait (q{SELECT 'a'::pg_catalog.text || 'b'::pg_catalog.text}, q{SELECT length('a'::pg_catalog.text)}, q{SELECT 'a'::text})
{
	is(last_line("$reset $hostile $bait; $caught"), '1', "the trap works: $bait");
}

# A session of each role makes all calls: a session for each call would take minutes.
my ($calls) = every_call($node, 'postgres');
my @fooled;
for my $role ($node->safe_psql('postgres', 'SELECT current_user'), 'bigbrotr_admin', 'bigbrotr_reader')
{
	my $script = join '', map { "$reset $hostile SET ROLE $role; $calls->[$_]{sql};\n RESET ROLE; SELECT 'call', $_, pg_catalog.int4(is_called) FROM hostile.caught;\n" } 0 .. $#$calls;
	my (undef, $out) = $node->psql('postgres', $script, on_error_die => 0, on_error_stop => 0);
	my %caught = $out =~ /^call\|(\d+)\|([01])$/mg;
	push @fooled, map { "$role: $calls->[$_]{signature}" } grep { ($caught{$_} // '1') ne '0' } 0 .. $#$calls;
}
is_deeply(\@fooled, [], 'no function runs what stands in the search path');

my $file = $node->basedir . '/events.jsonl';
append_to_file($file, corpus(qw(--seed 66 50)));
is(last_line(qq{$reset $hostile
	CALL bigbrotr.import_events('$file', 'wss://relay.example.com');
	SELECT bigbrotr.query_events('{"kinds": [1], "limit": 3}');
	SELECT bigbrotr.export_events();
	SELECT * FROM bigbrotr.events_as_published; SELECT * FROM bigbrotr.total_statistics; SELECT * FROM bigbrotr.event_relay;
	CALL bigbrotr.cleanup_orphans();
	$caught}), '0', 'nor do imports, queries, exports and views with events in the archive');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), '50', 'and all of it worked');

$node->stop;
done_testing();

# What the last statement says; errors of the others do not matter.
sub last_line
{
	my ($script) = @_;
	my ($status, $out) = $node->psql('postgres', $script, on_error_die => 0, on_error_stop => 0);
	return (split /\n/, $out)[-1];
}

# In the schema hostile, for everybody: all of the server's functions, operators and types that take plain
# arguments, each of which advances the sequence caught.
sub set_traps
{
	$node->safe_psql('postgres', q{
		CREATE SCHEMA hostile;
		CREATE SEQUENCE hostile.caught;
		GRANT ALL ON SCHEMA hostile TO PUBLIC;
		GRANT ALL ON SEQUENCE hostile.caught TO PUBLIC;
		CREATE FUNCTION hostile.spring() RETURNS boolean LANGUAGE sql AS $$ SELECT pg_catalog.nextval('hostile.caught'::pg_catalog.regclass) IS NOT NULL $$;
		CREATE TABLE hostile.plain AS SELECT unnest('{bool,bytea,int8,int4,int2,text,jsonb,numeric,float8,name,oid,regclass,timestamptz,interval,_text,_bytea,_int8,_int4}'::text[])::regtype AS type;
		DO $do$
		DECLARE
			item record;
			n integer := 0;
		BEGIN
			-- Polymorphic arguments, for each of the types by themselves.
			FOR item IN
				SELECT DISTINCT p.proname, v.arguments, v.result
				FROM pg_proc AS p, unnest('{text,bytea,int8,int4}'::regtype[]) AS t (type),
				     LATERAL (SELECT string_agg(format_type(CASE WHEN a.type IN ('anyarray'::regtype, 'anycompatiblearray'::regtype) THEN (t.type || '[]')::regtype
				                                                 WHEN a.type IN ('anyelement'::regtype, 'anycompatible'::regtype, 'anynonarray'::regtype) THEN t.type
				                                                 ELSE a.type END, NULL), ', ' ORDER BY a.n) AS arguments,
				              bool_and(a.type IN (SELECT type FROM hostile.plain) OR a.type::regtype::text IN ('anyarray', 'anyelement', 'anynonarray', 'anycompatible', 'anycompatiblearray')) AS good,
				              CASE WHEN p.prorettype::regtype::text IN ('anyarray', 'anycompatiblearray') THEN t.type || '[]'
				                   WHEN p.prorettype::regtype::text IN ('anyelement', 'anycompatible') THEN t.type::text
				                   ELSE format_type(p.prorettype, NULL) END AS result
				              FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, n)) AS v
				WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.provariadic = 0 AND v.good
				      AND (p.prorettype IN (SELECT type FROM hostile.plain) OR p.prorettype::regtype::text LIKE 'any%')
			LOOP
				BEGIN
					EXECUTE format('CREATE FUNCTION hostile.%I(%s) RETURNS %s LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.spring(); RETURN NULL; END $$',
						item.proname, item.arguments, item.result);
				EXCEPTION WHEN duplicate_function THEN
				END;
			END LOOP;
			FOR item IN
				SELECT o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result FROM pg_operator AS o
				WHERE o.oprkind = 'b' AND o.oprleft IN (SELECT type FROM hostile.plain) AND o.oprright IN (SELECT type FROM hostile.plain)
				      AND o.oprresult IN (SELECT type FROM hostile.plain)
				UNION
				SELECT o.oprname, t.type, t.type, 'bool'::regtype FROM pg_operator AS o, unnest('{_text,_bytea,_int8,_int4}'::regtype[]) AS t (type)
				WHERE o.oprleft = 'anyarray'::regtype AND o.oprright = 'anyarray'::regtype AND o.oprresult = 'bool'::regtype
			LOOP
				n := n + 1;
				EXECUTE format('CREATE FUNCTION hostile.operator_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.spring(); RETURN NULL; END $$',
					n, item.l, item.r, item.result);
				EXECUTE format('CREATE OPERATOR hostile.%s (FUNCTION = hostile.operator_%s, LEFTARG = %s, RIGHTARG = %s)', item.oprname, n, item.l, item.r);
			END LOOP;
			FOR item IN SELECT t.typname FROM pg_type AS t WHERE t.oid IN (SELECT type FROM hostile.plain) AND t.typelem = 0 LOOP
				EXECUTE format('CREATE DOMAIN hostile.%I AS pg_catalog.%1$I CHECK (hostile.spring())', item.typname);
			END LOOP;
			-- Relations: in the place where they are found first.
			FOR item IN SELECT c.oid::regclass AS real, c.relname FROM pg_class AS c
			            WHERE c.relkind IN ('r', 'v') AND (c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace)
			                  OR c.relname IN ('pg_class', 'pg_namespace', 'pg_extension', 'pg_proc', 'pg_roles', 'pg_index', 'pg_settings'))
			LOOP
				EXECUTE format('CREATE VIEW hostile.%I AS SELECT * FROM %s WHERE hostile.spring()', item.relname, item.real);
			END LOOP;
		END
		$do$;
		GRANT SELECT ON ALL TABLES IN SCHEMA hostile TO PUBLIC;
	});
	return;
}
