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

# Longer lists are refused before anything is looked up.
my (undef, undef, $errors) = $node->psql('postgres', 'SELECT bigbrotr.known_events(ids || ids || ids) FROM lists');
like($errors, qr/argument 1 of bigbrotr.known_events has 300000 elements.*A list may have 100000 elements.*Call the function several times/s, 'a list that is too long is refused');

$node->stop;
done_testing();
