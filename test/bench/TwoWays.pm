# One server with both ways side by side: the archive in the database postgres, the original way
# (baseline/original.sql) in the database original. Both are fed from the same files of events.
package TwoWays;

use strict;
use warnings;
use BenchReport;
use BenchServer;
use JSON::PP qw(decode_json);

our $original_batch = 100;
our $archive_batch = 500;

# No other settings than these: background work off, so that runs are alike.
my %settings = (
	'bigbrotr.databases'  => '',
	'shared_buffers'      => '2GB',
	'max_wal_size'        => '8GB',
	'checkpoint_timeout'  => '30min',
	'autovacuum'          => 'off',
	'jit'                 => 'off',
	'synchronous_commit'  => 'off');

sub start
{
	my ($class) = @_;
	my $server = BenchServer->start(%settings);
	$server->sql('CREATE DATABASE original');
	return bless { server => $server }, $class;
}

sub server { return $_[0]{server} }

# Empty tables and all indexes on both sides; then they get the indexes that a case wants:
#   original  the original's: id, author, time, kind (ours has the key eid besides)
#   tags      the same and an index for tag filters
#   own       those that each side is made with
sub reset_tables
{
	my ($self, $indexes) = @_;
	my $server = $self->{server};
	# Another commit (--against) may not have the setting yet.
	$server->sql(q{SELECT set_config(name, 'on', false) FROM pg_settings WHERE name = 'bigbrotr.allow_drop_extension'; DROP EXTENSION bigbrotr CASCADE});
	$server->sql('CREATE EXTENSION bigbrotr');
	$server->sql('DROP SCHEMA public CASCADE; CREATE SCHEMA public', 'original');
	BenchServer::run_quietly($server->psql('original'), '-f', 'test/bench/baseline/original.sql');
	if ($indexes ne 'own')
	{
		drop_secondary_indexes($server, 'bigbrotr.events', 'postgres');
		$server->sql("CREATE INDEX ON bigbrotr.events ($_)") for qw(pubkey created_at kind);
		$server->sql('SELECT bigbrotr.create_tag_index()') if $indexes eq 'tags';
	}
	BenchServer::run_quietly($server->psql('original'), '-f', 'test/bench/baseline/tagvalues.sql') if $indexes eq 'tags';
	return;
}

# Drops the indexes that are no constraint, and returns the statements that create them again.
sub drop_secondary_indexes
{
	my ($server, $table, $database) = @_;
	my $secondary = qq{FROM pg_index AS i WHERE i.indrelid = '$table'::regclass
		AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)};
	my @create = split /\n/, $server->sql("SELECT pg_get_indexdef(i.indexrelid) $secondary", $database);
	my $drop = $server->sql("SELECT 'DROP INDEX ' || string_agg(i.indexrelid::regclass::text, ', ') $secondary", $database);
	$server->sql($drop, $database) if $drop;
	return @create;
}

sub empty_tables
{
	my ($self) = @_;
	$self->{server}->sql(q{DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(format('%I.%I', schemaname, tablename), ', ')
		FROM pg_tables WHERE schemaname LIKE '%bigbrotr' AND tablename IN ('events', 'sightings', 'statistics', 'statistics_deltas')); END $$});
	$self->{server}->sql('TRUNCATE events, event_relay, relays, relay_metadata', 'original');
	$self->{server}->sql('CHECKPOINT');
	return;
}

# Feeds a file and returns events per second. way: archive, pipeline or asyncpg. Options: step
# (insert, verify, new, sightings, encoded; see feed.cpp and original.py), relay, batch, sync (synchronous commit).
sub feed
{
	my ($self, $way, $file, %options) = @_;
	my $step = $options{step} // 'insert';
	my $relay = $options{relay} // 'wss://relay.example.com';
	my $batch = $options{batch} // ($way eq 'archive' ? $archive_batch : $original_batch);
	my $sync = $options{sync} ? 'on' : 'off';
	my $database = $way eq 'archive' ? 'postgres' : 'original';
	my $server = $self->{server};
	$server->sql("ALTER DATABASE $database SET synchronous_commit = $sync");
	my @command =
	  $way eq 'asyncpg'
	  ? ('/usr/bin/python3', 'test/bench/baseline/original.py', $server->{socket}, $database, $relay, $batch, $step, $file)
	  : (BenchServer::side_tool('bigbrotr-feed'), "host=$server->{socket} dbname=$database user=postgres",
		$way eq 'archive' ? 'archive' : 'original', $step, $relay, $batch, $file);
	my $told = decode_json(BenchServer::run_quietly(@command));
	return $told->{events} / $told->{seconds};
}

# Imports a file into the archive and returns events per second: everything happens in one backend.
sub import_file
{
	my ($self, $file, $events, %options) = @_;
	my $verify = $options{verify} // 'on';
	$self->{server}->sql("ALTER DATABASE postgres SET bigbrotr.verify_events = $verify");
	my $relay = $options{relay} ? ", relay_url => '$options{relay}'" : '';
	my ($milliseconds) = $self->{server}->timed('postgres', "CALL bigbrotr.import_events('$file'$relay, resume => false)");
	return $events / $milliseconds * 1000;
}

# What the archive's database holds; dies if that is not what it should be.
sub expect
{
	my ($self, $events, $sightings) = @_;
	my $there = $self->{server}->sql('SELECT (SELECT count(*) FROM bigbrotr.events), (SELECT count(*) FROM bigbrotr.sightings)');
	die "archived events|sightings: $there, expected $events|$sightings\n" if $there ne "$events|$sightings";
	return;
}

1;
