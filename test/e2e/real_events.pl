# Real events, collected from public repositories, served by relay software that is not ours: all of them
# are archived, none twice, each byte-exact. What that software refuses is shown, and archived from a relay
# that takes everything. Without the collection a generated one is used.
# The relay software is slow where it is asked for many small windows.
BEGIN { $ENV{PG_TEST_TIMEOUT_DEFAULT} //= 900 }
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IPC::Open2 qw(open2);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $directory = PostgreSQL::Test::Utils::tempdir();
my $corpus = "$directory/events.jsonl";
my $collected = shared_data('events-valid.jsonl.gz');
note $collected ? 'events: the collection' : 'the collection is not there: generated events are used';
system($collected ? "gzip -dc '$collected' > '$corpus'" : "bigbrotr-corpus 5000 > '$corpus'") == 0
  or die 'no events';
my %lines = map { (/"id" *: *"([0-9a-f]{64})"/)[0] => $_ } split /\n/, slurp_file($corpus);

my $stub = relay_stub(file => $corpus, list => "$directory/truth.tsv");
my $relay_pid = open2(my $relay_out, undef, 'node', "$FindBin::RealBin/relay/relay.mjs", '--load', $corpus,
	'--refused', "$directory/refused.jsonl");
my $relay = decode_json(<$relay_out> // die 'the relay did not start');
END { kill 'TERM', $relay_pid if $relay_pid }

my @refused = map { decode_json($_) } grep { /\S/ } split /\n/, slurp_file("$directory/refused.jsonl");
my %reasons;
$reasons{ $_->{reason} }++ for @refused;
note "the relay software itself refused $reasons{$_}: $_" for sort keys %reasons;

my $node = archive_server('real_events');
load_truth($node, $stub);
add_relays($node, $relay->{url});
wait_for($node, q{count(*) = 1 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), keys(%lines) - @refused,
	'everything the relay software serves is archived, nothing twice');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events WHERE event_id NOT IN (SELECT event_id FROM truth)'),
	0, 'and nothing else');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.refusals'), 0, 'nothing of it was refused by us');

$node->safe_psql('postgres', "DELETE FROM truth WHERE url LIKE '%:$relay->{port}/%'");
add_relays($node, $stub->{urls}[0]);
wait_for($node, q{count(*) = 2 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), scalar(keys %lines), 'with the refused ones: all');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.sightings s JOIN bigbrotr.relays USING (relay_id) WHERE url = '
	  . "'$stub->{urls}[0]'"), scalar(keys %lines), 'all of them seen at the second relay');
is(unfounded_claims($node), 0, 'coverage claims only what is there');
is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.verify_references()'), '', 'all references hold');

# Exact to the byte: what is exported hashes to its id (by JavaScript's JSON, not by our code), signature included.
$node->safe_psql('postgres', "COPY (SELECT bigbrotr.event_json(e) FROM bigbrotr.events AS e) TO '$directory/exported.copy'");
my $verdict = `node $FindBin::RealBin/compare.mjs $directory/exported.copy $corpus`;
is($verdict, scalar(keys %lines) . " same\n", 'each exported event has its id and all its fields');

$node->stop;
done_testing();
