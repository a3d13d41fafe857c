# A server that archives the relays of bigbrotr-relay_stub, and what that costs.
package RelayRun;

use strict;
use warnings;
use BenchServer;
use IPC::Open2 qw(open2);
use JSON::PP qw(decode_json);
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(time sleep);

# The stub with its options: its port, a handle that ends it when closed, and one that reads what it says. Publishing relays need
# both to be kept.
sub start_relays
{
	my (%options) = @_;
	open2(my $out, my $in, BenchServer::tool('bigbrotr-relay_stub'), map { ("--$_" => $options{$_}) } sort keys %options);
	my $line = <$out> // die "the relay stub did not start\n";
	return (decode_json($line)->{port}, $in, $out);
}

# A new cluster whose synchronizer, or another service, runs and knows no relay yet.
sub start
{
	my ($class, %settings) = @_;
	my $service = delete $settings{service} // 'synchronizer';
	my $server = BenchServer->start(%settings);
	my ($backend, $net) = processes($server, $service);
	return bless { server => $server, backend => $backend, net => $net, ask => $server->session }, $class;
}

sub server { return $_[0]{server} }

sub stop
{
	my ($self) = @_;
	delete $self->{ask};
	$self->{server}->stop;
	return;
}

sub add_relays
{
	my ($self, $port, $count) = @_;
	$self->{server}->sql("SELECT bigbrotr.add_relay('ws://127.0.0.1:$port/' || n) FROM generate_series(0, $count - 1) n");
	return;
}

# The one row of a statement, by a session that stays open.
sub ask
{
	my ($self, $statement) = @_;
	return $self->{ask}->($statement);
}

# The synchronizer's counters.
sub counters
{
	my ($self) = @_;
	my $custom = decode_json($self->ask(q{SELECT bigbrotr.service_stats('synchronizer')}))->{custom};
	return { map { $_ => $custom->{$_} // 0 } qw(sightings_new batches relays_open) };
}

# Waits until an SQL condition holds; $patience: seconds.
sub wait_for
{
	my ($self, $condition, $patience) = @_;
	my $until = time + $patience;
	until ($self->ask("SELECT $condition") eq 't')
	{
		die "never became true: $condition; end of the server's log:\n", $self->{server}->end_of_log if time > $until;
		sleep 0.1;
	}
	return;
}

# The view that shows how far each relay is: another commit (--against) may call it by its former name.
sub status_view
{
	my ($self) = @_;
	return $self->ask(q{SELECT coalesce(to_regclass('bigbrotr.sync_status')::text, 'bigbrotr.relay_progress')});
}

# A service and its net process, when both are there.
sub processes
{
	my ($server, $service) = @_;
	my $worker = "FROM pg_stat_activity WHERE backend_type = 'bigbrotr $service'";
	for (1 .. 300)
	{
		my $backend = $server->sql("SELECT pid $worker");
		if ($backend && open my $file, '<', "/proc/$backend/task/$backend/children")
		{
			my ($net) = (<$file> // '') =~ /^(\d+)/;
			return ($backend, $net) if $net;
		}
		sleep 0.1;
	}
	die "the $service did not start; end of the server's log:\n", $server->end_of_log;
}

# User and system time so far. process: backend or net.
sub cpu_seconds
{
	my ($self, $process) = @_;
	open my $file, '<', "/proc/$self->{$process}/stat" or die "the $process is gone; end of the server's log:\n", $self->{server}->end_of_log;
	my @fields = split ' ', (<$file> =~ s/^.*\) //sr);
	return ($fields[11] + $fields[12]) / sysconf(_SC_CLK_TCK);
}

# Seconds that a process was ready and had no processor: what else the machine does.
sub waited_seconds
{
	my ($self, $process) = @_;
	open my $file, '<', "/proc/$self->{$process}/schedstat" or die "the $process is gone\n";
	return (split ' ', <$file>)[1] / 1e9;
}

# kind: a field of /proc/PID/status in kB.
sub rss_mb
{
	my ($self, $process, $kind) = @_;
	return $self->status_field($process, $kind) / 1024;
}

# A field of /proc/PID/status that is a number.
sub status_field
{
	my ($self, $process, $field) = @_;
	open my $file, '<', "/proc/$self->{$process}/status" or die "the $process is gone\n";
	my ($number) = join('', <$file>) =~ /^$field:\s+(\d+)/m;
	return $number;
}

1;
