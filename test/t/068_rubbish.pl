# Every function, given rubbish in each of its arguments and in several at once, answers or raises one precise
# error: an SQLSTATE of class 22, a detail and a hint. Never an internal error, never a crash.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use EveryFunction qw(every_function plain_value);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('rubbish');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'bigbrotr'\nbigbrotr.databases = ''\nlog_statement = none\n");
$node->start;
create_archive($node);
$node->safe_psql('postgres', q{
	SELECT bigbrotr.add_relay('wss://relay.example.com');
	SELECT bigbrotr.begin_import('x');
	SELECT bigbrotr.insert_event(e.event_id, e.pubkey, e.created_at, e.kind, e.tags, e.content, e.sig, 'wss://relay.example.com', NULL, 1, 1)
	FROM generate_series(0, 30100, 100) AS kind, bigbrotr.parse_event(bigbrotr.sign_event(sha256('a'), kind, 'x', '[["e", "x"]]')) AS e;
	CREATE TABLE attempts (n integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, statement text);
	-- What comes of a statement, which is undone.
	CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		detail text;
		hint text;
	BEGIN
		EXECUTE statement;
		RAISE SQLSTATE 'ZZ000';
	EXCEPTION
		WHEN SQLSTATE 'ZZ000' THEN
			RETURN 'good';
		WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
			RETURN CASE WHEN SQLSTATE !~ '^22' THEN 'class ' || SQLSTATE
			            WHEN detail = '' THEN 'no detail' WHEN hint = '' THEN 'no hint' ELSE 'precise' END
			       || ': ' || SQLERRM;
	END
	$$});

# By type, as SQL.
my $key = q{'79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'};
my @texts = (q{''}, q{' '}, q{'%s%n'}, q{E'\x01\x7f\n'}, q{'"''\\$$'}, q{E'\u00e9\U0010FFFF'}, q{'null'}, q{'{}'}, q{'[]'}, q{'-1'},
	q{'99999999999999999999'}, q{'/'}, q{'wss://'}, q{'ws://127.0.0.1'}, q{'nostr:npub1'}, $key, qq{upper($key)}, q{repeat('x', 1000000)},
	q{repeat('[', 100000)}, q(repeat('{"a":', 100000)), q{repeat(E'\U0010FFFF', 100000)}, q{'x' || repeat(E'\u00e9', 2000)});
my @bytes = (q{''}, q{'\x00'}, q{repeat('x', 31)}, q{repeat('x', 33)}, q{'\x} . 'ff' x 32 . q{'}, q{'\x} . '00' x 32 . q{'},
	q{repeat('x', 64)}, q{'\xfffe'}, q{repeat('x', 1000000)}, q{repeat('[', 100000)});
my @jsons = (q{'null'}, q{'0'}, q{'-1e1000'}, q{'"x"'}, q{'true'}, q{'{}'}, q{'[]'}, q{'[[]]'}, q{'[null]'}, q{'["x"]'}, q{'[[1]]'},
	q{'[["e", null]]'}, q{'[["e", {}]]'}, q{'[["e", ["x"]]]'}, q{'[[[]]]'}, q{'[{"e": "x"}]'}, q{'[[""]]'}, q{'[["", ""]]'}, q{'[["d"]]'},
	q{'[["expiration", "99999999999999999999"]]'}, q{'[["expiration", "-1"]]'}, q{'{"": ""}'}, q{'{"kinds": [-1]}'}, q{'{"kinds": [1.5]}'},
	q{'{"kinds": [1e100]}'}, q{'{"kinds": 1}'}, q{'{"kinds": [null]}'}, q{'{"ids": ["x"]}'}, q{'{"ids": [1]}'}, q{'{"authors": [""]}'},
	q{'{"limit": -1}'}, q{'{"limit": 1e30}'}, q{'{"limit": "1"}'}, q{'{"since": -1}'}, q{'{"since": 1e30}'}, q{'{"until": null}'},
	q{'{"since": 9223372036854775807}'}, q{'{"until": 9223372036854775808}'}, q{'{"#e": "x"}'}, q{'{"#e": ["x"]}'}, q{'{"#": []}'},
	q{'{"#ee": []}'}, q{'{"#t": []}'}, q{'{"#t": [null]}'}, q{'{"search": 1}'}, q{'{"search": "\" & ! ( :*"}'}, q{'[{}, 1]'}, q{'[{}, {"x": 1}]'},
	q{(SELECT jsonb_agg('{}'::jsonb) FROM generate_series(1, 1000))}, q{(repeat('[', 3000) || repeat(']', 3000))},
	q{('["' || repeat('x', 1000000) || '"]')}, q{(SELECT jsonb_agg(ARRAY['t', n::text]) FROM generate_series(1, 20000) AS n)},
	q{(SELECT jsonb_build_object('kinds', jsonb_agg(n)) FROM generate_series(1, 20000) AS n)},
	q{(SELECT jsonb_build_object(n || repeat(E'\u00e9', 2000), 1) FROM generate_series(1, 1) AS n)}, q{jsonb_build_object(repeat(E'\u00e9', 2000), 1)},
	q{(SELECT jsonb_build_object('#t', jsonb_agg(n::text)) FROM generate_series(1, 20000) AS n)});
my %rubbish = (
	'text'     => \@texts,
	'bytea'    => \@bytes,
	'jsonb'    => \@jsons,
	'json'     => \@jsons,
	'cstring'  => [ grep { /^E?'.*'$/ } @texts ],
	'bigbrotr.tags' => \@jsons,
	'bigint'   => [ map { "'$_'" } '-1', '0', '-9223372036854775808', '9223372036854775807' ],
	'integer'  => [ map { "'$_'" } '-1', '0', '65536', '-2147483648', '2147483647' ],
	'boolean'  => [ 'true', 'false' ],
	'numeric'  => [ map { "'$_'" } 'NaN', 'infinity', '-1', '0.5', '1e400' ],
	'double precision' => [ map { "'$_'" } 'NaN', 'infinity', '-1' ],
	'int4multirange' => [ map { "'$_'" } '{}', '{(,)}' ],
	'int8multirange' => [ map { "'$_'" } '{}', '{(,)}' ],
	'regtype'  => [ map { "'$_'" } 'text', '-', '0', '4294967295' ],
	'interval' => [ q{'-1 s'}, q{'0'} ],
	'timestamp with time zone' => [ map { "'$_'" } 'infinity', '-infinity', '4714-11-24 00:00:00+00 BC', '294276-12-31 23:59:59+00' ]);

# Rows whose columns are rubbish that their table would refuse.
sub rows
{
	my ($type) = @_;
	return map { "ROW($_)" }
	  q{NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
	  q{-1, -1, -1, -1, '', '', '', NULL, '', NULL},
	  q{-1, -1, -1, -1, '', '', '', '[[""]]', '', ''},
	  q{1, 1, 1, 2147483647, sha256('a'), sha256('a'), '', '[["d"]]', '', NULL},
	  q{1, 1, 1, 30000, sha256('a'), '', '', '[]', '', ''},
	  q{1, 1, 1, 0, sha256('a'), sha256('a'), sha256('a') || sha256('b'), '[["x"]]', 'x', NULL},
	  q{1, 1, 1, 5, sha256('a'), sha256('a'), sha256('a') || sha256('b'), '[["e"]]', 'x', '\xff'},
	  q{1, 1, 1, 1059, sha256('a'), sha256('a'), sha256('a') || sha256('b'), '[["p", "x"], ["p"]]', 'x', '{}'};
}

sub values_of
{
	my ($type) = @_;
	return (map { "$_\::$type" } 'NULL', rows($type)) if $type =~ /^bigbrotr\.events/;
	return ("NULL::$type", "(SELECT r FROM $type AS r LIMIT 1)") if $type =~ /^_?bigbrotr\./ && !$rubbish{$type};
	if ($type =~ /(.*)\[\]$/)
	{
		my $element = $1;
		my @elements = @{ $rubbish{$element} // die "no rubbish of type $element" };
		return map { "$_\::$type" } 'NULL', q{'{}'}, 'ARRAY[NULL]', (map { "ARRAY[$_\::$element]" } @elements),
		  "ARRAY[ARRAY[NULL], ARRAY[NULL]]", "array_fill(NULL::$element, '{2000}', '{-5}')";
	}
	return map { "$_\::$type" } 'NULL', @{ $rubbish{$type} // die "no rubbish of type $type" };
}

# Arrays that belong together have one element each.
sub base_value
{
	my ($name, $type) = @_;
	return plain_value($name, $type) unless $type =~ /(.*)\[\]$/;
	return 'ARRAY[' . plain_value('', $1) . "]::$type";
}

my ($functions) = every_function($node, 'postgres');
my @statements;
srand 68;
for my $function (grep { !$_->{procedure} } @$functions)
{
	my @arguments = @{ $function->{arguments} };
	my @choices = map { [ values_of($_->[1]) ] } @arguments;
	my $call = sub { push @statements, "SELECT $function->{schema}.$function->{name}(" . join(', ', @_) . ')' };
	for my $i (0 .. $#arguments)
	{
		for my $base (\&plain_value, \&base_value)
		{
			my @values = map { $base->(@$_) } @arguments;
			for my $value (@{ $choices[$i] })
			{
				$values[$i] = $value;
				$call->(@values);
			}
		}
	}
	next if @arguments < 2;
	$call->(map { $_->[ rand @$_ ] } @choices) for 1 .. 50;
}
# Filters as conditions: made into others by the planner, and computed row by row.
for my $relation (qw(events events_current events_visible events_as_published))
{
	push @statements, map { "SELECT count(*) FROM bigbrotr.$relation AS e WHERE bigbrotr.event_matches(e, $_)" }
	  map { ("$_\::jsonb", "(SELECT $_\::jsonb OFFSET 0)") } @jsons;
}
# A batch whose second element has one wrong part, with verification and without.
my $element = q{(SELECT jsonb_build_object('event_id', s ->> 'id', 'pubkey', s ->> 'pubkey', 'created_at', s -> 'created_at', 'kind', s -> 'kind',
	'tags', s -> 'tags', 'content', s ->> 'content', 'sig', s ->> 'sig', 'relay_url', 'wss://relay.example.com', 'relay_inserted_at', 1, 'seen_at', 2)
	FROM CAST(bigbrotr.sign_event(sha256('a'), 1, 'new', '[]', 5) AS jsonb) AS s)} =~ s/\s+/ /gr;
for my $part (qw(event_id pubkey created_at kind tags content sig relay_url relay_network relay_inserted_at seen_at))
{
	for my $value (@jsons)
	{
		push @statements, map { "$_ bigbrotr.insert_events_batch(ARRAY[$element, $element || jsonb_build_object('$part', $value\::jsonb)])" }
		  'SELECT', q{SELECT set_config('bigbrotr.verify_events', 'off', true),};
	}
}
my $file = $node->basedir . '/attempts';
append_to_file($file, join '', map { s/\\/\\\\/gr . "\n" } @statements);
$node->safe_psql('postgres', "COPY attempts (statement) FROM '$file'");
cmp_ok(scalar @statements, '>', 5000, scalar(@statements) . ' attempts');

# Each as a statement of its own: time limits are those of statements.
$node->safe_psql('postgres', q{
	SET synchronous_commit = off;
	CREATE TABLE outcomes (statement text, outcome text);
	SELECT format('INSERT INTO outcomes SELECT statement, outcome(statement) FROM attempts WHERE n = %s', n) FROM attempts ORDER BY n \gexec
}, timeout => 600);
is($node->safe_psql('postgres', q{SELECT count(*) FROM outcomes}), scalar @statements, 'the server survived all of them');
# The functions that only other functions call pass on the error of the database, which is kept with the event; and for bytes
# that are not UTF-8 the database has no detail and no hint. The pattern of api_list is always one of ours;
# what the API does not have, or not yet, it answers with 404 or 503.
my $others = q{statement !~ '^SELECT _bigbrotr.(store_events|insert_events_checked|insert_relays_checked|api_list)\(' AND NOT (statement ~ '_bigbrotr.(api|rstate)_' AND outcome ~ '^class (P0002|55000|0A000)') AND outcome !~ 'invalid byte sequence'};
for my $kind ('class', 'no detail', 'no hint')
{
	is($node->safe_psql('postgres', qq{
		SELECT DISTINCT ON (split_part(statement, '(', 1), outcome) left(outcome, 200) || ' <- ' || left(statement, 300)
		FROM outcomes WHERE outcome LIKE '$kind%' AND $others ORDER BY split_part(statement, '(', 1), outcome}), '', "none has '$kind'");
}
is($node->safe_psql('postgres', q{SELECT left(outcome, 200) || ' <- ' || left(statement, 300) FROM outcomes
	WHERE outcome ~ '^precise' AND statement ~ 'insert_events_batch\(ARRAY\[\(' AND outcome !~ '^precise: (element [12] of the events: |batch size)'}), '',
	'a wrong element of a batch is named');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM outcomes WHERE outcome LIKE 'precise%'}), '>', @statements / 4, 'many were refused precisely');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM outcomes WHERE outcome = 'good'}), '>', 100, 'and some were no rubbish');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/was terminated by signal|PANIC/, 'no process died');
$node->stop;
done_testing();
