# Functions that take lists end when they are told to, in the middle of a list: seen by how many look-ups were made.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = archive_server('interrupts', 'bigbrotr.databases' => '');
my $most = 100_000;
$node->safe_psql('postgres', qq{
	SELECT bigbrotr.add_relay('wss://r1.example.com');
	CREATE TABLE lists AS SELECT array_agg(sha256(n::text::bytea)) AS ids, array_agg(1) AS relays, array_agg(1::bigint) AS ats FROM generate_series(1, $most) AS n});

# The longest list, with time for a part of it: each look-up reads the index of events, which is not empty.
$node->safe_psql('postgres', q{
	INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
	SELECT sha256(n::text::bytea), sha256('author'), 1, 1, '[]', '', sha256('a') || sha256('b'), 1 FROM generate_series(1, 1000) AS n});
my %calls = (
	known_events     => 'bigbrotr.known_events(ids)',
	hold_events      => '_bigbrotr.hold_events(ids)',
	insert_sightings => '_bigbrotr.insert_sightings(ids, relays, ats)');
for my $name (sort keys %calls)
{
	my $before = look_ups();
	my (undef, undef, $errors) = $node->psql('postgres', qq{
		SET application_name = 'interrupted';
		SET bigbrotr.procedure_timeout = '10ms';
		SELECT _bigbrotr.limit_time('procedure'), $calls{$name} FROM lists});
	like($errors, qr/canceling statement due to statement timeout/, "$name is cancelled");
	my $made = look_ups() - $before;
	cmp_ok($made, '<', $most, "after $made of $most look-ups");
}

# Once the session is gone, all that it did is counted.
sub look_ups
{
	wait_for($node, q{NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'interrupted')});
	return $node->safe_psql('postgres', q{SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'events_pkey'});
}

# Each key is compared with each range, a hundred billion times: that takes longer than the statement may, which has the time to
# begin on a busy machine. Sequences remember, also if the statement is cancelled, that the comparison began, and that it came to
# its end.
$node->safe_psql('postgres', qq{
	CREATE SEQUENCE begun;
	CREATE SEQUENCE ended;
	CREATE TABLE keys AS SELECT array_agg(1::bigint) AS keys FROM generate_series(1, 10 * $most);
	CREATE TABLE ranges AS SELECT array_agg(2::bigint) AS ranges FROM lists, unnest(ats || ats)});
my (undef, undef, $cancelled) = $node->psql('postgres', q{
	SET statement_timeout = '5s';
	SELECT nextval('begun') > 0 AND (_bigbrotr.tag_keys_match(keys, ranges) OR nextval('ended') > 0) FROM keys, ranges});
like($cancelled, qr/canceling statement due to statement timeout/, 'tag_keys_match is cancelled');
is($node->safe_psql('postgres', 'SELECT b.is_called, e.is_called FROM begun AS b, ended AS e'), 't|f', 'between two keys');

# Longer lists are refused before anything is looked up.
my %longer = (
	'argument 1 of bigbrotr.known_events' => 'bigbrotr.known_events(ids || ids || ids)',
	'the list of ranges of tag keys' => '_bigbrotr.tag_keys_match(ats, ats || ats || ats || ats || ats || ats)',
	'argument 3 of _bigbrotr.tag_matches' => q{_bigbrotr.tag_matches('[]', 'e', (ats || ats || ats)::text[])},
	'argument 3 of bigbrotr.nip19_encode' => q{bigbrotr.nip19_encode('nprofile', ids[1], (ats || ats || ats)::text[])});
for my $list (sort keys %longer)
{
	my (undef, undef, $errors) = $node->psql('postgres', "SELECT $longer{$list} FROM lists");
	like($errors, qr/\Q$list\E has 300000 elements.*A list may have 100000 elements.*Call the function several times/s, "$list: one that is too long is refused");
}

$node->stop;
done_testing();
