# Relays that answer REQ with filters and compare sets (NIP-77) by bigbrotr-negentropy_server, well or badly.
package ComparingRelay;

use strict;
use warnings;
use Exporter 'import';
use IPC::Open2 qw(open2);
use JSON::PP ();
use ScriptedRelay qw(websocket json_string);

our @EXPORT_OK = qw(parsed comparing_relay matching);

# Events, one JSON object a line, as hashes that have their text as json.
sub parsed
{
	my ($lines) = @_;
	return map { { json => $_, %{ JSON::PP::decode_json($_) } } } split /\n/, $lines;
}

# Those events that match a filter.
sub matching
{
	my ($filter, @events) = @_;
	my ($since, $until) = ($filter->{since} // 0, $filter->{until} // 9**9**9);
	my %wanted = map { my $list = $_; ($list => { map { $_ => 1 } @{ $filter->{$list} // [] } }) } qw(kinds authors ids);
	return grep {
		$_->{created_at} >= $since && $_->{created_at} <= $until && (!%{ $wanted{kinds} } || $wanted{kinds}{ $_->{kind} })
		  && (!%{ $wanted{authors} } || $wanted{authors}{ $_->{pubkey} }) && (!%{ $wanted{ids} } || $wanted{ids}{ $_->{id} })
	} @events;
}

# A server's side of the comparison: a function that answers a message.
sub compare_with
{
	my (@set) = @_;
	open2(my $out, my $in, 'bigbrotr-negentropy_server');
	print {$in} map { "$_->{created_at} $_->{id}\n" } @set;
	print {$in} "\n";
	$in->autoflush(1);
	return sub { print {$in} "$_[0]\n"; chomp(my $reply = <$out>); return $reply };
}

# shown: events that pages show, oldest first, or a function that returns them; served: those that it serves to who asks for
# their ids; set: those that it names; says: what it answers to NEG-OPEN instead, with ID for the subscription; hidden: kinds
# that count against the limit of an answer and are left out of it; hears: a function of the connection and the number of the
# question that returns whether the question is heard. A page has 60 events.
sub comparing_relay
{
	my (%habits) = @_;
	my $shown = ref $habits{shown} eq 'CODE' ? $habits{shown} : sub { return @{ $habits{shown} } };
	my %hidden = map { $_ => 1 } @{ $habits{hidden} // [] };
	return websocket(
		sub {
			my ($c) = @_;
			my %comparison;
			my $questions = 0;
			while (defined(my $text = $c->message))
			{
				my ($verb, $id, $filter, $message) = @{ JSON::PP::decode_json($text) };
				my $sub = json_string($id);
				if ($verb eq 'REQ')
				{
					next if $habits{hears} && !$habits{hears}->($c, ++$questions);
					my @found = reverse matching($filter, $filter->{ids} && $habits{served} ? @{ $habits{served} } : $shown->());
					my $limit = $filter->{limit} && $filter->{limit} < 60 ? $filter->{limit} : 60;
					$c->text("[\"EVENT\",$sub,$_->{json}]") for grep { !$hidden{ $_->{kind} } } splice @found, 0, $filter->{ids} ? 100 : $limit;
					$c->text("[\"EOSE\",$sub]");
				}
				elsif ($verb eq 'NEG-OPEN' && exists $habits{says})
				{
					$c->text($habits{says} =~ s/ID/$sub/r) if $habits{says};
				}
				elsif ($verb eq 'NEG-OPEN' || $verb eq 'NEG-MSG')
				{
					$comparison{$id} = compare_with(matching($filter, $habits{set} ? @{ $habits{set} } : $shown->())) if $verb eq 'NEG-OPEN';
					my $reply = $comparison{$id}->($verb eq 'NEG-OPEN' ? $message : $filter);
					$c->text("[\"NEG-MSG\",$sub,\"$reply\"]");
				}
				elsif ($verb eq 'NEG-CLOSE')
				{
					delete $comparison{$id};
				}
			}
		});
}

1;
