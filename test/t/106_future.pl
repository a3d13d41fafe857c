# A relay with a thousand events of the future: they are read after all that has happened, and four pages of them only.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use ScriptedRelay qw(at_each_page);
use Test::More;

my $page = 10;
# One question at a time, so that their order can be seen; and none is repeated.
my $node = archive_server('future', 'bigbrotr.politeness' => 'quiet', 'bigbrotr.sync_interval' => '7d', 'bigbrotr.sync_confirm_delay' => '30d');
my %events = map { $_ => [ signed($_) ] } (20, 1000);
my $asked = PostgreSQL::Test::Utils::tempdir() . '/asked';
my $relay = ScriptedRelay->start('/' => at_each_page(
	sub {
		my ($c, $sub, $filter) = @_;
		my ($since, $until) = ($filter->{since} // 0, $filter->{until} // 9**9**9);
		# A question with kinds only asks whether a page was whole.
		append_to_file($asked, ($until > time + 3600 ? 'future' : 'past') . "\n") unless $filter->{kinds};
		my @found = grep { $_->[0] >= $since && $_->[0] <= $until } map { @$_ } values %events;
		@found = sort { $b->[0] <=> $a->[0] } @found;
		$c->text("[\"EVENT\",$sub,$_->[1]]") for splice @found, 0, $page;
	}));
add_relays($node, $relay->url('/'));
wait_for($node, q{phase = 'live' FROM _bigbrotr.relay_sync});

my $order = join ' ', split /\n/, slurp_file($asked);
like($order, qr/^past( past)+( future){4}$/, 'the future is asked for last, by four pages');
is($node->safe_psql('postgres', 'SELECT count(*) FILTER (WHERE created_at < bigbrotr.unix_now()), count(*) > 20 FROM bigbrotr.events'),
	'20|t', 'all of the past is archived, and some of the future');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.coverage WHERE upper > bigbrotr.unix_now()'), 0, 'nothing is claimed of the future');
$node->stop;
$relay->stop;
done_testing();

# As many events, a minute apart: the 20 were yesterday, the others are to come.
sub signed
{
	my ($count) = @_;
	my $first = $count == 20 ? time - 86400 : time + 86400;
	my $texts = $node->safe_psql('postgres', "SELECT bigbrotr.sign_event(sha256('a'), 1, 'event ' || n, '[]', $first + 60 * n) FROM generate_series(1, $count) AS n");
	return map { [ JSON::PP::decode_json($_)->{created_at}, $_ ] } split /\n/, $texts;
}
