# A server for one run of a benchmark: a new cluster with the measured side's extension. Settings are the
# server's own but for those named in start(). ./bench has set BENCH_WORK (a directory of our own, where
# this checkout is built) and BENCH_PG (where below an installation its programs are).
package BenchServer;

use strict;
use warnings;
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Handle;
use IPC::Open2 qw(open2);
use JSON::PP qw(decode_json);

# Runs a command quietly and returns its output; dies with it if the command fails.
sub run_quietly
{
	my (@command) = @_;
	my $pid = open(my $out, '-|') // die "fork: $!\n";
	if ($pid == 0)
	{
		open STDERR, '>&', \*STDOUT;
		exec @command or die "cannot run $command[0]: $!\n";
	}
	my $text = do { local $/ = undef; <$out> };
	close $out or die "@command failed:\n$text";
	return $text;
}

sub write_file
{
	my ($mode, $name, @lines) = @_;
	open my $file, $mode, $name or die "$name: $!\n";
	print {$file} @lines;
	close $file or die "$name: $!\n";
	return;
}

# The directory where the measured side is built: this checkout's, or another commit's (--against).
sub side { return $ENV{BENCH_SIDE} // $ENV{BENCH_WORK} }

sub pg_program { return side() . "/postgres/$ENV{BENCH_PG}/$_[0]" }

# A program of this checkout.
sub tool { return "$ENV{BENCH_WORK}/cmake/$_[0]" }

# A program of the measured side: it knows its tables and functions.
sub side_tool { return side() . "/cmake/$_[0]" }

# The yardstick of what is bound by signatures: checks per second of one core.
sub verify_rate
{
	my ($quick) = @_;
	return tool_says('bigbrotr-verify_rate', $quick ? '0.3' : '1')->{verify_rate};
}

# The line of JSON that a program of test/tools prints.
sub tool_says
{
	my ($name, @arguments) = @_;
	return decode_json(run_quietly(tool($name), @arguments));
}

# A file of really signed events, made once.
sub corpus
{
	my ($count) = @_;
	my $name = "$ENV{BENCH_WORK}/corpus-$count.jsonl";
	if (!-s $name)
	{
		open my $pipe, '-|', tool('bigbrotr-corpus'), $count or die "bigbrotr-corpus: $!\n";
		write_file('>', "$name.part", <$pipe>);
		close $pipe or die "bigbrotr-corpus failed\n";
		rename "$name.part", $name or die "$name: $!\n";
	}
	return $name;
}

# A new cluster with the extension in the database postgres, and its services running (unless
# bigbrotr.databases is set to be empty).
sub start
{
	my ($class, %settings) = @_;
	my $data = "$ENV{BENCH_WORK}/cluster";
	remove_tree($data);
	my $self = bless {
		data   => $data,
		socket => tempdir('bigbrotr-bench-XXXXXX', TMPDIR => 1, CLEANUP => 1),
	  },
	  $class;
	run_quietly(pg_program('initdb'), '-D', $data, qw(-A trust -U postgres -N -E UTF8 --no-locale));
	my $no_seeds = "$data/no-seeds";
	write_file('>', $no_seeds, "# none\n");
	%settings = (
		shared_preload_libraries      => 'bigbrotr',
		listen_addresses              => '',
		unix_socket_directories       => $self->{socket},
		'bigbrotr.databases'          => 'postgres',
		'bigbrotr.allow_local_relays' => 'on',
		'bigbrotr.seed_file'          => $no_seeds,
		# Relays are paths of one address.
		'bigbrotr.sync_connections_per_host' => 5000,
		'bigbrotr.sync_connections_per_address' => 0,
		'bigbrotr.sync_connections_per_site' => 5000,
		%settings);
	write_file('>>', "$data/postgresql.conf", map { "$_ = '$settings{$_}'\n" } sort keys %settings);
	$self->control('start');
	$self->sql('CREATE EXTENSION bigbrotr');
	return $self;
}

sub stop
{
	my ($self) = @_;
	return unless $self->{data};
	$self->control('stop', qw(-m immediate));
	remove_tree(delete $self->{data});
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $@);
	eval { $self->stop };
	return;
}

sub control
{
	my ($self, $command, @options) = @_;
	# Not by run_quietly: the server would inherit its pipe and keep it open.
	my @pg_ctl = (pg_program('pg_ctl'), qw(-s -w -D), $self->{data}, '-l', "$self->{data}/log");
	system(@pg_ctl, @options, $command) == 0 or die "pg_ctl $command failed:\n", $self->end_of_log;
	return;
}

sub end_of_log
{
	my ($self) = @_;
	open my $file, '<', "$self->{data}/log" or return '';
	my @lines = <$file>;
	return splice @lines, @lines > 20 ? -20 : 0;
}

# A client program of PostgreSQL, connected to a database.
sub program
{
	my ($self, $name, $database) = @_;
	return (pg_program($name), qw(-U postgres -h), $self->{socket}, '-d', $database // 'postgres');
}

sub psql
{
	my ($self, $database) = @_;
	return ($self->program('psql', $database), qw(-XAtq -v ON_ERROR_STOP=1));
}

# The answer of one or more statements: rows by line, columns by "|".
sub sql
{
	my ($self, $statements, $database) = @_;
	my $out = run_quietly($self->psql($database), '-c', $statements);
	chomp $out;
	return $out;
}

# A session that stays open: a sub that runs a statement and returns the one line of its answer. It ends with the sub.
sub session
{
	my ($self) = @_;
	open2(my $out, my $in, $self->psql);
	$in->autoflush(1);
	return sub {
		my ($statement) = @_;
		print {$in} "$statement;\n";
		my $line = <$out> // die "the server is gone; end of its log:\n", $self->end_of_log;
		chomp $line;
		return $line;
	};
}

# Milliseconds that each statement took, as its session sees it: the answer is received, but not looked at.
sub timed
{
	my ($self, $database, @statements) = @_;
	my $script = "$self->{data}/timed.sql";
	write_file('>', $script, "\\o /dev/null\n\\timing on\n", map { "$_;\n" } @statements);
	my @times = run_quietly($self->psql($database), '-f', $script) =~ /^Time: ([\d.]+) ms/mg;
	die "statements went without time\n" if @times != @statements;
	return @times;
}

1;
