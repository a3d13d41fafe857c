# A call of every function and procedure of the extension with plain arguments, for tests that try all of them.
package EveryFunction;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(every_call every_function plain_value);

my $key = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798';
my $event = qq({"id":"$key","pubkey":"$key","created_at":1700000000,"kind":1,"tags":[["e","$key"]],"content":"x","sig":"$key$key"});

# By name and type of the argument, else by its type.
my %by_name = (
	'url:text'           => q{'wss://relay.example.com'},
	'relay_url:text'     => q{'wss://relay.example.com'},
	'relay:text'         => q{'wss://relay.example.com'},
	'network:text'       => q{'clearnet'},
	'relay_network:text' => q{'clearnet'},
	'filter:jsonb'       => q{'{"kinds": [1]}'},
	'feed:jsonb'         => qq{'{"authors": ["$key"]}'},
	'number:jsonb'       => q{'[0]'},
	'place:jsonb'        => q{'[0, "x"]'},
	'moment:jsonb'       => q{'["2026-01-01"]'},
	'filters:jsonb'      => q{'{"kinds": [1], "limit": 5}'},
	'purpose:text'       => q{'query'},
	'path:text'          => q{'/nowhere.jsonl'},
	'event:text'         => "'$event'",
	'kind:integer'       => '1',
	'most:integer'       => '10',
	'batch_size:integer' => 'NULL');
my %by_type = (
	'bytea'            => qq{'\\x$key'},
	'text'             => q{'x'},
	'name'             => q{'x'},
	'jsonb'            => q{'[["e", "x"]]'},
	'bigbrotr.tags'    => q{'[["e", "x"]]'},
	'cstring'          => q{'[["e", "x"]]'},
	'json'             => q{'[["e", "x"]]'},
	'bigint'           => '1700000000',
	'integer'          => '1',
	'smallint'         => '1',
	'boolean'          => 'false',
	'double precision' => '1',
	'interval'         => q{'1 second'},
	'int4multirange'   => q{'{[7,7]}'},
	'timestamp with time zone' => q{'2024-01-01 00:00:00+00'},
	'"char"'           => q{'x'});

# Why a function cannot be called by SQL, or undef.
sub not_callable
{
	my ($signature, $result) = @_;
	return 'a trigger' if $result eq 'trigger';
	return 'for the server alone' if $signature =~ /[(,]internal/;
	return;
}

# The functions that can be called: { signature, schema, name, procedure, arguments => [ [ name, type ], … ] }; and for the
# others, by signature, why they cannot be called.
sub every_function
{
	my ($node, $database) = @_;
	my (@functions, %skipped);
	my $rows = $node->safe_psql($database, q{
		SELECT p.oid::regprocedure, coalesce(p.prorettype::regtype::text, ''), p.prokind, p.pronamespace::regnamespace, p.proname,
		       (SELECT string_agg(coalesce(p.proargnames[a.n], '') || ':' || format_type(a.type, NULL), ';' ORDER BY a.n)
		        FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS a (type, n)
		        WHERE coalesce(p.proargmodes[a.n], 'i') IN ('i', 'b', 'v'))
		FROM pg_proc AS p WHERE p.pronamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) ORDER BY p.oid::regprocedure::text COLLATE "C"});
	for my $row (split /\n/, $rows)
	{
		my ($signature, $result, $kind, $schema, $name, $arguments) = split /\|/, $row, -1;
		my $reason = not_callable($signature, $result);
		$skipped{$signature} = $reason, next if $reason;
		push @functions, { signature => $signature, schema => $schema, name => $name, procedure => $kind eq 'p',
			arguments => [ map { [ split /:/, $_, 2 ] } split /;/, $arguments ] };
	}
	return (\@functions, \%skipped);
}

# The same with sql: a call with plain arguments.
sub every_call
{
	my ($functions, $skipped) = every_function(@_);
	for my $function (@$functions)
	{
		my $call = "$function->{schema}.$function->{name}(" . join(', ', map { plain_value(@$_) } @{ $function->{arguments} }) . ')';
		$function->{sql} = $function->{procedure} ? "CALL $call" : "SELECT $call";
	}
	return ($functions, $skipped);
}

# With a type, so that the call is not ambiguous between functions of the same name.
sub plain_value
{
	my ($name, $type) = @_;
	my $value = $by_name{"$name:$type"} // $by_type{$type} // 'NULL';
	# Qualified, for tests that set a search path.
	$type =~ s/^(bytea|text|name|jsonb?|cstring|"char")(?=\[|$)/pg_catalog.$1/;
	return "'{}'::$type" if $type =~ /\[\]$/;
	return "(SELECT e FROM $type AS e LIMIT 1)" if $type =~ /^_?bigbrotr\./ && !$by_type{$type};
	return "$value\::$type";
}

1;
