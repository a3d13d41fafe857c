# Events with U+0000, which neither text nor tags can hold: archived, readable, and exported exactly.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

my $data = source_directory() . '/test/data';
my @nasty = grep { $_->{verdict} eq 'accept' && ($_->{input} // '') =~ /u0000/ }
  map { JSON::PP::decode_json($_) } split /\n/, slurp_file("$data/nasty-events.jsonl");
my @vectors = grep { $_->{name} =~ /^(nul-in-content|all-c0-controls|tricky-characters)$/ }
  @{ JSON::PP::decode_json(slurp_file("$data/nostr-event-vectors.json"))->{vectors} };
my @given = map { JSON::PP->new->decode($_) } (map { $_->{input} } @nasty), (map { $_->{raw} } @vectors);
is(scalar(@given), 6, 'the test data is there');

my $file = PostgreSQL::Test::Utils::tempdir() . '/events.jsonl';
append_to_file($file, join '', map { JSON::PP->new->ascii->encode($_) . "\n" } @given);
my $stub = relay_stub(file => $file);
my $node = archive_server('nul');
add_relays($node, $stub->{urls}[0]);
wait_for($node, q{count(*) = 1 FROM _bigbrotr.relay_sync WHERE phase = 'live'});

for my $event (@given)
{
	my $row = sub {
		my ($what) = @_;
		return $node->safe_psql('postgres', "SELECT $what FROM bigbrotr.events AS e WHERE event_id = '\\x$event->{id}'");
	};
	my $nul = JSON::PP->new->ascii->encode($event) =~ /\\u0000/;
	my $json = $row->('bigbrotr.event_json(e)');
	is_deeply(JSON::PP::decode_json($json), $event, 'the exported event is the one that was served');
	is(canonical_id($json), $event->{id}, 'and hashes to its id');
	is($row->(q{raw <> ''}), $nul ? 't' : 'f', 'its text is kept only if there is no other way');
	(my $content = $event->{content}) =~ tr/\0/\x{FFFD}/;
	is($row->(q{encode(convert_to(content, 'UTF8'), 'hex')}), unpack('H*', encode_utf8($content)), 'the content is readable');
	my $tags = [ map { [ map { tr/\0/\x{FFFD}/r } @$_ ] } @{ $event->{tags} } ];
	is_deeply(JSON::PP::decode_json($row->('tags')), $tags, 'so are the tags');
}

$node->stop;
done_testing();
