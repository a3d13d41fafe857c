# Where relays are named in an event: the slow way, for comparison with bigbrotr.relay_mentions. It takes decoded JSON
# and returns [place, name, lenient] for each name, as it stands, in any order and as often as it stands there.
package RelayReference;

use strict;
use warnings;
use Encode qw(encode_utf8);
use Exporter 'import';
use JSON::PP ();

our @EXPORT_OK = qw(named_relays);

my $json = JSON::PP->new->allow_nonref->max_depth(64);
my %opaque = map { $_ => 1 } qw(imeta description request bolt11 content proxy);
my %cipher = map { $_ => 1 } qw(4 13 443 444 445 1059 1234 7375 7376 17375 21059 23194 23195 24133 31234);
my %event_kind = map { $_ => 1 } 443, 1068, 9041, 9734, 30311, 30312, 30313, 30617, 31990, 34550, 5000 .. 5999;
my %list_kind = map { $_ => 1 } 30002, 10000 .. 10005, 10007 .. 19999;
my %r_place = (10002 => 'relay_list', 10009 => 'list', 30002 => 'list', 37516 => 'event', map { $_ => 'monitor' } 30166, 1066, 30066, 10066);

# What ends a URL in a text.
my $stop = qr/[\x00-\x20\x7f-\xa0"'`<>)\]\}\\\xab\xbb\x{2000}-\x{200f}\x{2018}-\x{201f}\x{2028}-\x{202f}\x{205f}-\x{2069}\x{3000}-\x{303f}\x{feff}\x{ff01}-\x{ff0f}\x{ff1a}-\x{ff20}\x{ff3b}-\x{ff40}\x{ff5b}-\x{ff65}]/;

sub named_relays
{
	my ($event) = @_;
	return (tags_of($event, 0), content_of($event->{kind}, $event->{content}, 0));
}

# The place of a value that can be nothing but a relay.
sub place_of
{
	my ($kind, $name, $n, @values) = @_;
	my $job = $kind >= 5000 && $kind <= 5999;
	if ($name eq 'relays' || ($name eq 'relay' && $n == 1))
	{
		return $kind == 10006 ? 'blocked' : $list_kind{$kind} ? 'list' : $event_kind{$kind} ? 'event' : undef;
	}
	return $r_place{$kind} if $name eq 'r' && $n == 1 && $r_place{$kind};
	return 'monitor' if $name eq 'd' && $n == 1 && ($r_place{$kind} // '') eq 'monitor';
	return 'list' if $name eq 'g' && $n == 1 && $kind == 10317;
	return 'list' if $name eq 'group' && $n == 2 && $kind == 10009;
	return 'event' if $name =~ /^[0-9]+:/ && $n == 2 && $kind == 10040;
	return 'event' if $name eq 'i' && $n == 3 && $job;
	return 'event' if $name eq 'param' && $n >= 2 && $job && $values[0] =~ /^relays?$/;
	return;
}

sub tags_of
{
	my ($event, $depth) = @_;
	my $kind = $event->{kind};
	my @found;
	for my $tag (@{ $event->{tags} })
	{
		my ($name, @values) = @$tag;
		push @found, embedded($values[0], $depth)
		  if @values && (($kind == 9735 && $name eq 'description') || ($kind >= 6000 && $kind <= 6999 && $name eq 'request'));
		next if $opaque{$name};
		for my $n (1 .. @values)
		{
			my $value = $values[ $n - 1 ];
			next if $value eq '' || $value =~ /^[0-9a-f]{64}\z/;
			my $place = place_of($kind, $name, $n, @values);
			if ($place) { push @found, [ $place, $value, 1 ] }
			elsif ($kind == 30617 && $name eq 'clone' && $value =~ m{^https://([^/]*).*/npub1.*\.git\z}s) { push @found, [ 'event', "wss://$1", 0 ] }
			elsif ($value =~ m{^[^\x21\x23-\x26\x28-\x2b\x2d-\x3a\x3d\x3f-\x5f\x61-\x7e]*wss?://}i && length(encode_utf8($value)) <= 2048) { push @found, [ 'hint', $value, 0 ] }
		}
	}
	$_->[0] = 'embedded' for grep { $depth > 0 } @found;
	return @found;
}

# An event as JSON inside of another one: an empty list if it is none.
sub embedded
{
	my ($text, $depth) = @_;
	return if $depth >= 2;
	my $event = eval { $json->decode($text) };
	return unless ref $event eq 'HASH' && %$event;
	my $kind = ($event->{kind} // '') =~ /^[0-9]{1,5}\z/ ? $event->{kind} : 0;
	my $tags = ref $event->{tags} eq 'ARRAY' ? $event->{tags} : [];
	$tags = [] if grep { ref $_ ne 'ARRAY' || !@$_ || grep { ref || !defined } @$_ } @$tags;
	my $content = ref $event->{content} || !defined $event->{content} ? '' : $event->{content};
	# The empty name says that there was an event.
	return ([ '', '', 0 ], tags_of({ kind => $kind, tags => $tags }, $depth + 1), content_of($kind, $content, $depth + 1));
}

sub content_of
{
	my ($kind, $content, $depth) = @_;
	return if $content eq '' || $cipher{$kind};
	return [ 'recommended', $content, 1 ] if $kind == 2;
	if ($kind == 3 || $kind == 40 || $kind == 41)
	{
		my $value = eval { $json->decode($content) };
		if (!$@)
		{
			return if ref $value ne 'HASH';
			return map { [ 'contacts', $_, 1 ] } keys %$value if $kind == 3;
			return map { [ 'event', $_, 1 ] } grep { defined && !ref } @{ ref $value->{relays} eq 'ARRAY' ? $value->{relays} : [] };
		}
	}
	if ($kind == 6 || $kind == 16)
	{
		my @found = embedded($content, $depth);
		return @found if @found;
	}
	return text_of($content);
}

sub text_of
{
	my ($text) = @_;
	my @found;
	while ($text =~ m{([A-Za-z][A-Za-z0-9+.-]*)://((?:\[[^\]]*\]?)?(?:(?!$stop).)*)}gs)
	{
		my ($scheme, $rest) = (lc $1, $2);
		pos($text) -= length $rest unless $scheme =~ /^(?:wss?|bunker|nostrconnect|nostr\+walletconnect|nostr)\z/;
		$rest =~ s/[.,;:!?]+\z//;
		next if $rest eq '';
		if ($scheme =~ /^wss?\z/) { push @found, [ 'text', "$scheme://$rest", 0 ] }
		elsif ($scheme eq 'nostr') { push @found, [ 'connection', unescaped($1), 1 ] if $rest =~ m{^[^/]*/([^/]*)/} }
		elsif ($scheme =~ /^(?:bunker|nostrconnect|nostr\+walletconnect)\z/ && $rest =~ /\?(.*)/s)
		{
			push @found, map { [ 'connection', unescaped($_), 0 ] } map { /^relay=(.*)/s } split /&/, $1;
		}
	}
	while ($text =~ /(?<![A-Za-z0-9])(nprofile1|nevent1|naddr1|nrelay1)([A-Za-z0-9]*)/gi)
	{
		my $prefix = lc $1;
		push @found, map { [ 'nip19', $_, $prefix eq 'nrelay1' ? 1 : 0 ] } relays_of("$1$2");
	}
	return @found;
}

sub unescaped
{
	my ($text) = @_;
	$text = encode_utf8($text) =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
	utf8::decode($text);
	return $text;
}

# Relays of a NIP-19 text: bech32, then items of type, length, value.
sub relays_of
{
	my ($text) = @_;
	return if length $text > 5000 || ($text =~ /[a-z]/ && $text =~ /[A-Z]/);
	my ($prefix, $data) = (lc $text) =~ /^([a-z]+)1([a-z0-9]*)\z/ or return;
	my %value;
	@value{ split //, 'qpzry9x8gf2tvdw0s3jn54khce6mua7l' } = 0 .. 31;
	my @words = map { $value{$_} // return } split //, $data;
	my $sum = 1;
	for my $v ((map { ord($_) >> 5 } split //, $prefix), 0, (map { ord($_) & 31 } split //, $prefix), @words)
	{
		my $top = $sum >> 25;
		$sum = ($sum & 0x1ffffff) << 5 ^ $v;
		my $bit = 0;
		$sum ^= $top >> $bit++ & 1 ? $_ : 0 for 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3;
	}
	return if $sum != 1 || @words < 6;
	my $bits = join '', map { sprintf '%05b', $_ } @words[ 0 .. $#words - 6 ];
	return if length($bits) % 8 > 4 || substr($bits, length($bits) - length($bits) % 8) =~ /1/;
	my $bytes = pack 'B*', substr($bits, 0, length($bits) - length($bits) % 8);
	my (@relays, %seen);
	while ($bytes ne '')
	{
		my ($type, $size) = unpack 'CC', $bytes;
		return if !defined $size || length $bytes < 2 + $size;
		my $item = substr $bytes, 2, $size;
		$bytes = substr $bytes, 2 + $size;
		my $is_relay = $prefix eq 'nrelay' ? $type == 0 : $type == 1;
		if ($is_relay) { return if $item =~ /[^ -~]/; push @relays, $item }
		elsif ($type == 0) { return if $seen{0}++ || ($prefix ne 'naddr' && $size != 32) }
		elsif ($type == 2 && $prefix =~ /^(?:nevent|naddr)$/) { return if $seen{2}++ || $size != 32 }
		elsif ($type == 3 && $prefix =~ /^(?:nevent|naddr)$/) { return if $seen{3}++ || $size != 4 || unpack('N', $item) > 65535 }
	}
	return if $prefix eq 'nrelay' ? @relays != 1 : !$seen{0};
	return if $prefix eq 'naddr' && !($seen{2} && $seen{3});
	return @relays;
}

1;
