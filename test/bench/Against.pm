# ./bench NAME --against REV: this checkout and another commit take turns, one run each, with the
# scripts and tools of this checkout.
package Against;

use strict;
use warnings;
use JSON::PP;

# Runs a benchmark's script for each case and prints one line of JSON, in which each number is
# [ours, theirs, ours / theirs]: medians over the runs.
sub drive
{
	my ($script, $runs, $options, @cases) = @_;
	my $commit = $ENV{BENCH_AGAINST};
	my %sides = (ours => $ENV{BENCH_WORK}, theirs => "$ENV{BENCH_WORK}/against-$commit");
	for my $case (@cases)
	{
		my %lines;
		for (1 .. $runs)
		{
			push @{ $lines{$_} }, one_run($script, $sides{$_}, @$options, $case) for qw(ours theirs);
		}
		print_line($commit, @lines{qw(ours theirs)});
	}
	return;
}

sub one_run
{
	my ($script, $side, @arguments) = @_;
	local @ENV{qw(BENCH_SIDE BENCH_RUNS BENCH_AGAINST)} = ($side, 1, '');
	open my $out, '-|', $^X, '-Itest/bench', $script, @arguments or die "$script: $!\n";
	my $line = do { local $/ = undef; <$out> };
	close $out or die "the run in $side failed\n";
	return JSON::PP::decode_json($line);
}

sub print_line
{
	my ($commit, $ours, $theirs) = @_;
	my $first = $ours->[0];
	my %line = (%$first, against => $commit, runs => scalar @$ours);
	for my $field (grep { exists $theirs->[0]{$_} && is_number($first->{$_}) && $_ ne 'runs' } keys %$first)
	{
		my ($mine, $other) = map { BenchReport::median(map { $_->{$field} } @$_) } $ours, $theirs;
		$line{$field} = [ $mine, $other, $other ? BenchReport::rounded($mine / $other, 3) : undef ];
	}
	BenchReport::print_line(\%line, qw(bench case against median unit baseline ratio runs));
	return;
}

sub is_number { return defined $_[0] && !ref $_[0] && $_[0] =~ /^-?[\d.]+(e[-+]?\d+)?$/ }

1;
