# Privileges: exactly those of test/data/privileges.txt are granted, and each role is tried with all functions and tables:
# it may do what the file says and nothing else. The workers are not superusers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use EveryFunction qw(every_call);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = archive_server('privileges');

# Each role has what those after it have.
my %lineage = (
	nobody          => [],
	bigbrotr_reader => ['bigbrotr_reader'],
	bigbrotr_writer => [qw(bigbrotr_writer bigbrotr_reader)],
	bigbrotr_worker => [qw(bigbrotr_worker bigbrotr_writer bigbrotr_reader)],
	bigbrotr_admin  => [qw(bigbrotr_admin bigbrotr_worker bigbrotr_writer bigbrotr_reader)]);

my $granted = join "\n", sort split /\n/, $node->safe_psql('postgres', q{
	SELECT concat_ws(' ', CASE WHEN grantee = 0 THEN 'public' ELSE grantee::regrole::text END, privilege, object)
	FROM (SELECT a.grantee, a.privilege_type AS privilege, p.oid::regprocedure::text AS object, p.proowner AS owner
	      FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
	      WHERE p.pronamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace)
	      UNION ALL
	      SELECT a.grantee, a.privilege_type, c.oid::regclass::text, c.relowner
	      FROM pg_class AS c, aclexplode(c.relacl) AS a
	      WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace)
	      UNION ALL
	      SELECT a.grantee, a.privilege_type, 'schema ' || n.nspname, n.nspowner
	      FROM pg_namespace AS n, aclexplode(n.nspacl) AS a WHERE n.nspname IN ('bigbrotr', '_bigbrotr')) AS g
	WHERE grantee <> owner});
my $expected = slurp_file(source_directory() . '/test/data/privileges.txt') =~ s/^#.*\n//gmr;
chomp $expected;
is($granted, $expected, 'the privileges granted are those of test/data/privileges.txt');
my %expected = map { $_ => 1 } split /\n/, $expected;

$node->safe_psql('postgres', 'CREATE ROLE nobody');
# Workers may delete no events but those that are too old.
is($node->safe_psql('postgres', q{SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.prosecdef AND p.proname NOT IN ('delete_expired', 'advance_retention') AND (p.pronamespace = '_bigbrotr'::regnamespace
		OR has_function_privilege('bigbrotr_reader', p.oid, 'EXECUTE')) AND p.pronamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace)}),
	'', 'only functions for writers and administrators run as the owner');
wait_for($node, q{count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'bigbrotr synchronizer'});
is($node->safe_psql('postgres', q{
	SELECT DISTINCT a.usename, r.rolsuper FROM pg_stat_activity AS a JOIN pg_roles AS r ON r.oid = a.usesysid
	WHERE a.backend_type LIKE 'bigbrotr %' AND a.datname IS NOT NULL}), 'bigbrotr_worker|f', 'all that work in a database run as bigbrotr_worker, which is no superuser');

# These stop the workers as well.
try_functions($_) for sort keys %lineage;
try_tables($_) for sort keys %lineage;

is($node->safe_psql('postgres', q{
	SELECT rolname FROM pg_roles WHERE rolname LIKE 'bigbrotr%'
	AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls OR rolconnlimit <> -1)}),
	'', 'no role of ours has powers over the server');

# The roles are there when the extension comes to another database: their members are named, but for readers.
$node->safe_psql('postgres', 'CREATE DATABASE other');
my ($silent, $warned);
$node->psql('other', 'CREATE EXTENSION bigbrotr; DROP EXTENSION bigbrotr', stderr => \$silent);
unlike($silent, qr/WARNING:  roles/, 'roles without other members are adopted');
$node->safe_psql('postgres', 'CREATE ROLE guest; GRANT bigbrotr_reader TO guest; CREATE ROLE "no body"; GRANT bigbrotr_admin TO "no body"');
$node->psql('other', 'CREATE EXTENSION bigbrotr', stderr => \$warned);
like($warned, qr/WARNING:  roles of bigbrotr were there before, and have members: "no body" of "bigbrotr_admin"\n/, 'members of roles that were there before are named');

$node->stop;
done_testing();

sub may
{
	my ($role, $privilege, $object) = @_;
	return scalar grep { $expected{"$_ $privilege $object"} } @{ $lineage{$role} };
}

# The answers to statements, each in a transaction that is undone, by one role: SQLSTATE and message.
sub answers
{
	my ($role, @statements) = @_;
	my $script = "SET ROLE $role;\n";
	# A time limit for those that wait.
	$script .= "SET statement_timeout = '5s';\n";
	for my $statement (@statements)
	{
		my ($begin, $end) = $statement =~ /^CALL/ ? ('', '') : ("BEGIN;\n", "ROLLBACK;\n");
		$script .= "\\o /dev/null\n$begin$statement;\n\\o\n\\echo answer :SQLSTATE :LAST_ERROR_MESSAGE\n$end";
	}
	my ($status, $out) = $node->psql('postgres', $script, on_error_die => 0, on_error_stop => 0);
	my @answers = map { [ split / /, $_, 2 ] } $out =~ /^answer (.*)$/mg;
	die "$role: " . @answers . ' answers to ' . @statements . " statements\n" if @answers != @statements;
	return @answers;
}

sub try_functions
{
	my ($role) = @_;
	my ($calls) = every_call($node, 'postgres');
	my @answers = answers($role, map { $_->{sql} } @$calls);
	my @wrong;
	for my $i (0 .. $#answers)
	{
		my ($state, $message) = @{ $answers[$i] };
		my $refused = $state eq '42501' && $message =~ /permission denied for (?:function|procedure) $calls->[$i]{name}$|permission denied for schema _?bigbrotr$/;
		my $may = may($role, 'EXECUTE', $calls->[$i]{signature});
		push @wrong, "$calls->[$i]{signature}: $state $message" if $may == !!$refused;
	}
	is_deeply(\@wrong, [], "$role is let call what it should, and nothing else");
	return;
}

sub try_tables
{
	my ($role) = @_;
	my (@statements, @allowed);
	for my $row (split /\n/, $node->safe_psql('postgres', q{
		SELECT c.oid::regclass, c.relkind, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = 1
		WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND c.relkind IN ('r', 'v', 'S') ORDER BY 1}))
	{
		my ($table, $kind, $column) = split /\|/, $row;
		my %actions = (SELECT => "SELECT 1 FROM $table LIMIT 0");
		if ($kind eq 'S')
		{
			%actions = (SELECT => "SELECT last_value FROM $table", UPDATE => "SELECT setval('$table', 1)");
		}
		elsif ($kind eq 'r')
		{
			%actions = (%actions,
				INSERT   => "INSERT INTO $table DEFAULT VALUES",
				UPDATE   => "UPDATE $table SET $column = DEFAULT WHERE false",
				DELETE   => "DELETE FROM $table WHERE false",
				TRUNCATE => "TRUNCATE $table CASCADE",
				TRIGGER  => "CREATE TRIGGER hostile AFTER INSERT ON $table EXECUTE FUNCTION suppress_redundant_updates_trigger()",
				OWNER    => "ALTER TABLE $table ADD hostile integer");
		}
		for my $privilege (sort keys %actions)
		{
			push @statements, $actions{$privilege};
			push @allowed, may($role, $privilege, $table);
		}
	}
	my @answers = answers($role, @statements);
	my @wrong = map { "$statements[$_]: @{$answers[$_]}" } grep { ($answers[$_][0] eq '42501') == !!$allowed[$_] } 0 .. $#answers;
	is_deeply(\@wrong, [], "$role is let do with tables what it should, and nothing else");
	return;
}
