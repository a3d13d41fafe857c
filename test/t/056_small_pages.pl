# A relay that shows two events at a time, whatever is asked for: every second with at most two events is
# archived and proven; fuller ones are seen in part and marked, never claimed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(events => 2000, cap => 2, list => $list);
my $node = archive_server('small_pages');
load_truth($node, $stub);
add_relays($node, @{ $stub->{urls} });
wait_for($node, q{count(*) = 1 FROM _bigbrotr.relay_sync WHERE phase = 'live'});

my $full = 'SELECT created_at FROM truth GROUP BY created_at HAVING count(*) > 2';
my $missing = q{SELECT created_at FROM truth WHERE event_id NOT IN (SELECT event_id FROM bigbrotr.events)};
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM ($full) AS f"), '>', 0, 'the corpus has seconds with more than two events');
is($node->safe_psql('postgres', "SELECT count(*) FROM ($missing EXCEPT $full) AS m"), 0, 'outside of them nothing is missing');
is($node->safe_psql('postgres', "SELECT count(*) FROM ($full EXCEPT SELECT lower FROM bigbrotr.coverage WHERE 'dense' = ANY (doubts) AND lower = upper) AS m"),
	0, 'each of them is marked');
is(unfounded_claims($node), 0, 'none of them is claimed');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM _bigbrotr.gaps((SELECT relay_id FROM bigbrotr.relays), 0, 0, (SELECT max(created_at) FROM truth)) WHERE reason = 'unread'}),
	0, 'all else is proven, down to the beginning');

$node->stop;
done_testing();
