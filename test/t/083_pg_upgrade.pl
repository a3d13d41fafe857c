# pg_upgrade of a filled archive: rows and objects are the same, and the services go on from there.
#
# It comes from the same major version unless BIGBROTR_OLD_POSTGRES names the directory of another with bigbrotr installed:
#   BIGBROTR_OLD_POSTGRES=/usr/lib/postgresql/15 ./check tap 083_pg_upgrade
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use Bigbrotr qw(same_objects);
use PostgreSQL::Test::Utils;
use Test::More;

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(relays => 2, events => 500, overlap => 50, publish => 20, copies => 2, list => $list);
my $old = archive_server('old', install_path => $ENV{BIGBROTR_OLD_POSTGRES});
add_relays($old, @{ $stub->{urls} });
wait_for($old, q{count(*) = 2 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
$old->append_conf('postgresql.conf', 'bigbrotr.enabled = off');
$old->restart;
my $before = rows($old);
cmp_ok($old->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.sightings'), '>=', 1000, 'there is an archive');
$old->stop;

my $new = archive_node('new', 'bigbrotr.enabled' => 'off');
note $old->pg_version . ' to ' . $new->pg_version;
chdir PostgreSQL::Test::Utils::tempdir() or die "chdir: $!";
$new->command_ok(
	[ 'pg_upgrade', '--old-datadir' => $old->data_dir, '--new-datadir' => $new->data_dir, '--old-bindir' => $old->config_data('--bindir'),
		'--new-bindir' => $new->config_data('--bindir'), '--socketdir' => $new->host, '--old-port' => $old->port, '--new-port' => $new->port ],
	'pg_upgrade');
$new->start;
is_deeply(rows($new), $before, 'all rows are the same');
$new->safe_psql('postgres', 'CREATE DATABASE fresh');
create_archive($new, 'fresh');
same_objects($new, 'postgres', 'fresh', 'every object is as in a new database');

$new->append_conf('postgresql.conf', 'bigbrotr.enabled = on');
$new->reload;
my $archived = $new->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.sightings');
wait_for($new, "count(*) > $archived FROM bigbrotr.sightings");
stop_publishing($stub);
load_truth($new, $stub);
wait_for($new, q{count(*) = (SELECT count(*) FROM truth) FROM bigbrotr.sightings});
archive_matches($new, 'the archive is whole');
is(unfounded_claims($new), 0, 'its coverage is true');
$new->stop;

done_testing();

# Number and checksum of the rows of each table.
sub rows
{
	my ($node) = @_;
	my %found;
	for my $table (split /\n/, $node->safe_psql('postgres', q{
		SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace)}))
	{
		$found{$table} = $node->safe_psql('postgres', "SELECT count(*), md5(string_agg(t::text, ';' ORDER BY t::text)) FROM $table AS t");
	}
	return \%found;
}
