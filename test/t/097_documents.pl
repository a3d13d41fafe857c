# The collection of real and made NIP-11 documents, each served by a relay: none does harm, the typed columns hold what has
# the right type, and the whole document is kept. What is expected is computed here from the files.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use File::Basename qw(dirname);
use JSON::PP ();
use PostgreSQL::Test::Utils;
use RelayFarm;
use Test::More;

my $index = shared_data('nip11/index.jsonl');
plan skip_all => 'the shared test data (nip11/) is not there' unless $index;
my $json = JSON::PP->new->utf8->allow_nonref->allow_bignum->canonical;
my @entries = map { $json->decode($_) } split /\n/, slurp_file($index);
my @files = map { dirname($index) . "/$_->{file}" } @entries;

chomp(my $libraries = `pg_config --pkglibdir`);
my $farm = RelayFarm->start(RelayFarm::folder_of('bigbrotr-farm'), relays => scalar @files, kinds => 'healthy', documents => join ',', @files);
my $node = archive_server('documents', 'bigbrotr.services' => 'initializer, monitor', 'bigbrotr.politeness' => 'sweep', $farm->settings($libraries));
$node->safe_psql('postgres', $farm->load_truth);
$node->safe_psql('postgres', 'SELECT count(bigbrotr.add_relay(url)) FROM public.truth');
wait_for($node, 'count(*) = ' . @files . q{ FROM bigbrotr.relay_status WHERE status = 'online'});
is($node->safe_psql('postgres', q{SELECT bigbrotr.service_stats('monitor') -> 'custom' ->> 'net_restarts'}), '0', 'no document does harm');

my %found = %{ $json->decode($node->safe_psql('postgres', q{
	SELECT json_object_agg(r.url, json_build_object('present', k.nip11_present, 'error', s.step ->> 'error', 'document', d.document::text, 'nips', d.supported_nips,
		'fields', json_build_object('name', d.name, 'description', d.description, 'pubkey', d.pubkey, 'contact', d.contact, 'software', d.software, 'version', d.version)))
	FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_checks AS k USING (relay_id) LEFT JOIN _bigbrotr.nip11_documents AS d USING (nip11_id)
	JOIN (SELECT relay_id, jsonb_array_elements(story) AS step FROM _bigbrotr.relay_stories) AS s ON s.relay_id = r.relay_id AND s.step ->> 'step' = 'document'})) };

# Numbers that fit into no type of the machine are kept as texts.
sub with_texts
{
	my ($bytes) = @_;
	return $bytes =~ s/(?<=[\[,: ])(\d{19,}|1e400)(?=[\],} ])/$1 eq '1e400' || length $1 > 19 || $1 gt '9223372036854775807' ? "\"$1\"" : $1/ger;
}

# Texts as they are kept: jsonb cannot hold U+0000, nor half a pair of surrogates.
sub kept
{
	my ($value) = @_;
	return [ map { kept($_) } @$value ] if ref $value eq 'ARRAY';
	return { map { kept($_) => kept($value->{$_}) } keys %$value } if ref $value eq 'HASH';
	return $value if ref $value || !defined $value;
	return $value =~ s/[\0\x{d800}-\x{dfff}]/\x{fffd}/gr;
}

# A string or a number as text; undef: of another type.
sub as_text
{
	my ($value) = @_;
	return undef if JSON::PP::is_bool($value) || ref $value eq 'ARRAY' || ref $value eq 'HASH';
	return defined $value ? kept("$value") : undef;
}

sub nips
{
	my ($value) = @_;
	my @whole = grep { ref $_ ne 'Math::BigFloat' } ref $value eq 'ARRAY' ? @$value : ();
	my %numbers = map { 0 + $_ => 1 } grep { defined && /^[0-9]{1,5}$/ && $_ <= 65535 } map { as_text($_) } @whole;
	my @sorted = sort { $a <=> $b } keys %numbers;
	splice @sorted, 1000 if @sorted > 1000;    # the lowest ones are kept
	return @sorted ? join(',', @sorted) : 'none';
}

my ($objects, $refused, @wrong) = (0, 0);
my @urls = $farm->urls;
for my $i (0 .. $#entries)
{
	my ($name, $got) = ($entries[$i]{file}, $found{ $urls[$i] });
	my $bytes = slurp_file($files[$i]);
	if ($entries[$i]{document} ne 'object' || length $bytes > 65536)
	{
		$refused++;
		push @wrong, "$name: a document is kept" if defined $got->{document};
		push @wrong, "$name: nothing says why not" unless $got->{error};
		next;
	}
	$objects++;
	if (!defined $got->{document})
	{
		push @wrong, "$name: refused, $got->{error}";
		next;
	}
	my $document = eval { $json->decode(with_texts($bytes)) };
	if (!$document)
	{
		note "$name: Perl cannot read it";
		next;
	}
	my $expected = $json->encode(kept($document));
	my $stored = $json->encode($json->decode(do { my $text = $got->{document}; utf8::encode($text); $text }));
	push @wrong, "$name: the document is " . substr($stored, 0, 300) . "\nnot " . substr($expected, 0, 300) if $stored ne $expected;
	for my $field (sort keys %{ $got->{fields} })
	{
		my ($is, $should) = map { $_ // '(null)' } $got->{fields}{$field}, as_text($document->{$field});
		push @wrong, "$name: $field is " . substr($is, 0, 60) . ', not ' . substr($should, 0, 60) if $is ne $should;
	}
	my $nips = $got->{nips} ? join(',', @{ $got->{nips} }) : 'none';
	push @wrong, "$name: NIPs $nips, not " . nips($document->{supported_nips}) if $nips ne nips($document->{supported_nips});
}
is(join("\n", @wrong), '', 'all documents');
is($objects + $refused, 204, 'there are 204 of them');
cmp_ok($objects, '>=', 150, 'most are objects');
$node->stop;
done_testing();
