# Writes files in MaxMind's format (MaxMind DB file format specification, version 2.0), which say where IPv4 addresses are.
package MaxMindFile;

use strict;
use warnings;
use Exporter qw(import);
use Socket qw(inet_aton);

our @EXPORT_OK = qw(write_mmdb uint32 double);

# Numbers have a type; texts are plain scalars, maps and arrays are references.
sub uint32 { return bless [ 6, pack 'N', $_[0] ], 'MaxMindFile::Number' }
sub uint16 { return bless [ 5, pack 'n', $_[0] ], 'MaxMindFile::Number' }
sub uint64 { return bless [ 9, pack 'Q>', $_[0] ], 'MaxMindFile::Number' }
sub double { return bless [ 3, pack 'd>', $_[0] ], 'MaxMindFile::Number' }

# Sizes below 285 only.
sub control
{
	my ($type, $size) = @_;
	my $first = ($type > 7 ? 0 : $type) << 5;
	return pack('C', $first | ($size < 29 ? $size : 29)) . ($type > 7 ? pack('C', $type - 7) : '') . ($size < 29 ? '' : pack('C', $size - 29));
}

sub encoded
{
	my ($value) = @_;
	return control(2, length $value) . $value if !ref $value;
	return control($value->[0], length $value->[1]) . $value->[1] if ref $value eq 'MaxMindFile::Number';
	return control(11, scalar @$value) . join '', map { encoded($_) } @$value if ref $value eq 'ARRAY';
	return control(7, scalar keys %$value) . join '', map { encoded($_), encoded($value->{$_}) } sort keys %$value;
}

# File, then networks and what is known of them: '127.0.0.0/8' => {...}. None may hold another one. The file is replaced, not written over.
sub write_mmdb
{
	my ($path, %networks) = @_;
	my @nodes = ([]);
	my $data = '';
	for my $network (sort keys %networks)
	{
		my ($address, $length) = split m{/}, $network;
		my @bits = split //, substr unpack('B32', inet_aton($address)), 0, $length;
		my $last = pop @bits;
		my $node = 0;
		for my $bit (@bits)
		{
			if (!defined $nodes[$node][$bit]) { push @nodes, []; $nodes[$node][$bit] = $#nodes; }
			$node = $nodes[$node][$bit];
		}
		$nodes[$node][$last] = \(my $offset = length $data);
		$data .= encoded($networks{$network});
	}
	my $count = @nodes;
	# A record is the number of a node, the number of nodes (nothing), or an offset behind the tree's end of 16 bytes.
	my $record = sub { my ($to) = @_; return substr pack('N', ref $to ? $count + 16 + $$to : $to // $count), 1 };
	my $tree = join '', map { $record->($_->[0]), $record->($_->[1]) } @nodes;
	my $facts = encoded({ binary_format_major_version => uint16(2), binary_format_minor_version => uint16(0), build_epoch => uint64(1), database_type => 'test',
			description => { en => 'test' }, ip_version => uint16(4), languages => ['en'], node_count => uint32($count), record_size => uint16(24) });
	open my $file, '>:raw', "$path.new" or die "$path.new: $!";
	print $file $tree, "\0" x 16, $data, "\xab\xcd\xefMaxMind.com", $facts;
	close $file or die "$path.new: $!";
	rename "$path.new", $path or die "$path: $!";
	return length $tree;
}

1;
