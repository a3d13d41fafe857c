# A standby of an archive under load is quiet; promoted, it goes on where the primary was.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(relays => 2, events => 6000, overlap => 50, rate => 200, list => $list);
my $primary = archive_server('primary', wal_level => 'replica', max_wal_senders => 4, hot_standby => 'on');
load_truth($primary, $stub);
add_relays($primary, $stub->{urls}[0]);
wait_for($primary, 'count(*) > 500 FROM bigbrotr.events');

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming')})
  or die 'no replication';
# However long all that took, this relay's past is not read yet.
add_relays($primary, $stub->{urls}[1]);
my $seen = $standby->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events');
wait_for($standby, "count(*) > $seen FROM bigbrotr.events");
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'bigbrotr %'}),
	1, 'nothing of ours but the launcher runs on a standby');

$primary->stop('immediate');
my $inherited = $standby->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events');
cmp_ok($inherited, '<', 9000, 'the primary ended in the middle of the backfill');
is(unfounded_claims($standby), 0, 'what the standby claims, it has');
$standby->promote;
wait_for($standby, q{count(*) = 2 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
archive_matches($standby, 'promoted, it completes the archive');
is(unfounded_claims($standby), 0, 'its coverage is true');
unlike(slurp_file($standby->logfile), qr/ERROR|PANIC/, 'without an error');

$standby->stop;
done_testing();
