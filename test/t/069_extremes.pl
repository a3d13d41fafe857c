# Events at the edges of what NIP-01 allows are stored and found again, whichever way they come in: by id, by
# author, by kind, by tag and by time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my @ways = qw(insert_event insert_events_batch insert_verified_events import);
my $node = archive_server('extremes');
for my $way (@ways)
{
	$node->safe_psql('postgres', "CREATE DATABASE $way");
	create_archive($node, $way);
}
my $made = $node->basedir . '/events.jsonl';

# name: tags, content, kind, created_at
my %extremes = (
	'a tag value of 60 kB'          => [ q{jsonb_build_array(jsonb_build_array('t', repeat('x', 61440)))}, q{''}, 1, 1700000000 ],
	'another one, at its end'       => [ q{jsonb_build_array(jsonb_build_array('t', repeat('x', 61439) || 'y'))}, q{''}, 1, 1700000001 ],
	'an identifier of 60 kB'        => [ q{jsonb_build_array(jsonb_build_array('d', repeat(E'\u00e9', 30720)))}, q{''}, 30023, 1700000002 ],
	'5000 tags'                     => [ q{(SELECT jsonb_agg(ARRAY['t', 'tag ' || n]) FROM generate_series(1, 5000) AS n)}, q{''}, 1, 1700000003 ],
	'a tag of 5000 items'           => [ q{(SELECT jsonb_build_array(jsonb_agg(n::text)) FROM generate_series(1, 5000) AS n)}, q{''}, 1, 1700000004 ],
	'empty names and values'        => [ q{'[[""], ["", ""], ["t", ""], ["t"]]'::jsonb}, q{''}, 1, 1700000005 ],
	'900 kB of content'             => [ q{'[]'::jsonb}, q{repeat(E'\U0001F600', 225000)}, 65535, 1700000006 ],
	'the end of time'               => [ q{'[["t", "end"]]'::jsonb}, q{''}, 1, '9223372036854775807' ],
	'a second before'               => [ q{'[["t", "end"]]'::jsonb}, q{''}, 1, '9223372036854775806' ],
	'milliseconds'                  => [ q{'[]'::jsonb}, q{''}, 0, '1700000000000' ],
	'the beginning of time'         => [ q{'[]'::jsonb}, q{''}, 0, 0 ]);
my $key = 0;
$node->safe_psql('postgres', join "\n", q{CREATE TABLE made (name text, json text);},
	map { $key++; "INSERT INTO made SELECT '$_', bigbrotr.sign_event(sha256('author $key'), $extremes{$_}[2], $extremes{$_}[1], ($extremes{$_}[0])::bigbrotr.tags, $extremes{$_}[3]);" }
	sort keys %extremes);
append_to_file($made, join '', map { pack('H*', $_) . "\n" } split /\n/, $node->safe_psql('postgres', q{SELECT encode(convert_to(json, 'UTF8'), 'hex') FROM made}));

sub fill
{
	my ($way, $statement) = @_;
	$node->safe_psql($way, qq{
		CREATE TABLE lines (json text);
		COPY lines FROM '$made' (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02');
		CREATE TABLE made AS SELECT p.* FROM lines AS l, bigbrotr.parse_event(l.json) AS p;
		$statement});
	return;
}

fill('insert_event', q{SELECT bigbrotr.insert_event(event_id, pubkey, created_at, kind, tags, content, sig, 'wss://r.example.com', NULL, 1, 1) FROM made});
fill('insert_events_batch', q{
	SELECT bigbrotr.insert_events_batch(array_agg(to_jsonb(m) || jsonb_build_object('relay_url', 'wss://r.example.com', 'relay_inserted_at', 1, 'seen_at', 1))) FROM made AS m});
fill('insert_verified_events', q{
	SELECT _bigbrotr.insert_verified_events(array_agg(event_id), array_agg(pubkey), array_agg(created_at), array_agg(kind), array_agg(tags::text), array_agg(content),
		array_agg(sig), array_agg(raw), '{}', '{}', '{}', 1) FROM made});
fill('import', "CALL bigbrotr.import_events('$made')");
is_found($_) for @ways;

my $stub = relay_stub(file => $made);
add_relays($node, $stub->{urls}[0]);
wait_for($node, q{count(*) = 1 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
$node->safe_psql('postgres', q{
	ALTER TABLE made RENAME TO lines;
	CREATE TABLE made AS SELECT p.* FROM lines AS l, bigbrotr.parse_event(l.json) AS p});
is_found('postgres');

$node->stop;
done_testing();

# Each event alone is the answer to what asks for it; and all go out as they came in.
sub is_found
{
	my ($way) = @_;
	my $by = sub {
		my ($what, $filter, $which) = @_;
		is($node->safe_psql($way, qq{
			SELECT count(*) FROM made AS m WHERE $which AND ARRAY[m.event_id] IS DISTINCT FROM
				ARRAY(SELECT q.event_id FROM bigbrotr.query_events(jsonb_build_object($filter)) AS q)}), '0', "$way: found by $what");
	};
	$by->('id', q{'ids', jsonb_build_array(bigbrotr.to_hex(m.event_id))}, 'true');
	$by->('author', q{'authors', jsonb_build_array(bigbrotr.to_hex(m.pubkey))}, 'true');
	$by->('time', q{'since', m.created_at, 'until', m.created_at}, 'true');
	$by->('kind and time', q{'kinds', jsonb_build_array(m.kind), 'since', m.created_at, 'until', m.created_at}, 'true');
	$by->('a tag value of 60 kB', q{'#t', jsonb_build_array(bigbrotr.tag_value(m.tags, 't'))}, q{octet_length(bigbrotr.tag_value(m.tags, 't')) > 60000});
	$by->('an identifier of 60 kB', q{'#d', jsonb_build_array(bigbrotr.d_tag(m.tags))}, q{octet_length(bigbrotr.d_tag(m.tags)) > 60000});
	$by->('the last of 5000 tags', q{'#t', '["tag 5000"]'::jsonb}, q{'tag 5000' = ANY (bigbrotr.tag_values(m.tags, 't'))});
	$by->('an empty value', q{'#t', '[""]'::jsonb}, q{'' = ANY (bigbrotr.tag_values(m.tags, 't'))});
	is($node->safe_psql($way, q{SELECT string_agg(created_at::text, ' ') FROM bigbrotr.query_events('{"#t": ["end"]}')}),
		'9223372036854775807 9223372036854775806', "$way: in order at the end of time");
	is($node->safe_psql($way, q{SELECT count(*) FROM bigbrotr.query_events('{"since": 1700000007}')}), '3', "$way: found by since");
	is($node->safe_psql($way, q{SELECT count(*) FROM bigbrotr.events_as_published AS e
		WHERE bigbrotr.event_matches(e, '{"#t": ["tag 1"]}') OR bigbrotr.event_matches(e, '{"until": 0}')}), '2', "$way: found by a condition");
	my $file = $node->basedir . "/$way.jsonl";
	$node->safe_psql($way, "COPY (SELECT e FROM bigbrotr.export_events() AS e) TO '$file' (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')");
	is(join("\n", sort split /\n/, slurp_file($file)) eq join("\n", sort split /\n/, slurp_file($made)), 1, "$way: exported as they were made, to the byte");
	is($node->safe_psql($way, q{SELECT * FROM bigbrotr.verify_statistics()}), '', "$way: counted exactly");
	return;
}
