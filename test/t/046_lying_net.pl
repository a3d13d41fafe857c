# A net process that lies: it calls a forged event verified, claims what is to come, speaks of relays that it
# was not given. It is replaced, and nothing of the batch in which it was caught is stored.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use File::Copy qw(copy);
use PostgreSQL::Test::Utils;
use Test::More;

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(events => 400, list => $list);

# The services look for the program beside the library: here it is the double, beside the true one.
chomp(my $installed = `pg_config --pkglibdir`);
my $folder = PostgreSQL::Test::Utils::tempdir();
symlink "$installed/$_", "$folder/$_" or die "symlink: $!" for qw(bigbrotr.so bigbrotr_core.so);
symlink "$installed/bigbrotr-net", "$folder/bigbrotr-net.true" or die "symlink: $!";
copy("$FindBin::RealBin/../lib/lying_net", "$folder/bigbrotr-net") or die "copy: $!";
chmod 0755, "$folder/bigbrotr-net";

sub set_lie
{
	my ($lie) = @_;
	open my $file, '>', "$folder/lie" or die "lie: $!";
	print {$file} "$lie\n";
	close $file;
	return;
}

my %reasons = (
	forged  => qr/it called a forged event verified: [0-9a-f]{64}/,
	future  => qr/it claimed the seconds \d+ to \d+ of relay 1, which it was not asked for/,
	foreign => qr/it spoke of relay 99999, which was not handed out to it/);
for my $lie (sort keys %reasons)
{
	set_lie($lie);
	my $node = archive_server("lying_$lie", 'shared_preload_libraries' => "$folder/bigbrotr", 'bigbrotr.verify_sample' => 1);
	load_truth($node, $stub);
	add_relays($node, @{ $stub->{urls} });
	wait_for($node, q{(bigbrotr.service_stats('synchronizer')->'custom'->>'net_lies')::integer > 1});
	like(slurp_file($node->logfile), $reasons{$lie}, "$lie: caught");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM bigbrotr.events WHERE NOT bigbrotr.verify_event(event_id, pubkey, created_at, kind, tags, content, sig)}),
		0, "$lie: nothing forged is archived");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events'), 0, "$lie: nothing of the batch is") if $lie ne 'future';
	is(unfounded_claims($node), 0, "$lie: nothing is claimed that is not there");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.coverage WHERE upper > bigbrotr.unix_now()'), 0, "$lie: nor what is to come");

	# The next one is honest.
	set_lie('honest');
	wait_for($node, q{phase = 'live' FROM _bigbrotr.relay_sync});
	archive_matches($node, "$lie: the next one archives the relay");
	$node->stop;
}

# A server whose net process tells a lie that is no fault, when it has told it.
sub told
{
	my ($lie, %settings) = @_;
	unlink "$folder/told";
	set_lie($lie);
	my $node = archive_server("told_$lie", 'shared_preload_libraries' => "$folder/bigbrotr", %settings);
	load_truth($node, $stub);
	add_relays($node, @{ $stub->{urls} });
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if -e "$folder/told";
		select undef, undef, undef, 0.1;
	}
	ok(-e "$folder/told", "$lie: told");
	return $node;
}

# Waits until the relay has been read once more. That was the only connection, nothing was wrong with it, and all of
# the relay is archived.
sub is_read_again
{
	my ($node, $name) = @_;
	my $pages = $node->safe_psql('postgres', 'SELECT pages FROM _bigbrotr.relay_traffic') || 0;
	wait_for($node, "pages > $pages FROM _bigbrotr.relay_traffic");
	is($node->safe_psql('postgres', 'SELECT phase, failures, faults, last_error FROM _bigbrotr.relay_sync'), 'live|0|0|', "$name: no fault");
	is($node->safe_psql('postgres', q{SELECT coalesce(bigbrotr.service_stats('synchronizer') #>> '{custom,net_lies}', '0')}),
		'0', "$name: no lie");
	archive_matches($node, $name);
	$node->stop;
	return;
}

# A report about another opening of the relay than the one that goes on is void.
is_read_again(told('stale', 'bigbrotr.sync_interval' => '1s'), 'a stale report');
# A relay whose live events were dropped is read again at once, not after sync_interval.
is_read_again(told('full', 'bigbrotr.sync_interval' => '7d'), 'dropped events');
done_testing();
