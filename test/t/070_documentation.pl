# Every SQL and Python example of the documentation runs as it is written, every line of a settings file names a setting, and the reference names everything that a person types.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

$ENV{PGOPTIONS} = '-c client_min_messages=warning'; # a notice is no error
my $node = archive_server('documentation', 'bigbrotr.databases' => '', 'wal_level' => 'replica');
my $lines = $node->basedir . '/events.jsonl';
append_to_file($lines, corpus(qw(--seed 70 --authors 50 3000)));
$node->safe_psql('postgres', "CALL bigbrotr.import_events('$lines', 'wss://relay.example.com')");

# Where files are written, and from where they are read.
chdir $node->basedir or die "chdir: $!";
my ($examples, $python, $settings) = (0, 0, 0);
for my $file (map { glob source_directory() . "/$_" } 'README.md', 'CONTRIBUTING.md', 'docs/*.md', 'docs/development/*.md')
{
	my $text = slurp_file($file);
	my ($name) = $file =~ m{([^/]+)$};
	# Other languages than these would be left out in silence.
	my @languages = $text =~ /^```(.*)\n(?:(?!```).*\n)*```$/mg;
	is_deeply([ grep { !/^(?:sql|python|sh|js|ini|console|text|yaml|json|html)$/ } @languages ], [], "$name: every block names its language") if @languages;
	while ($text =~ /^```ini\n(.*?)^```$/msg)
	{
		my @named = map { /^([a-z0-9_.]+) = / ? $1 : /^(?:#|$)/ ? () : die "$name: no setting: $_\n" } split /\n/, $1;
		is($node->safe_psql('postgres', "SELECT string_agg(n, ' ') FROM unnest('{" . join(',', @named) . "}'::text[]) AS n WHERE n NOT IN (SELECT name FROM pg_settings)"), '',
			"$name names settings: @named");
		$settings += @named;
	}
	while ($text =~ /^```sql\n(.*?)^```$/msg)
	{
		my ($example, $before) = ($1, substr $text, 0, $-[0]);
		my $line = 1 + ($before =~ tr/\n//);
		$example =~ s{/var/lib/postgresql/events\.jsonl}{$lines}g;
		$node->safe_psql('postgres', $_) for 'DROP DATABASE IF EXISTS fresh', 'CREATE DATABASE fresh';
		my ($status, $out, $error) = $node->psql($example =~ /^CREATE EXTENSION bigbrotr/m ? 'fresh' : 'postgres', $example, on_error_stop => 1);
		is($error, '', "$name, line $line");
		$examples++;
	}
	local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, 'postgres');
	while ($text =~ /^```python\n(.*?)^```$/msg)
	{
		my ($example, $before) = ($1, substr $text, 0, $-[0]);
		my $line = 1 + ($before =~ tr/\n//);
		my $script = $node->basedir . '/example.py';
		unlink $script;
		append_to_file($script, $example);
		# Debian's own, which has Debian's packages.
		my ($out, $error) = run_command([ '/usr/bin/python3', $script ]);
		is($error, '', "$name, line $line");
		$python++;
	}
}
cmp_ok($python, '>', 3, 'Python examples were found');
cmp_ok($examples, '>', 10, 'examples were found');
cmp_ok($settings, '>', 20, 'and settings');

my $reference = join '', map { slurp_file(source_directory() . "/docs/$_.md") } qw(sql vocabulary queries import-export);
my @names = split /\n/, $node->safe_psql('postgres', q{
	SELECT proname FROM pg_proc WHERE pronamespace = 'bigbrotr'::regnamespace UNION
	SELECT relname FROM pg_class WHERE relnamespace = 'bigbrotr'::regnamespace AND relkind IN ('r', 'v')});
is_deeply([ grep { $reference !~ /`[^`\n]*\b$_\b/ } @names ], [], 'the reference names every function, table and view of the schema bigbrotr');

# CONTRIBUTING.md, "Find it": the first file of an answer holds the words that lead to it.
my $found = 0;
for (grep { /^\| .*\?.* \| `/ } split /\n/, slurp_file(source_directory() . '/CONTRIBUTING.md'))
{
	my ($question, $words, $answer) = /^\| (.+?) \| (.+?) \| (.+) \|$/ or die "no row: $_";
	my ($file) = $answer =~ /^`([^`]+)`/ or die "no file: $_";
	my $text = slurp_file(source_directory() . "/$file");
	is_deeply([ grep { index($text, $_) < 0 } $words =~ /`([^`]+)`/g ], [], $question);
	$found++;
}
cmp_ok($found, '>', 20, 'CONTRIBUTING.md says where things are');
chdir '/';
$node->stop;
done_testing();
