# A server with the api service, over HTTP.
package ApiServer;

use strict;
use warnings;
use ArchiveTest;
use Exporter 'import';
use HTTP::Tiny;
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(status_of custom);

# Members: node, port. %settings: more of them; "api_listen" in addition to the port.
sub start
{
	my ($class, $name, %settings) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $more = delete $settings{api_listen};
	my $node = archive_server($name,
		'bigbrotr.services'                        => 'api',
		'bigbrotr.api_listen'                      => join(', ', "127.0.0.1:$port", $more // ()),
		'bigbrotr.api_executors'                   => 2,
		'bigbrotr.api_timeout'                     => '30s',
		'bigbrotr.api_requests_per_minute'         => 0,
		'bigbrotr.api_traffic_per_minute'          => 0,
		'bigbrotr.api_max_connections'             => 3000,
		'bigbrotr.api_max_connections_per_address' => 3000,
		%settings);
	return bless { node => $node, port => $port }, $class;
}

# %options: port; headers.
sub get
{
	my ($self, $path, %options) = @_;
	my $address = '127.0.0.1:' . ($options{port} // $self->{port});
	return HTTP::Tiny->new(timeout => 60)->get("http://$address$path", { headers => $options{headers} // {} });
}

# A connection on which a request was sent. %options: headers.
sub begin
{
	my ($self, $path, %options) = @_;
	my $headers = join '', map { "$_: $options{headers}{$_}\r\n" } keys %{ $options{headers} // {} };
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) or die "no connection: $!";
	print {$socket} "GET $path HTTP/1.1\r\nHost: api\r\nConnection: close\r\n$headers\r\n";
	$socket->flush;
	return $socket;
}

# Waits until it answers. %options: node, port of another server.
sub serves
{
	my ($self, %options) = @_;
	wait_for($options{node} // $self->{node}, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND state = 'running')});
	return $self->answers('/readyz', sub { $_[0]{status} == 200 }, %options) ? 1 : 0;
}

# Asks until the answer is as wanted: settings and keys become known soon. The answer; nothing: it never was.
sub answers
{
	my ($self, $path, $wanted, %options) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $answer = $self->get($path, %options);
		return $answer if $wanted->($answer);
		select undef, undef, undef, 0.1;
	}
	return;
}

# Archives an event that is made by an SQL expression of type text.
sub archive
{
	my ($self, $event) = @_;
	return $self->{node}->safe_psql('postgres', qq{SELECT bigbrotr.insert_events_batch(ARRAY[($event)::jsonb ||
		'{"relay_url": "wss://r.example.com", "relay_network": "clearnet", "relay_inserted_at": 1, "seen_at": 2}'])});
}

# The status of the answer that a socket gets.
sub status_of
{
	my ($socket) = @_;
	my $line = <$socket> // '';
	# It is asked whether it still reads.
	while ($line =~ m{^HTTP/1\.1 102 })
	{
		<$socket>;
		$line = <$socket> // '';
	}
	return $line =~ m{^HTTP/1\.1 (\d+)} ? $1 : $line;
}

# An SQL expression: a figure of the service.
sub custom
{
	my ($key) = @_;
	return "coalesce((bigbrotr.service_stats('api') -> 'custom' ->> '$key')::integer, 0)";
}

1;
