# Relays that flood, stall, lie, send rubbish or break the protocol, all at the same time: each is cut off for
# a counted reason and backed off, and the honest relays between them are archived as if they were alone.
use strict;
use warnings;
use Compress::Raw::Zlib;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use ScriptedRelay qw(at_each_page frame);
use Test::More;

my $many = 1_000_000_000;
my ($event, $forged) = split /\n/, `bigbrotr-corpus --seed 7 2`;
$forged =~ s/"content":"/"content":"forged: /;

# Waits for the first page of the past that is asked for, then goes on as told.
sub at_page
{
	my ($script) = @_;
	return at_each_page(
		sub {
			my ($c, $sub, $filter) = @_;
			return if exists $filter->{since};
			$script->($c, $sub);
			return 'last';
		});
}

sub endless
{
	my ($what) = @_;
	return at_page(
		sub {
			my ($c, $sub) = @_;
			# Many in one write, so that the relay is fast.
			my $bytes = join '', map { $what->($sub) } 1 .. 50;
			$c->raw($bytes) for 1 .. $many;
		});
}

sub says
{
	my (@texts) = @_;
	return at_page(sub { my ($c, $sub) = @_; $c->text(s/\@SUB\@/$sub/r) for @texts; });
}

sub raw_http
{
	my ($answer) = @_;
	return sub { my ($c) = @_; $c->raw($answer); };
}

# A message of 100 MB in 100 kB, if compression was offered.
sub bomb
{
	my ($c) = @_;
	my $offered = $c->{request} =~ /^Sec-WebSocket-Extensions:.*permessage-deflate/im;
	$c->upgrade($offered ? ('Sec-WebSocket-Extensions' => 'permessage-deflate') : ());
	$c->message for 1 .. 2;    # compressed, too: whatever they ask
	my $deflate = Compress::Raw::Zlib::Deflate->new(-WindowBits => -15, -AppendOutput => 1);
	my $out = '';
	$deflate->deflate('[' x 1_000_000, $out) for 1 .. 100;
	$deflate->flush($out, Z_SYNC_FLUSH);
	substr($out, -4) = '';
	$c->raw(frame(0xC1, $out));
	$c->read_on;
	return;
}

my $deep = '[' x 100_000;
my $ping = frame(0x89, 'x' x 100);
my $handshake = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

# What the relay does => how it is to end (a pattern for the reason code).
my %behaviours = (
	# too much
	'flood-events'  => [ endless(sub { frame(0x81, "[\"EVENT\",$_[0],$event]") }) => qr/^flood$/ ],
	'flood-notices' => [ endless(sub { frame(0x81, '["NOTICE","hello"]') }) => qr/^flood$/ ],
	'flood-strange' => [ endless(sub { frame(0x81, "[\"EVENT\",\"other\",$event]") }) => qr/^(flood|too_many_invalid)$/ ],
	'flood-forged'  => [ endless(sub { frame(0x81, "[\"EVENT\",$_[0],$forged]") }) => qr/^too_many_invalid$/ ],
	'flood-rubbish' => [ endless(sub { frame(0x81, 'rubbish') }) => qr/^too_many_invalid$/ ],
	'flood-empty'   => [ endless(sub { frame(0x81, '') }) => qr/^(flood|too_many_invalid|stalled)$/ ],
	'flood-pings'   => [ endless(sub { $ping }) => qr/^(flood|stalled)$/ ],
	'huge-frame' => [ at_page(sub {
			my ($c) = @_;
			$c->raw(frame(0x81, '', 100_000_000));
			$c->raw('[' x 1_000_000) for 1 .. 100;
		}) => qr/^frame_too_large$/ ],
	'impossible-frame' => [ at_page(sub { $_[0]->raw("\x81\x7f" . "\xff" x 8 . 'x') }) =>
		  qr/^(frame_too_large|connection_lost)$/ ],
	'huge-fragments' => [ at_page(sub {
			my ($c) = @_;
			$c->raw(frame(0x01, '['));
			$c->raw(frame(0x00, '[' x 100_000)) for 1 .. 1000;
		}) => qr/^(frame_too_large|stalled)$/ ],
	'bomb' => [ \&bomb => qr/^(frame_too_large|too_deep|stalled)$/ ],

	# too little
	'stall'       => [ at_page(sub { }) => qr/^stalled$/ ],
	'drip'        => [ at_page(sub { my ($c) = @_; $c->raw("\x81\x7e\x0f\xff"); trickle($c, 'x') }) => qr/^stalled$/ ],
	'drip-fragments' => [ at_page(sub { my ($c) = @_; $c->raw(frame(0x01, 'x')); trickle($c, frame(0x00, '')) }) => qr/^stalled$/ ],
	'drip-notices' => [ at_page(sub { trickle($_[0], frame(0x81, '["NOTICE","wait"]')) }) => qr/^stalled$/ ],
	'notice-only' => [ says('["NOTICE","we do not like this filter"]') => qr/^stalled$/ ],
	'other-end'   => [ says('["EOSE","other"]') => qr/^stalled$/ ],
	'no-handshake' => [ sub { $_[0]->fill for 1 .. $many } => qr/^connect_timeout$/ ],

	# wrong
	'binary'       => [ at_page(sub { my ($c, $sub) = @_; $c->raw(frame(0x82, "[\"EVENT\",$sub,$event]")) }) => qr/^binary_frame$/ ],
	'broken-utf8'  => [ says("[\"NOTICE\",\"\xc3\x28\"]") => qr/^bad_utf8$/ ],
	'deep'         => [ says("[\"EVENT\",\@SUB\@,{\"x\":$deep") => qr/^too_deep$/ ],
	'deep-message' => [ says($deep) => qr/^(too_deep|bad_json|bad_message|stalled)$/ ],
	'reserved-opcode' => [ at_page(sub { $_[0]->raw(frame(0x83, 'x')) }) => qr/^connection_lost$/ ],
	'reserved-bits'   => [ at_page(sub { $_[0]->raw(frame(0xB1, 'x')) }) => qr/^connection_lost$/ ],
	'long-control'    => [ at_page(sub { $_[0]->raw(frame(0x89, 'x' x 5000)) }) => qr/^connection_lost$/ ],
	'stray-fragment'  => [ at_page(sub { $_[0]->raw(frame(0x00, 'x') x 10) }) => qr/^(connection_lost|stalled)$/ ],
	'forged-pages' => [ at_each_page(sub {
			my ($c, $sub, $filter) = @_;
			my $time = ($filter->{until} // 1_700_000_000) - 1000;
			for (1 .. 100)
			{
				my $text = $forged =~ s/"created_at":\d+/"created_at":$time/r;
				$c->text("[\"EVENT\",$sub,$text]");
				$time--;
			}
		}) => qr/^too_many_invalid$/ ],

	# away
	'close-at-once'  => [ sub { $_[0]->upgrade } => qr/^connection_lost$/ ],
	'close-politely' => [ at_page(sub { $_[0]->raw(frame(0x88, "\x03\xe8bye")) }) => qr/^connection_lost$/ ],
	'close-in-frame' => [ sub { my ($c) = @_; $c->upgrade; $c->req; $c->raw(frame(0x81, '["EVE', 1000)) } => qr/^connection_lost$/ ],
	'no-answer'      => [ sub { } => qr/^(handshake_failed|connection_lost|connection_refused)$/ ],
	'forbidden'      => [ raw_http("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") => qr/^handshake_failed$/ ],
	'busy'           => [ raw_http("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n") => qr/^(handshake_failed|rate_limited)$/ ],
	'redirect'       => [ raw_http("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n") => qr/^handshake_failed$/ ],
	'web-page'       => [ raw_http("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>") => qr/^handshake_failed$/ ],
	'garbage'        => [ raw_http(join '', map { chr($_ * 7 % 256) } 1 .. 4000) => qr/^handshake_failed$/ ],
	'endless-header' => [ sub { my ($c) = @_; $c->raw("HTTP/1.1 101 Switching Protocols\r\n"); $c->raw('X-Fill: ' . 'x' x 1000 . "\r\n") for 1 .. 10000 } => qr/^(handshake_failed|connect_timeout)$/ ],
	'wrong-accept'   => [ raw_http("HTTP/1.1 101 Switching Protocols\r\n${handshake}Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n") => qr/^handshake_failed$/ ],
	'auth'           => [ says('["AUTH","challenge"]', '["CLOSED",@SUB@,"auth-required: members only"]') => qr/^auth_required$/ ],
	'rate-limited'   => [ says('["CLOSED",@SUB@,"rate-limited: slow down"]') => qr/^rate_limited$/ ],
	'closed'         => [ says('["CLOSED",@SUB@,"error: no"]') => qr/^closed_by_relay$/ ]);

# One piece now and then, for ever.
sub trickle
{
	my ($c, $piece) = @_;
	for (1 .. $many)
	{
		$c->raw($piece);
		select undef, undef, undef, 0.1;
	}
	return;
}

my $hostile = ScriptedRelay->start(map { ("/$_" => $behaviours{$_}[0]) } keys %behaviours);
my $list = PostgreSQL::Test::Utils::tempdir() . '/honest.tsv';
my $honest = relay_stub(relays => 4, events => 2500, overlap => 50, list => $list);

my $node = archive_server(
	'hostile_relays',
	# Once cut off, a relay stays away: its end is to be seen.
	'bigbrotr.retry_delay'      => '1h',
	'bigbrotr.retry_delay_max'  => '1d',
	# One process plays all relays: they answer late on a busy machine.
	'bigbrotr.connect_timeout'  => '20s',
	'bigbrotr.response_timeout' => '10s');
load_truth($node, $honest);
my $net = net_pid($node);
add_relays($node, (map { $hostile->url("/$_") } sort keys %behaviours), @{ $honest->{urls} });
wait_for($node, q{count(*) = 4 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
pass('the honest relays are caught up');
wait_for($node, 'count(*) = ' . keys(%behaviours) . q{ FROM _bigbrotr.relay_sync WHERE phase = 'backoff'});
pass('all others are backed off');

# One of these sent a valid event before it was cut off.
my ($id, $time) = map { $event =~ /"$_":"?(\w+)/ } qw(id created_at);
$node->safe_psql('postgres', sprintf q{INSERT INTO truth VALUES ('%s', %s, '\x%s')}, $hostile->url('/flood-events'), $time, $id);
archive_matches($node, 'what the honest relays have is archived, and that one event');
is(unfounded_claims($node), 0, 'nothing is claimed that is not there');

my %end = map { my ($url, @rest) = split /\|/; ($url => \@rest) } split /\n/, $node->safe_psql('postgres', q{
	SELECT r.url, s.last_error, coalesce(f.refusal_count, 0) FROM _bigbrotr.relay_sync AS s JOIN bigbrotr.relays AS r USING (relay_id)
	LEFT JOIN bigbrotr.refusals AS f ON f.source = 'relay' AND f.relay_url = r.url AND f.reason = s.last_error});
for my $name (sort keys %behaviours)
{
	my ($reason, $count) = @{ $end{ $hostile->url("/$name") } };
	like($reason, $behaviours{$name}[1], "$name: ends for a reason");
	cmp_ok($count, '>', 0, "$name: counted as $reason");
}
is($node->safe_psql('postgres', q{SELECT last_detail FROM _bigbrotr.relay_sync JOIN bigbrotr.relays USING (relay_id) WHERE url LIKE '%/notice-only'}),
	'we do not like this filter', 'what a silent relay said in a notice is told');
cmp_ok($node->safe_psql('postgres', q{SELECT next_attempt - bigbrotr.unix_now() FROM _bigbrotr.relay_sync JOIN bigbrotr.relays USING (relay_id) WHERE url LIKE '%/closed'}),
	'>', 2000, 'the next attempt is far away');

is(net_pid($node), $net, 'it was one net process all the time');
my ($peak) = PostgreSQL::Test::Utils::slurp_file("/proc/$net/status") =~ /^VmHWM:\s+(\d+) kB/m;
cmp_ok($peak, '<', 256 * 1024, "its memory never passed 256 MB (it was $peak kB)");
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
unlike($log, qr/^.*(ERROR|FATAL|PANIC): /m, 'the server has no error to tell');

$node->stop;
done_testing();
