# NIP-42 with relay software that is not ours: it shows direct messages only to their reader, once that reader has signed in.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IPC::Open2 qw(open2);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $reader = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'; # of the secret key 1
my $directory = PostgreSQL::Test::Utils::tempdir();
append_to_file("$directory/key", '0' x 63 . "1\n");
chmod 0600, "$directory/key" or die "chmod: $!";
system("bigbrotr-corpus 300 | grep -v '\"kind\": *4,' > '$directory/events.jsonl'") == 0 or die 'no events';
system("node '$FindBin::RealBin/relay/direct-messages.mjs' $reader 7 >> '$directory/events.jsonl'") == 0 or die 'no messages';

my $relay_pid = open2(my $relay_out, undef, 'node', "$FindBin::RealBin/relay/relay.mjs", '--load', "$directory/events.jsonl",
	'--hostname', '127.0.0.1');
my $relay = decode_json(<$relay_out> // die 'the relay did not start');
END { kill 'TERM', $relay_pid if $relay_pid }
my $kept = $relay->{events} - 14;

my $node = archive_server('sign_in', 'bigbrotr.key_file' => "$directory/key");
add_relays($node, $relay->{url});
my $messages = "SELECT count(*) FROM bigbrotr.events WHERE kind = 4";
my $answer = sub {
	my ($signed_in) = @_;
	return $node->safe_psql('postgres', "SELECT answer FROM bigbrotr.completeness('$relay->{url}', '{}', '2015-01-01',
		now() - interval '4 days', signed_in => $signed_in)");
};

wait_for($node, q{count(*) = 1 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), $kept, 'what it shows to anybody is archived');
is($node->safe_psql('postgres', $messages), 0, 'direct messages are not among it');
is($answer->('true'), 'not known', 'what it shows to a reader who signs in is not known');
is($node->safe_psql('postgres', "SELECT count(*) FROM bigbrotr.coverage WHERE NOT 'auth' = ANY (doubts)"), 0,
	'and each claim says that the relay may have shown a part');

$node->safe_psql('postgres', "SELECT bigbrotr.authenticate_at('$relay->{url}')");
wait_for($node, q{count(*) = 1 FROM _bigbrotr.relay_sync WHERE phase = 'live' AND reader = 1});
is($node->safe_psql('postgres', $messages), 7, 'signed in: the messages to this reader, not those to another one');
like($answer->('true'), qr/^(read|proven)$/, 'which is claimed');
is($node->safe_psql('postgres', "SELECT count(*) FROM bigbrotr.coverage WHERE reader = 1 AND 'auth' = ANY (doubts)"), 0,
	'without that doubt');

$node->stop;
done_testing();
