# What all benchmarks share: arguments and the line of JSON of a case.
package BenchReport;

use strict;
use warnings;
use Against;
use Exporter 'import';
use JSON::PP;

our @EXPORT_OK = qw(median percentile rounded);

# Whether --quick was given, and the cases that were, or all. With --against this process only drives
# the runs of both sides, and ends here.
sub arguments
{
	my (@cases) = @_;
	my $quick = grep { $_ eq '--quick' } @ARGV;
	my @wanted = grep { $_ ne '--quick' } @ARGV;
	for my $name (@wanted)
	{
		die "no such case: $name (cases: @cases)\n" unless grep { $_ eq $name } @cases;
	}
	@wanted = @cases unless @wanted;
	if ($ENV{BENCH_AGAINST})
	{
		Against::drive($0, runs($quick ? 2 : 5), [ $quick ? '--quick' : () ], @wanted);
		exit;
	}
	return ($quick, @wanted);
}

# How often a case runs by default.
sub runs
{
	my ($usual) = @_;
	return $ENV{BENCH_RUNS} // $usual;
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
	print_line(\%line, qw(bench case median unit baseline ratio runs));
	return;
}

# One line of JSON, some of its fields first.
sub print_line
{
	my ($line, @first) = @_;
	my %first = map { $_ => 1 } @first;
	my @order = (@first, grep { !$first{$_} } sort keys %$line);
	my $json = JSON::PP->new->allow_nonref;
	$| = 1;
	print '{', join(', ', map { qq("$_": ) . $json->encode($line->{$_}) } @order), "}\n";
	return;
}

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}

sub percentile
{
	my ($percent, @values) = @_;
	my @sorted = sort { $a <=> $b } @values;
	return $sorted[ int($#sorted * $percent / 100 + 0.5) ];
}

sub rounded
{
	my ($number, $digits) = @_;
	return 0 + sprintf "%.${digits}f", $number;
}

1;
