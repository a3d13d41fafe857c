# Imports and exports: every real event and every odd one goes through a file and comes out of an archive, and of
# a second one filled from the first, byte by byte the same. Bad lines are told and cost no other line.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('import');
$node->init;
$node->append_conf('postgresql.conf',
	"shared_preload_libraries = 'bigbrotr'\nbigbrotr.databases = ''\nbigbrotr.max_event_size = '1MB'\nlog_statement = 'none'\n");
$node->start;
for my $database (qw(second third fourth))
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
}
$node->safe_psql($_, 'CREATE EXTENSION bigbrotr') for qw(postgres second third fourth);
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGUSER} = getpwuid $<;

# What there is to import: good lines, and bad ones with the reason that is to be told.
my @lines;
if (my $real = shared_data('events-valid.jsonl.gz'))
{
	open my $in, '-|', 'gzip', '-dc', $real or die "gzip: $!";
	push @lines, map { chomp; { text => $_, good => 1 } } <$in>;
}
else
{
	note 'no real events, see BIGBROTR_SHARED';
}
my $nasty = shared_data('nasty-events.jsonl') // source_directory() . '/test/data/nasty-events.jsonl';
my $json = JSON::PP->new->utf8;
open my $in, '<', $nasty or die "$nasty: $!";
while (<$in>)
{
	my $case = $json->decode($_);
	my $text = $case->{input_b64} ? decode_base64($case->{input_b64}) : $case->{input};
	utf8::encode($text) unless $case->{input_b64};
	my $verdict = $case->{sheet} // $case->{verdict};
	next if $text =~ /\n|^\s*$/ || $verdict eq 'either';
	push @lines, { text => $text, good => $verdict eq 'accept', name => $case->{name} };
}
push @lines, map { { text => $_, good => 1 } } split /\n/, corpus('--seed', 61, 3000);
push @lines, { text => '{"long":"' . 'x' x 3_000_000 . '"}', good => 0, reason => 'too_large' },
  { text => '', blank => 1 }, { text => " \t\r", blank => 1 }, { text => 'rubbish', good => 0 },
  { text => "\xff\xfe", good => 0, reason => 'bad_utf8' };
# In a mixed order, that is always the same.
srand 61;
my @order = sort { $a->[0] <=> $b->[0] } map { [ rand, $_ ] } @lines;
@lines = map { $_->[1] } @order;

my $file = $node->basedir . '/events.jsonl';
open my $out, '>', $file or die "$file: $!";
binmode $out;
print $out $_->{text}, $_ == $lines[0] ? "\r\n" : $_ == $lines[-1] ? '' : "\n" for @lines;
close $out;
my %expected;
for my $line (grep { $_->{good} } @lines)
{
	$expected{ canonical_id($line->{text}) }++;
}
my $good = grep { $_->{good} } @lines;
my $bad = grep { !$_->{good} && !$_->{blank} } @lines;

sub one { my ($database, $query) = @_; return $node->safe_psql($database, $query); }

sub export_to
{
	my ($database, $to) = @_;
	local $ENV{PGDATABASE} = $database;
	is(system("bigbrotr-export > '$to'"), 0, "export of $database");
	return slurp_file($to);
}

# A file of the server.
$node->safe_psql('postgres', "CALL bigbrotr.import_events('$file')");
is( one('postgres', q{SELECT finished, bytes = size, done_fraction, line_count, new_count, known_count, refused_count FROM bigbrotr.import_progress}),
	join('|', 't', 't', 1, scalar @lines, scalar keys %expected, $good - keys %expected, $bad), 'counters');
my %rejects = map { split /\|/ } split /\n/, one('postgres', 'SELECT line, reason FROM bigbrotr.import_rejects');
my @faults;
for my $number (1 .. @lines)
{
	my $line = $lines[ $number - 1 ];
	my $told = $rejects{$number};
	my $name = "line $number (" . ($line->{name} // substr $line->{text}, 0, 20) . ')';
	push @faults, "$name is refused: $told" if $told && ($line->{good} || $line->{blank});
	push @faults, "$name is not told" if !$told && !$line->{good} && !$line->{blank};
	push @faults, "$name is told as $told" if $line->{reason} && $told ne $line->{reason};
}
is(join("\n", @faults), '', 'every bad line is told with its number, and no good one');
is(one('postgres', q{SELECT count(*) FROM bigbrotr.import_rejects AS r WHERE r.reason = 'id_mismatch' AND r.text LIKE '_"id":%'}) > 0,
	1, 'with their beginnings');

my $first = export_to('postgres', $node->basedir . '/first.jsonl');
my @exported = split /\n/, $first;
my %ids;
my $inexact = 0;
for my $line (@exported)
{
	my ($id) = $line =~ /"id":"(\w{64})"/;
	$ids{$id}++;
	$inexact++ if canonical_id($line) ne $id;
}
is(join(' ', sort keys %ids), join(' ', sort keys %expected), 'what was imported comes out');
is(scalar(@exported), scalar(keys %ids), 'each once');
is($inexact, 0, 'and hashes to its id');
cmp_ok(scalar(grep { /\\u0000/ } @exported), '>', 0, 'some with U+0000');
my @sorted = sort { $a->[0] <=> $b->[0] or $a->[1] cmp $b->[1] }
  map { [ /"created_at":(\d+)/, /"id":"(\w+)"/ ] } @exported;
is(join(' ', map { $_->[1] } @sorted), join(' ', map { /"id":"(\w+)"/ } @exported), 'in order');

{
	local $ENV{PGDATABASE} = 'postgres';
	my $chosen = `bigbrotr-export '{"kinds":[1],"since":1600000000}'`;
	is($chosen eq join('', map { "$_\n" } grep { /"kind":1,/ && /"created_at":(\d+)/ && $1 >= 1600000000 } @exported), 1,
		'a filter chooses some');
	isnt(system("bigbrotr-export '{\"nonsense\":1' 2>/dev/null"), 0, 'bad filter');
}

# Into other archives: through a pipe, and as a file of the server.
{
	local $ENV{PGDATABASE} = 'second';
	is(system("cat '" . $node->basedir . "/first.jsonl' | bigbrotr-import 2> '" . $node->basedir . "/said'"), 0, 'import from a pipe');
	is(slurp_file($node->basedir . '/said'),
		'import 1: ' . @exported . ' lines, ' . @exported . " events new, 0 known, 0 left out, 0 refused\n", 'what it says');
}
is(export_to('second', $node->basedir . '/second.jsonl') eq $first, 1, 'the second archive exports the same bytes');
$node->safe_psql('third', q{CALL bigbrotr.import_events('} . $node->basedir . q{/second.jsonl', 'wss://relay.example.com')});
is(export_to('third', $node->basedir . '/third.jsonl') eq $first, 1, 'and so does the third');
is(one('third', q{SELECT count(*) FROM bigbrotr.event_relay WHERE relay_url = 'wss://relay.example.com'}),
	scalar(@exported), 'with the sightings asked for');
is(one('second', 'SELECT count(*) FROM bigbrotr.sightings'), 0, 'and no others');

# The real events as they were collected, in the order of an export.
if (my $real = shared_data('events-valid.jsonl.gz'))
{
	my $collected = $node->basedir . '/real.jsonl';
	system("gzip -dc '$real' > '$collected'") == 0 or die 'gzip failed';
	$node->safe_psql('postgres', 'CREATE DATABASE "real"');
	$node->safe_psql('real', $_) for 'CREATE EXTENSION bigbrotr', "CALL bigbrotr.import_events('$collected')";
	is(export_to('real', $node->basedir . '/real-exported.jsonl') eq slurp_file($collected), 1, 'the real events come out as they went in, to the byte');
}

# Interrupted wherever it is, an import goes on there.
for my $limit (20, 100, 300)
{
	$node->psql('fourth', "SET statement_timeout = '${limit}ms'; CALL bigbrotr.import_events('$file')");
}
is(one('fourth', 'SELECT count(*) <= 4 FROM _bigbrotr.imports'), 't', 'interrupted');
$node->safe_psql('fourth', "CALL bigbrotr.import_events('$file')") if one('fourth', 'SELECT count(*) FROM _bigbrotr.imports WHERE finished_at IS NULL');
is(one('fourth', q{SELECT count(*), bool_and(finished), max(line_count), bool_and(bytes = size) FROM bigbrotr.import_progress WHERE new_count > 0}),
	'1|t|' . @lines . '|t', 'one import in several runs');
is(export_to('fourth', $node->basedir . '/fourth.jsonl') eq $first, 1, 'nothing is lost or twice');
is(one('fourth', 'SELECT count(*) FROM bigbrotr.import_rejects JOIN _bigbrotr.imports USING (import_id) WHERE events_new > 0'), $bad, 'nor told twice');

# Pieces of any size, the client's way.
my $small = substr slurp_file($file), 0, 100_000;
my $hex = unpack 'H*', $small;
my ($taken, $pieces) = (0, 0);
my ($import) = split /\|/, one('second', q{SELECT * FROM bigbrotr.begin_import('pieces')});
while ($taken < length $small)
{
	my $size = 1 + 3777 * ++$pieces % 40_000;
	my $last = $taken + $size >= length $small;
	my $piece = substr $hex, 2 * $taken, 2 * $size;
	$taken += one('second', "SELECT bigbrotr.import_lines($import, $taken, '\\x$piece', " . ($last ? 'true' : 'false') . ')');
	last if $pieces > 1000;
}
is(one('second', "SELECT bytes, lines, events_new FROM _bigbrotr.imports WHERE import_id = $import"),
	'100000|' . (1 + $small =~ tr/\n//) . '|0', 'an import in pieces');

# A line that is larger than anything that is held in memory.
$node->append_conf('postgresql.conf', "bigbrotr.max_event_size = '16kB'\n");
$node->reload;
$node->poll_query_until('second', q{SELECT current_setting('bigbrotr.max_event_size') = '16kB'}) or die 'no reload';
my $huge = $node->basedir . '/huge.jsonl';
open $out, '>', $huge or die "$huge: $!";
print $out "one\n", 'x' x 5_000_000, "\n", "three\n", 'y' x 2_000_000;
close $out;
$node->safe_psql('second', "CALL bigbrotr.import_events('$huge')");
is(one('second', q{SELECT r.line, r.reason, r.text FROM bigbrotr.import_rejects AS r JOIN _bigbrotr.imports AS i USING (import_id)
		WHERE i.source LIKE '%huge.jsonl' ORDER BY 1}),
	"1|not_an_object|\n2|too_large|\n3|not_an_object|\n4|too_large|", 'lines too large are left out, and nothing is kept of what is no event');

# Refusals.
sub error_of
{
	my ($statement) = @_;
	my ($code, $stdout, $stderr) = $node->psql('second', $statement);
	return $stderr =~ /ERROR:  (.*)/ ? $1 : 'none';
}
is(error_of("CALL bigbrotr.import_events('relative.jsonl')"), '"relative.jsonl" is not an absolute path', 'relative path');
is(error_of("CALL bigbrotr.import_events('/no/such/file')"), 'could not read file "/no/such/file": No such file or directory', 'no file');
is(error_of("CALL bigbrotr.import_events('/')"), 'could not read file "/": Is a directory', 'a directory');
is(error_of('CALL bigbrotr.import_events(NULL)'), 'path and resume must not be null', 'null');
is(error_of("BEGIN; CALL bigbrotr.import_events('$file')"), 'bigbrotr.import_events cannot run inside a transaction block', 'transaction');
is(error_of("CREATE ROLE feeder; GRANT bigbrotr_writer TO feeder; SET ROLE feeder; CALL bigbrotr.import_events('$file')"),
	'permission denied to read server files', 'privilege');
is(error_of("SELECT bigbrotr.import_lines($import, 7, 'x')"), "import $import is not at byte 7", 'position');
is(error_of(q{SELECT bigbrotr.import_lines(4711, 0, 'x')}), 'there is no import 4711', 'import');
is(error_of(q{SELECT bigbrotr.begin_import('x', 'nonsense')}) =~ /is no relay URL/, 1, 'relay');
{
	local $ENV{PGDATABASE} = 'second';
	command_fails_like([ 'bigbrotr-import', '/no/such/file' ], qr/could not read/, 'the client says what is wrong');
	command_fails_like([ 'bigbrotr-import', '--nonsense' ], qr/usage/, 'and how it is used');
}

$node->stop;
done_testing();
