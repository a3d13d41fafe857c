# Events that a relay sends when they are new: archived at once, while its past is still being read, and
# proof of nothing. A relay that ends the subscription of what is new is read on.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use ScriptedRelay qw(websocket is_page);
use Test::More;

my @events = split /\n/, `bigbrotr-corpus --seed 3 12`;

# Tells all events as new ones, some twice, and never answers a page.
my $news = websocket(
	sub {
		my ($c) = @_;
		while (my ($sub, $filter) = $c->req)
		{
			next if is_page($filter);
			$c->text($_) for "[\"EVENT\",$sub,$events[0]]", "[\"EOSE\",$sub]";
			$c->text("[\"EVENT\",$sub,$_]") for @events, @events[ 0 .. 3 ];
		}
	});

# Refuses to tell what is new, and answers pages.
my $no_news = websocket(
	sub {
		my ($c) = @_;
		while (my ($sub, $filter) = $c->req)
		{
			if (is_page($filter))
			{
				# Newest first, as all relays do.
				for my $event (reverse @events)
				{
					my ($time) = $event =~ /"created_at":(\d+)/;
					next if $time < ($filter->{since} // 0) || $time > ($filter->{until} // $time);
					$c->text("[\"EVENT\",$sub,$event]");
				}
				$c->text("[\"EOSE\",$sub]");
			}
			else
			{
				$c->text("[\"CLOSED\",$sub,\"restricted: nothing new for you\"]");
			}
		}
	});

my $relay = ScriptedRelay->start('/news' => $news, '/no-news' => $no_news);
my $node = archive_server('live');
add_relays($node, $relay->url('/news'));
wait_for($node, '(SELECT count(*) FROM bigbrotr.sightings) = ' . @events);
is($node->safe_psql('postgres', q{SELECT phase FROM bigbrotr.sync_status}), 'backfill', 'new events are archived while the past is read');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.coverage'), 0, 'they prove nothing');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.refusals'), 0, 'repetition is no fault');

add_relays($node, $relay->url('/no-news'));
my $covered = sprintf q{EXISTS (SELECT FROM bigbrotr.coverage JOIN bigbrotr.relays USING (relay_id)
	WHERE url = '%s' AND lower = 0)}, $relay->url('/no-news');
wait_for($node, $covered);
is($node->safe_psql('postgres', sprintf q{SELECT count(*) FROM bigbrotr.event_relay WHERE relay_url = '%s'}, $relay->url('/no-news')),
	scalar(@events), 'without news the past is archived all the same');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), scalar(@events), 'each event once');

$node->stop;
$relay->stop;
done_testing();
