# The files of docker/grafana have the form that Grafana requires, which is no package of Debian and cannot be asked itself. 098_containers.pl and 111_prometheus.pl ask the panels' questions.
use strict;
use warnings;
use CPAN::Meta::YAML;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Utils;
use Test::More;

my $docker = ArchiveTest::source_directory() . '/docker';
my @faults;

sub check
{
	my ($good, $what) = @_;
	push @faults, $what unless $good;
	return;
}

# Reports those of the names that are there twice.
sub unique
{
	my ($where, @names) = @_;
	my %count;
	$count{$_}++ for @names;
	check($count{$_} == 1, "$where: $_ is there $count{$_} times") for keys %count;
	return;
}

sub provisioning
{
	my ($name) = @_;
	my ($file) = glob "$docker/grafana/provisioning/$name/*.yaml";
	my $content = CPAN::Meta::YAML->read_string(slurp_file($file))->[0];
	check($content->{apiVersion} == 1, "$file: apiVersion");
	return $content;
}

my @sources = @{ provisioning('datasources')->{datasources} };
my %types = map { $_->{type} => 1 } @sources;
unique('data sources', map { @$_{qw(name uid)} } @sources);
is(scalar(grep { ($_->{isDefault} // '') eq 'true' } @sources), 1, 'one data source is the default');
for my $source (@sources)
{
	check($source->{$_}, "$source->{name}: $_") for qw(name uid type access url);
	check($source->{uid} =~ /^[\w-]{1,40}$/, "$source->{name}: uid");
}
my @providers = @{ provisioning('dashboards')->{providers} };
my $compose = slurp_file("$docker/compose.yaml");
for my $provider (@providers)
{
	check($provider->{type} eq 'file', "$provider->{name}: type");
	check($compose =~ m{^      - \./grafana/dashboards:\Q$provider->{options}{path}\E:ro$}m, "$provider->{name}: its folder is mounted");
}
is_deeply(\@faults, [], scalar(@sources) . ' data sources and the provider of dashboards');

@faults = ();
my $panels = 0;
my @dashboards = map { decode_json(slurp_file($_)) } glob "$docker/grafana/dashboards/*.json";
unique('dashboards', map { @$_{qw(uid title)} } @dashboards);
for my $dashboard (@dashboards)
{
	my $title = $dashboard->{title};
	check(defined $dashboard->{$_}, "$title: $_") for qw(uid title schemaVersion version time templating panels);
	check($dashboard->{uid} =~ /^[\w-]{1,40}$/, "$title: uid");
	my @variables = @{ $dashboard->{templating}{list} };
	unique("$title, variables", map { $_->{name} } @variables);
	check($_->{type} ne 'datasource' || $types{ $_->{query} }, "$title: no data source for the variable $_->{name}") for @variables;
	my %is_source = map { ("\${$_->{name}}" => $_->{query}) } grep { $_->{type} eq 'datasource' } @variables;
	unique("$title, panels", map { $_->{id} } @{ $dashboard->{panels} });
	my %taken;
	for my $panel (@{ $dashboard->{panels} })
	{
		my $where = "$title, " . ($panel->{title} // $panel->{id});
		$panels++;
		check($panel->{type} =~ /^(?:timeseries|stat|table|bargauge|gauge|piechart|barchart|text|state-timeline|heatmap|geomap)$/, "$where: type");
		check(length $panel->{title}, "$where: title");
		check(ref $panel->{targets} eq 'ARRAY' && @{ $panel->{targets} }, "$where: it asks nothing");
		unique($where, map { $_->{refId} // 'no refId' } @{ $panel->{targets} });
		for my $target (@{ $panel->{targets} })
		{
			my $source = $target->{datasource};
			check(($is_source{ $source->{uid} } // '') eq $source->{type}, "$where: data source");
			check(defined $target->{ $source->{type} eq 'prometheus' ? 'expr' : 'rawSql' }, "$where: a question for a data source of another kind");
		}
		my ($x, $y, $w, $h) = @{ $panel->{gridPos} }{qw(x y w h)};
		check($x >= 0 && $y >= 0 && $w > 0 && $h > 0 && $x + $w <= 24, "$where: place");
		for my $cell (map { my $row = $_; map { "$row $_" } $x .. $x + $w - 1 } $y .. $y + $h - 1)
		{
			check(!$taken{$cell}, "$where: it lies over " . ($taken{$cell} // '')) if !$taken{$cell} || $taken{$cell} ne $where;
			$taken{$cell} = $where;
		}
	}
}
is_deeply(\@faults, [], scalar(@dashboards) . " dashboards with $panels panels");
done_testing();
