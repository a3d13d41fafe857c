# What all benchmarks share: arguments and the line of JSON of a case.
package BenchReport;

use strict;
use warnings;
use Exporter 'import';
use JSON::PP;

our @EXPORT_OK = qw(median rounded);

# Whether --quick was given, and the cases that were, or all.
sub arguments
{
	my (@cases) = @_;
	my $quick = grep { $_ eq '--quick' } @ARGV;
	my @wanted = grep { $_ ne '--quick' } @ARGV;
	for my $name (@wanted)
	{
		die "no such case: $name (cases: @cases)\n" unless grep { $_ eq $name } @cases;
	}
	return ($quick, @wanted ? @wanted : @cases);
}

# runs: a list of [result, yardstick]. %more: further fields.
sub line
{
	my ($bench, $case, $unit, $digits, $runs, %more) = @_;
	my %line = (
		bench    => $bench,
		case     => $case,
		median   => rounded(median(map { $_->[0] } @$runs), $digits),
		unit     => $unit,
		baseline => rounded(median(map { $_->[1] } @$runs), $digits),
		ratio    => rounded(median(map { $_->[0] / $_->[1] } @$runs), 3),
		runs     => scalar @$runs,
		%more);
	my @fields = qw(bench case median unit baseline ratio runs);
	my %first = map { $_ => 1 } @fields;
	my @order = (@fields, grep { !$first{$_} } sort keys %more);
	my $json = JSON::PP->new->allow_nonref;
	$| = 1;
	print '{', join(', ', map { qq("$_": ) . $json->encode($line{$_}) } @order), "}\n";
	return;
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}

sub rounded
{
	my ($number, $digits) = @_;
	return 0 + sprintf "%.${digits}f", $number;
}

1;
