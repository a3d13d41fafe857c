# The README's first command, in this copy of the checkout: the demo ends with every event archived, is
# idempotent, goes on after a stop, and leaves nothing.
use strict;
use warnings;
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

my ($code, $output) = quickstart('--demo');
is($code, 0, 'the demo succeeds');
my ($held) = $output =~ /holds (\d+) events/;
cmp_ok($held, '>=', 1000, 'the relay holds events');
like($output, qr/$held are archived, 0 missing/, 'all of them are archived');
like($output, qr/replies \| reposts/, 'a query is shown');

my $query = q{psql -Atc "SELECT count(*), count(DISTINCT event_id) FROM bigbrotr.events"};
is((quickstart($query))[1], "$held|$held\n", 'none is there twice');
like((quickstart('status'))[1], qr/synchronizer *\| *running/, 'the status shows the services');

($code, $output) = quickstart('ws://127.0.0.1:1');
isnt($code, 0, 'a demo archive takes no other relays');
like($output, qr/of another kind/, '… and says why');

($code, $output) = quickstart('--demo');
is($code, 0, 'a second run succeeds');
unlike($output, qr/Creating|Filling/, '… and makes nothing anew');

is((quickstart('stop'))[0],   0, 'it stops');
isnt((quickstart('status'))[0], 0, 'then the status says that it does not run');
($code, $output) = quickstart('--demo');
is($code, 0, 'it starts again');
like($output, qr/$held are archived, 0 missing/, '… with all events');
is((quickstart($query))[1], "$held|$held\n", '… each once');

is((quickstart('clean'))[0], 0, 'it cleans up');
ok(!-e '.bigbrotr', 'nothing is left');
isnt((quickstart('psql'))[0], 0, 'without an archive there is nothing to ask');

done_testing();

END
{
	local $?;
	quickstart('clean') if $mine && -e '.bigbrotr';
}
