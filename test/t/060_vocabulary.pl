# Test data through SQL: every nasty event has its verdict, every vector its result, and nothing but an
# error with an SQLSTATE of class 22 comes of rubbish.
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

my $json = JSON::PP->new->utf8;

sub slurp_json
{
	my ($name) = @_;
	my $file = shared_data($name) // source_directory() . "/test/data/$name";
	return -e $file ? $json->decode(PostgreSQL::Test::Utils::slurp_file($file)) : undef;
}

sub json_lines
{
	my ($name) = @_;
	my $file = shared_data($name) // source_directory() . "/test/data/$name";
	return unless -e $file;
	open my $in, '<', $file or die "$file: $!";
	return map { $json->decode($_) } <$in>;
}

sub utf8_bytes
{
	my ($text) = @_;
	utf8::encode($text);
	return $text;
}

my $node = PostgreSQL::Test::Cluster->new('vocabulary');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'bigbrotr'\nbigbrotr.databases = ''\nlog_statement = 'none'\n");
$node->start;
# The test data come in as hex: what is in them reaches the functions and nothing else.
$node->safe_psql('postgres', q{
	CREATE EXTENSION bigbrotr;
	CREATE TABLE cases (name text PRIMARY KEY, input bytea);
	CREATE FUNCTION error_of(statement text, input bytea) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE detail text; hint text;
	BEGIN
		EXECUTE statement USING input;
		RETURN '';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN CASE WHEN detail = '' OR hint = '' THEN 'bare ' ELSE '' END || SQLSTATE || ' ' || SQLERRM;
	END $$;
	CREATE FUNCTION as_text(input bytea) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		RETURN convert_from(input, 'UTF8');
	EXCEPTION WHEN character_not_in_repertoire THEN
		RETURN NULL;
	END $$;
});

sub load_cases
{
	my (%inputs) = @_;
	my $file = $node->basedir . '/cases';
	open my $out, '>', $file or die "$file: $!";
	print $out "$_\t\\\\x" . unpack('H*', $inputs{$_}) . "\n" for sort keys %inputs;
	close $out;
	$node->safe_psql('postgres', "TRUNCATE cases; COPY cases FROM '$file'");
	return;
}

sub rows
{
	my ($query) = @_;
	return map { my @columns = split /\|/, $_, -1; ($columns[0] => [ @columns[ 1 .. $#columns ] ]) }
	  split /\n/, $node->safe_psql('postgres', $query);
}

# Verdicts over events: name => { bytes, verdict }.
sub check_events
{
	my ($name, %cases) = @_;
	load_cases(map { $_ => $cases{$_}{bytes} } keys %cases);
	my %said = rows(q{
		SELECT name, bigbrotr.verify_event(input), bigbrotr.verify_event_reason(input),
		       coalesce(bigbrotr.verify_event_reason(as_text(input)), 'none'), as_text(input) IS NOT NULL,
		       error_of('SELECT bigbrotr.parse_event($1)', input)
		FROM cases});
	my @faults;
	for my $case (sort keys %cases)
	{
		my ($good, $reason, $text_reason, $is_text, $error) = @{ $said{$case} };
		my $verdict = $cases{$case}{verdict};
		push @faults, "$case is accepted" if $good eq 't' && $verdict eq 'reject';
		push @faults, "$case is refused: $reason" if $good eq 'f' && $verdict eq 'accept';
		push @faults, "$case: reason does not fit" if ($good eq 't') != ($reason eq '');
		push @faults, "$case: text says $text_reason, bytes say $reason"
		  if $is_text eq 't' && $text_reason ne ($reason || 'none');
		my $expected = $reason eq '' || $reason eq 'bad_signature' ? '' : "22P02 invalid Nostr event: $reason";
		push @faults, "$case: parse_event says \"$error\"" if $error ne $expected;
	}
	is(join("\n", @faults), '', "$name: " . keys(%cases) . ' cases');
	return;
}

if (my @nasty = json_lines('nasty-events.jsonl'))
{
	check_events('nasty events', map {
		$_->{name} => {
			bytes => defined $_->{input_b64} ? decode_base64($_->{input_b64}) : utf8_bytes($_->{input}),
			verdict => $_->{sheet} // $_->{verdict} }
	} @nasty);

	# The same rubbish into everything that reads text or jsonb.
	my @functions = map { "SELECT bigbrotr.$_" } split /\n\s*/, q{nip19_decode(as_text($1))
		nip19_reason(as_text($1))
		npub_decode(as_text($1))
		bolt11_amount(as_text($1))
		bolt11_reason(as_text($1))
		from_hex(as_text($1))
		relay_network(as_text($1))
		npub_encode($1)
		pow_bits($1)
		nip19_encode(as_text($1))
		nip19_encode('naddr', identifier => as_text($1), author => sha256('a'), kind => 1)
		nprofile_encode(sha256('a'), ARRAY[as_text($1)])
		public_key($1)
		sign_event(sha256('a'), 1, as_text($1))
		d_tag(as_text($1)::jsonb::bigbrotr.tags)
		tag_values(as_text($1)::jsonb::bigbrotr.tags, as_text($1))
		expiration((as_text($1)::jsonb -> 'tags')::bigbrotr.tags)
		tag_value((as_text($1)::jsonb -> 'tags')::bigbrotr.tags, 'e')
		canonical_json(sha256('a'), 1, 1, (as_text($1)::jsonb -> 'tags')::bigbrotr.tags, as_text($1))};
	my %errors = rows(q{SELECT n || ' ' || name, error_of(f, input) FROM cases, unnest(ARRAY['}
		  . join(q{','}, map { s/'/''/gr } @functions) . q{']) WITH ORDINALITY AS f (f, n)});
	is(scalar keys %errors, @functions * @nasty, 'nasty input into ' . @functions . ' functions');
	# The server's own jsonb refuses deep nesting with another class.
	my @odd = grep { $errors{$_}[0] !~ /^(?:|(?:bare )?22\w{3} .*|(?:bare )?54001 stack depth limit exceeded)$/s } sort keys %errors;
	is("@odd[0 .. ($#odd < 9 ? $#odd : 9)]", '', 'each answers or raises a data exception');
}

if (my $vectors = slurp_json('nostr-event-vectors.json'))
{
	my @vectors = @{ $vectors->{vectors} };
	check_events('event vectors', map {
		$_->{name} => { bytes => utf8_bytes($_->{raw}), verdict => $_->{valid} ? 'accept' : 'reject' }
	} @vectors);
	my %said = rows(q{
		SELECT c.name, encode(p.event_id, 'hex'), bigbrotr.pow_bits(p.event_id), p.raw = '',
		       CASE WHEN p.raw = '' THEN encode(convert_to(bigbrotr.canonical_json(p.pubkey, p.created_at, p.kind, p.tags, p.content), 'UTF8'), 'hex') END,
		       CASE WHEN p.raw = '' THEN encode(bigbrotr.event_id(p.pubkey, p.created_at, p.kind, p.tags, p.content), 'hex') END
		FROM cases AS c, bigbrotr.parse_event(c.input) AS p WHERE bigbrotr.verify_event(c.input)});
	my (@faults, $with_nul);
	for my $vector (grep { $_->{valid} } @vectors)
	{
		my ($id, $bits, $storable, $canonical, $computed) = @{ $said{ $vector->{name} } };
		push @faults, "$vector->{name}: id $id" if $id ne $vector->{id};
		push @faults, "$vector->{name}: $bits bits" if defined $vector->{leading_zero_bits} && $bits != $vector->{leading_zero_bits};
		push @faults, "$vector->{name}: raw" if ($storable eq 't') != ($vector->{pg_text_storable} // 1);
		$with_nul++, next if $storable eq 'f';
		push @faults, "$vector->{name}: canonical form" if $canonical ne unpack 'H*', utf8_bytes($vector->{serialized});
		push @faults, "$vector->{name}: event_id" if $computed ne $vector->{id};
	}
	is(join("\n", @faults), '', 'ids, canonical forms and proof of work of the vectors');
	cmp_ok($with_nul, '>', 0, 'some hold U+0000');
}

SKIP:
{
	my $vectors = slurp_json('nip19-vectors.json') or skip 'no nip19-vectors.json, see BIGBROTR_SHARED', 2;
	my @valid = @{ $vectors->{valid} };
	load_cases(map { $_ => utf8_bytes($valid[$_]{bech32}) } 0 .. $#valid);
	my %said = rows(q{
		SELECT c.name, d.type, encode(d.data, 'hex'), array_to_string(d.relays, ' '), encode(d.author, 'hex'), d.kind,
		       encode(convert_to(d.identifier, 'UTF8'), 'hex'), d.identifier IS NULL,
		       bigbrotr.nip19_encode(d.type, d.data, d.relays, d.author, d.kind, d.identifier, true)
		FROM cases AS c, bigbrotr.nip19_decode(convert_from(c.input, 'UTF8'), true) AS d});
	my @faults;
	for my $i (0 .. $#valid)
	{
		my $vector = $valid[$i];
		my ($type, $data, $relays, $author, $kind, $identifier, $unnamed, $again) = @{ $said{$i} };
		my %tlv = (1 => []);
		push @{ $tlv{ $_->[0] } }, $_->[2] for @{ $vector->{tlv} // [] };
		my $prefix = $vector->{prefix};
		my $named = $prefix eq 'naddr';
		my $expected_data = $named || $prefix eq 'nrelay' ? '' : $vector->{tlv} ? $tlv{0}[0] : $vector->{data_hex};
		my $expected_relays = join ' ', $prefix eq 'nrelay' ? @{ $tlv{0} } : @{ $tlv{1} };
		my $with_author = $named || $prefix eq 'nevent';
		push @faults, "$i: type $type" if $type ne $prefix;
		push @faults, "$i: data $data" if $data ne $expected_data;
		push @faults, "$i: relays $relays" if $relays ne $expected_relays;
		push @faults, "$i: author $author" if $author ne ($with_author && $tlv{2} ? $tlv{2}[0] : '');
		push @faults, "$i: kind $kind" if $kind ne ($with_author && $tlv{3} ? $tlv{3}[0] : '');
		push @faults, "$i: identifier" if ($unnamed eq 'f') != $named;
		push @faults, "$i: identifier $identifier" if $named && $identifier ne unpack 'H*', utf8_bytes($tlv{0}[0]);
		my $in_order = !grep { $_->[0] > 3 } @{ $vector->{tlv} // [] };
		$in_order &&= "@{[map { $_->[0] } @{ $vector->{tlv} // [] }]}" =~ /^0?( 1)*( 2)?( 3)?$/;
		push @faults, "$i: encoded as $again" if $in_order && $again ne lc $vector->{bech32};
	}
	is(join("\n", @faults), '', 'NIP-19: ' . @valid . ' valid vectors');

	my @invalid = @{ $vectors->{invalid} };
	load_cases(map { $_ => utf8_bytes($invalid[$_]{bech32}) } 0 .. $#invalid);
	%said = rows(q{
		SELECT name, bigbrotr.nip19_reason(convert_from(input, 'UTF8')),
		       error_of($$SELECT bigbrotr.nip19_decode(convert_from($1, 'UTF8'))$$, input) FROM cases});
	@faults = map { "$invalid[$_]{why}: @{$said{$_}}" }
	  grep { $said{$_}[0] eq '' || $said{$_}[1] ne "22P02 invalid NIP-19 text: $said{$_}[0]" } 0 .. $#invalid;
	is(join("\n", @faults), '', 'NIP-19: ' . @invalid . ' invalid vectors');
}

ok($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time() > now() - interval \'1 day\''), 'the server is there');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/was terminated by signal|PANIC/, 'and no process died');
$node->stop;
done_testing();
