# A relay for tests whose behaviour on each URL path is one Perl sub. Every connection is a process of
# its own, so a script is plain blocking code and cannot disturb other connections.
#
#     my $relay = ScriptedRelay->start('/a' => websocket(sub { my $c = shift; ... }), '/b' => sub { ... });
#     $relay->url('/a')
#
# Texts and payloads are byte strings everywhere, so a script can send invalid data.
package ScriptedRelay;

use strict;
use warnings;
use Digest::SHA qw(sha1_base64);
use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();

our @EXPORT_OK = qw(answers at_each_page frame is_page json_string serves websocket);

sub start
{
	my ($class, %scripts) = @_;
	my $listener =
	  IO::Socket::INET->new(Listen => 512, LocalAddr => '127.0.0.1', ReuseAddr => 1)
	  or die "cannot listen: $!";
	# The server ends when the test closes (or dies with) the other end of this pipe.
	pipe(my $alive, my $lifeline) or die "pipe: $!";
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		close $lifeline;
		eval { serve($listener, $alive, \%scripts); };
		POSIX::_exit(0);
	}
	close $alive;
	return bless { port => $listener->sockport, pid => $pid, lifeline => $lifeline }, $class;
}

sub url
{
	my ($self, $path) = @_;
	return "ws://127.0.0.1:$self->{port}$path";
}

sub stop
{
	my ($self) = @_;
	return unless $self->{lifeline};
	close delete $self->{lifeline};
	waitpid $self->{pid}, 0;
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!);
	$self->stop;
	return;
}

sub serve
{
	my ($listener, $alive, $scripts) = @_;
	local $SIG{CHLD} = 'IGNORE';
	local $SIG{PIPE} = 'IGNORE';
	my $select = IO::Select->new($listener, $alive);
	while (my @ready = $select->can_read)
	{
		return if grep { $_ == $alive } @ready;
		my $socket = $listener->accept or next;
		my $pid = fork();
		if (defined $pid && $pid == 0)
		{
			close $listener;
			eval { ScriptedRelay::Connection->new($socket)->run($scripts); };
			POSIX::_exit(0);
		}
		close $socket;
	}
	return;
}

# A script that runs after a regular WebSocket handshake.
sub websocket
{
	my ($script) = @_;
	return sub {
		my ($c) = @_;
		$c->upgrade;
		$script->($c);
		$c->read_on;    # until the peer goes: what was sent must not be lost by a reset
	};
}

# A script that calls a sub with the connection, subscription and filter for each page of history that is asked for, and
# ends every answer by EOSE, unless the sub returns 'last': then nothing is answered any more. The subscription is its id as a
# JSON string.
sub at_each_page
{
	my ($script) = @_;
	return websocket(
		sub {
			my ($c) = @_;
			while (my ($sub, $filter) = $c->req)
			{
				return if is_page($filter) && ($script->($c, $sub, $filter) // '') eq 'last';
				$c->text("[\"EOSE\",$sub]");
			}
		});
}

# A script that sends each of some texts once: an event in answer to the first page that asks for its time, all
# other texts in answer to the first page of the past. In each text @SUB@ stands for the subscription.
sub answers
{
	my (@texts) = @_;
	my @open = map { { text => $_, time => time_of($_) // 0 } } @texts;
	return at_each_page(
		sub {
			my ($c, $sub, $filter) = @_;
			for my $item (grep { in_window($_->{time}, $filter) } @open)
			{
				$c->text($item->{text} =~ s/\@SUB\@/$sub/r);
				$item->{time} = -1;
			}
		});
}

# A script that answers each page with those of the events that it asks for, newest first, at most $most at a time. $events
# is called for each page and returns the JSON of events.
sub serves
{
	my ($events, $most) = @_;
	return at_each_page(
		sub {
			my ($c, $sub, $filter) = @_;
			my %kinds = map { $_ => 1 } @{ $filter->{kinds} // [] };
			my @found = grep { in_window(time_of($_), $filter) && (!$filter->{kinds} || /"kind":(\d+)/ && $kinds{$1}) } $events->();
			my @newest = sort { time_of($b) <=> time_of($a) } @found;
			my $limit = $filter->{limit} < $most ? $filter->{limit} : $most;
			$c->text("[\"EVENT\",$sub,$_]") for splice @newest, 0, $limit;
		});
}

# created_at of an event, undef if there is none.
sub time_of
{
	my ($event) = @_;
	return $event =~ /"created_at"\s*:\s*(\d+)/ ? $1 : undef;
}

sub in_window
{
	my ($time, $filter) = @_;
	return $time >= ($filter->{since} // 0) && $time <= ($filter->{until} // 9**9**9);
}

# Is this filter a page of history? The live subscription asks with `limit` 1.
sub is_page
{
	my ($filter) = @_;
	return $filter->{limit} > 1;
}

sub json_string
{
	my ($text) = @_;
	return JSON::PP->new->allow_nonref->encode($text);
}

# One server frame. `first` is the first byte: FIN, RSV bits and opcode.
sub frame
{
	my ($first, $payload, $length) = @_;
	$length //= length $payload;
	my $head =
	    $length < 126   ? pack('CC', $first, $length)
	  : $length < 65536 ? pack('CCn', $first, 126, $length)
	  :                   pack('CCQ>', $first, 127, $length);
	return $head . $payload;
}

package ScriptedRelay::Connection;

use strict;
use warnings;

sub new
{
	my ($class, $socket) = @_;
	binmode $socket;
	return bless { socket => $socket, in => '' }, $class;
}

sub run
{
	my ($self, $scripts) = @_;
	$self->fill until $self->{in} =~ /\r\n\r\n/;
	$self->{in} =~ s/^(.*?\r\n\r\n)//s;
	$self->{request} = $1;
	my ($path) = $self->{request} =~ /^(?:GET|POST) (\S+)/;
	my $script = $scripts->{ $path // '' } or return $self->raw("HTTP/1.1 404 Not Found\r\n\r\n");
	$script->($self);
	return;
}

# Reads some bytes; dies at the end of the stream.
sub fill
{
	my ($self) = @_;
	sysread($self->{socket}, $self->{in}, 65536, length $self->{in}) or die "peer is gone\n";
	return;
}

# The body of the request, which has a Content-Length.
sub body
{
	my ($self) = @_;
	my ($length) = $self->{request} =~ /^Content-Length: (\d+)\r$/im or die "no body\n";
	$self->fill while length $self->{in} < $length;
	return substr($self->{in}, 0, $length);
}

# Sends bytes as they are; dies when the peer is gone.
sub raw
{
	my ($self, $bytes) = @_;
	my $sent = 0;
	while ($sent < length $bytes)
	{
		$sent += syswrite($self->{socket}, $bytes, length($bytes) - $sent, $sent)
		  // die "peer is gone\n";
	}
	return;
}

# The regular answer to the handshake; %more: further header fields.
sub upgrade
{
	my ($self, %more) = @_;
	my ($key) = $self->{request} =~ /^Sec-WebSocket-Key:\s*(\S+)/im
	  or die "no WebSocket handshake\n";
	my $accept = Digest::SHA::sha1_base64($key . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
	%more = ('Sec-WebSocket-Accept' => $accept, Upgrade => 'websocket', Connection => 'Upgrade', %more);
	$self->raw(join "\r\n", 'HTTP/1.1 101 Switching Protocols', (map { "$_: $more{$_}" } sort keys %more),
		'', '');
	return;
}

sub text
{
	my ($self, $text) = @_;
	return $self->raw(ScriptedRelay::frame(0x81, $text));
}

# The next text message of the client; undef when the client closes or is gone.
sub message
{
	my ($self) = @_;
	for (;;)
	{
		my ($opcode, $payload) = eval { $self->take_frame } or return;
		return $payload if $opcode == 1;
		$self->raw(ScriptedRelay::frame(0x8A, $payload)) if $opcode == 9;
		return if $opcode == 8;
	}
}

# The next REQ: subscription id (as a JSON string) and filter. Empty list when the client is gone.
sub req
{
	my ($self) = @_;
	while (defined(my $text = $self->message))
	{
		my ($verb, $sub, $filter) = @{ JSON::PP::decode_json($text) };
		return (ScriptedRelay::json_string($sub), $filter) if $verb eq 'REQ';
	}
	return;
}

sub read_on
{
	my ($self) = @_;
	1 while defined $self->message;
	return;
}

sub take_frame
{
	my ($self) = @_;
	my $need = sub { $self->fill while length $self->{in} < $_[0] };
	$need->(2);
	my ($first, $length) = unpack 'CC', $self->{in};
	my $masked = $length & 0x80;
	my $head   = 2;
	$length &= 0x7f;
	if ($length >= 126)
	{
		my ($size, $format) = $length == 126 ? (2, 'n') : (8, 'Q>');
		$need->($head + $size);
		$length = unpack $format, substr($self->{in}, $head, $size);
		$head += $size;
	}
	my $mask = '';
	if ($masked)
	{
		$need->($head + 4);
		$mask = substr($self->{in}, $head, 4);
		$head += 4;
	}
	$need->($head + $length);
	my $payload = substr($self->{in}, $head, $length);
	substr($self->{in}, 0, $head + $length) = '';
	$payload ^= substr($mask x ($length / 4 + 1), 0, $length) if $masked;
	return ($first & 0x0f, $payload);
}

1;
