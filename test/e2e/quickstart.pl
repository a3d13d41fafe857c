# ./quickstart in this copy of the checkout: it judges its arguments first; the demo ends with every event archived,
# is idempotent, goes on after a stop with the same events, and leaves nothing.
use strict;
use warnings;
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use Test::More;

die "an archive is there already: .bigbrotr\n" if -e '.bigbrotr';
my $mine = 1;

# Runs ./quickstart; returns its exit code and output.
sub quickstart
{
	my $output = `./quickstart @_ 2>&1 </dev/null`;
	note($output);
	return ($? >> 8, $output);
}

my ($code, $output);

# Arguments are judged before anything is made.
for (['typo', qr/"typo" is neither a command nor a relay URL/],
	['https://relay.example.com', qr{did you mean wss://relay\.example\.com\?}],
	['relay.example.com', qr{did you mean wss://relay\.example\.com\?}],
	['wss://relay.example.com', 'typo', qr/"typo" is neither/],
	map({ [ "'$_'", qr/"\Q$_\E" is no relay URL; one is/ ] } 'wss://', 'wss:///inbox', 'wss://?x=1', 'wss://relay.example.com wss://other.example.com',
		'wss://relay.example.com,wss://other.example.com', 'wss://me:secret@relay.example.com', 'wss://relay.example.com/wss://other.example.com',
		"wss://relay.example.com/\tinbox"),
	['--dmeo', qr/unknown option --dmeo/],
	['status', 'now', qr/too many arguments/],
	['--demo', 'README.md', 'README.md', qr/one file/])
{
	my $message = pop @$_;
	($code, $output) = quickstart(@$_);
	is($code, 2, "@$_: a usage error");
	like($output, $message, '… says what is wrong');
	like($output, qr/\n\.\/quickstart status/, '… and what there is');
}
for (['no-such-file', qr/cannot read/], ['README.md', qr/holds no events/])
{
	($code, $output) = quickstart('--demo', $_->[0]);
	isnt($code, 0, "--demo $_->[0] is refused");
	like($output, $_->[1], '… with the reason');
}
for (qw(status log psql export import restart stop empty))
{
	($code, $output) = quickstart($_);
	isnt($code, 0, "$_ without an archive");
	like($output, qr/no archive yet; make one with \.\/quickstart/, '… says how to make one');
}
ok(!-e '.bigbrotr', 'nothing was made');

my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 8080, Listen => 10, ReuseAddr => 1);
($code, $output) = quickstart('--demo');
is($code, 0, 'the demo succeeds');
my ($held) = $output =~ /holds (\d+) events/;
cmp_ok($held, '>=', 1000, 'the relay holds events');
like($output, qr/$held are archived, 0 missing/, 'all of them are archived');
like($output, qr/replies \| reposts/, 'a query is shown');
# Another program has the usual port of the page: this test, if nobody else.
my ($page) = $output =~ m{^Look +(http://127\.0\.0\.1:\d+/)$}m;
isnt($page, 'http://127.0.0.1:8080/', 'the page takes a port that is free');
my $answer = HTTP::Tiny->new->get($page, { headers => { Accept => 'text/html' } });
like($answer->{content}, qr/<title>bigbrotr/, 'it is there');
like(HTTP::Tiny->new->get("${page}api/v1/overview")->{content}, qr/"event_count":$held,/, 'and shows what is archived');
# The filled relay and five others that answer, and six that do not.
my $found = sub {
	my ($text) = @_;
	for (['online', 'it answers in Nostr', 6], ['candidate', 'its certificate is not valid', 1], ['candidate', 'nothing listens on its port', 1],
		['candidate', 'an ordinary web server answers there', 2], ['candidate', 'its web server answers with an error', 1],
		# The second one is what the synchronizer says of it.
		['candidate', '(?:it did not answer in time|it accepted the question and said nothing)', 1])
	{
		my ($status, $why, $count) = @$_;
		like($text, qr/^ $status +\| $why +\| +$count \|/m, "the monitor found $count: $why");
	}
	like($text, qr/Relays that claim what does not work\n.*^ ws:\S+ +\| 45, 77$/ms, '… and which claims too much');
};
$found->($output);

my $query = q{psql -Atc "SELECT count(*), count(DISTINCT event_id) FROM bigbrotr.events"};
is((quickstart($query))[1], "$held|$held\n", 'none is there twice');
($code, $output) = quickstart('status');
like($output, qr/$_ *\| *running/, "the status shows the $_") for qw(synchronizer monitor finder api);
$found->($output);

($code, $output) = quickstart('ws://127.0.0.1:1');
isnt($code, 0, 'a demo archive takes no other relays');
like($output, qr/is a demo \(made-up events\)/, '… and says why');
is((quickstart('tpyo'))[0], 2, 'a typo is a usage error');
unlike((quickstart('tpyo'))[1], qr/delete the demo|remove it/, '… and no reason to delete anything');

for my $arguments ('--demo', '')
{
	($code, $output) = quickstart($arguments);
	is($code, 0, "a second run with \"$arguments\" succeeds");
	unlike($output, qr/Creating|Filling/, '… and makes nothing anew');
}

($code, $output) = quickstart('restart');
is($code, 0, 'it restarts');
like($output, qr/the page is at \Q$page\E,/, '… the page keeps its address');
like((quickstart('log'))[1], qr/database system is ready to accept connections/, '… as the log shows');
# What is shown are 100 lines, and the first start may be above them.
like(scalar `cat .bigbrotr/log/postgres.log`, qr/database system is ready to accept connections.*database system is ready/s, '… which goes on in the same file');

is((quickstart('stop'))[0],   0, 'it stops');
for (qw(status psql export import))
{
	($code, $output) = quickstart($_);
	isnt($code, 0, "then $_ says that it does not run");
	like($output, qr/start it with \.\/quickstart$/, '… and how to start it');
}
($code, $output) = quickstart();
is($code, 0, 'it starts again');
like($output, qr/$held are archived, 0 missing/, '… with all events');
is((quickstart($query))[1], "$held|$held\n", '… each once');

# Events in and out, through files that the user who runs the server need not be able to read.
my $home = tempdir(CLEANUP => 1);
my $shell = q{'{"kinds":[1]}'};
($code, $output) = quickstart("export $shell > $home/notes.jsonl");
is($code, 0, 'an export');
my $notes = `grep -c . $home/notes.jsonl`;
cmp_ok($notes, '>', 100, '… of some notes');
is(system("grep -qv '\"kind\":1,' $home/notes.jsonl") >> 8, 1, '… and of nothing else');
($code, $output) = quickstart("import $home/notes.jsonl");
is($code, 0, 'an import');
like($output, qr/0 events new, @{[$notes + 0]} known, 0 left out, 0 refused/, '… of what is known already');
like(scalar `./quickstart import <$home/notes.jsonl 2>&1`, qr/0 events new, @{[$notes + 0]} known/, '… and from the standard input');

# The demo stays the one that it is.
($code, $output) = quickstart("--demo $home/notes.jsonl");
isnt($code, 0, 'a demo of made-up events takes no others');
like($output, qr/is of other events \(made-up events\)/, '… and says why');

is((quickstart('empty'))[0], 0, 'it deletes the archive');
ok(-e '.bigbrotr/src/bigbrotr_core.so', '… and keeps the build');
isnt((quickstart('status'))[0], 0, '… nothing is there');
($code, $output) = quickstart("--demo $home/notes.jsonl");
is($code, 0, 'then a demo of other events succeeds');
like($output, qr/holds @{[$notes + 0]} events.*@{[$notes + 0]} are archived, 0 missing/s, '… archives them');
is((quickstart('stop'))[0], 0, 'it stops');
($code, $output) = quickstart('--demo');
is($code, 0, 'and goes on without the name of the file');
is((quickstart($query))[1], "@{[$notes + 0]}|@{[$notes + 0]}\n", '… with these events, and no made-up ones beside them');

# An archive of relays says how many they are and how large it may become, before it reads.
is((quickstart('empty'))[0], 0, 'it deletes the demo');
($code, $output) = quickstart('ws://127.0.0.1:1');
isnt($code, 0, 'a relay that cannot be reached');
like($output, qr/^Relays whose history is read: 1\. At 10GB, about 13 million events, the workers stop\.\nTo change that, set bigbrotr\.max_database_size .*Relays that failed:/ms,
	'… but first the size at which the workers would stop');

is((quickstart('clean'))[0], 0, 'it cleans up');
ok(!-e '.bigbrotr', 'nothing is left');
isnt((quickstart('psql'))[0], 0, 'without an archive there is nothing to ask');

done_testing();

END
{
	local $?;
	quickstart('clean') if $mine && -e '.bigbrotr';
}
