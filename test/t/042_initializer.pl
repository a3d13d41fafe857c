# The initializer: seeds from a file, from the shipped list, with bad lines; what keeps it from working is said clearly.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node  = archive_server('initializer', 'bigbrotr.services' => 'initializer', 'bigbrotr.allow_local_relays' => 'off');
my $seeds = $node->basedir . '/seeds';
my $done  = q{state = 'done' FROM bigbrotr.services WHERE service = 'initializer'};

# Runs the initializer again with this seed file.
my $load = sub {
	my ($file) = @_;
	$node->append_conf('postgresql.conf', "bigbrotr.seed_file = '$file'\n");
	$node->reload;
	wait_for($node, "current_setting('bigbrotr.seed_file') = '$file'");
	$node->safe_psql('postgres', q{SELECT bigbrotr.restart_service('initializer')});
};

my $of_it = q{FROM bigbrotr.services WHERE service = 'initializer'};
wait_for($node, $done);

append_to_file($seeds, "# ours\nwss://one.example.com\nTWO.example.com\r\nws://192.168.1.1\nwss://broken\xff\xfe.example.com\nwss://nul\0.example.com\nnot a relay\n");
$load->($seeds);
wait_for($node, q{count(*) = 2 FROM bigbrotr.relays});
wait_for($node, $done);
is($node->safe_psql('postgres', 'SELECT url FROM bigbrotr.relays ORDER BY url'), "wss://one.example.com\nwss://two.example.com", 'the good lines are loaded');
is($node->safe_psql('postgres', "SELECT string_agg(line::text, ',' ORDER BY line) FROM bigbrotr.seed_rejects WHERE source = '$seeds'"), '4,5,6,7', 'the bad ones are refused');
is($node->safe_psql('postgres', "SELECT reason FROM bigbrotr.seed_rejects WHERE line = 4"), 'local_address', 'with the reason');

my $log = -s $node->logfile;
$load->('');
wait_for($node, q{count(*) > 50 FROM bigbrotr.relays});
wait_for($node, $done);
is($node->safe_psql('postgres', q{SELECT count(*) FROM bigbrotr.seed_rejects WHERE source = 'shipped'}), 0, 'the shipped list is all relays');
like(slurp_file($node->logfile, $log), qr/seed list "shipped": \d+ added, \d+ known, 0 refused/, 'one line of the log tells');

# How the archive is, as a view and in the log.
is($node->safe_psql('postgres', q{SELECT bool_and(good), string_agg(item, ',' ORDER BY item) FROM bigbrotr.health_report WHERE item !~ '^service|^list'}), 't|archive,relays,version', 'a report');
like($node->safe_psql('postgres', q{SELECT detail FROM bigbrotr.health_report WHERE item = 'service initializer'}), qr/^done/, 'of each service');
like(slurp_file($node->logfile, $log), qr/LOG:  health report: all is well\n.*DETAIL:  version: library \S+, schema \S+, PostgreSQL .*\n(?:\t.*\n)*\trelays: \d+ known: \d+ candidate\n/, 'the log has it as one entry');

# A list that cannot be read is reported and keeps nobody from working.
for my $case ([ '/nowhere/seeds', 'No such file or directory' ], [ $node->basedir, 'Is a directory' ])
{
	my ($file, $reason) = @$case;
	$log = -s $node->logfile;
	$load->($file);
	wait_for($node, "EXISTS (SELECT FROM bigbrotr.refusals WHERE seed_list = '$file')");
	wait_for($node, $done);
	is($node->safe_psql('postgres', "SELECT reason, last_detail FROM bigbrotr.refusals WHERE source = 'seeds' AND seed_list = '$file'"),
		qq{unreadable|could not read seed file "$file": $reason}, 'an unreadable file is listed');
	like(slurp_file($node->logfile, $log), qr/WARNING:  could not read seed file "\Q$file\E": $reason; no seeds are loaded/, 'and logged');
	is($node->safe_psql('postgres', "SELECT good, detail FROM bigbrotr.health_report WHERE item = 'list $file'"), qq{f|could not read seed file "$file": $reason}, '… and reported');
	like(slurp_file($node->logfile, $log), qr/WARNING:  health report: not all is well\n.*DETAIL:  To be looked at:\n(?:\tlist .*\n)*\tlist \Q$file\E: could not read.*\n(?:\tlist .*\n)*\tAll is well with:\n\tversion: /, '… in the log, too');
}

$load->($seeds);
wait_for($node, $done);
$node->safe_psql('postgres', 'ALTER TABLE bigbrotr.sightings RENAME seen_at TO seen_on');
$node->safe_psql('postgres', q{SELECT bigbrotr.restart_service('initializer')});
wait_for($node, qq{last_error ~ 'lacks the column "bigbrotr.sightings seen_at bigint"' $of_it});
pass('a changed schema is noticed');

# Reading without a limit is announced: by CREATE EXTENSION, and by the log when relays are loaded.
append_to_file("$seeds.local", "ws://127.0.0.1:1\n");
$node->append_conf('postgresql.conf', <<"END");
bigbrotr.databases = 'postgres, later'
bigbrotr.services = 'initializer, synchronizer'
bigbrotr.allow_local_relays = on
bigbrotr.seed_file = '$seeds.local'
log_line_prefix = '%b '
END
$node->safe_psql('postgres', 'DROP EXTENSION bigbrotr');
$node->reload;
$node->safe_psql('postgres', "CREATE DATABASE $_") for qw(unlisted later limited);
my $create = sub {
	my ($database) = @_;
	$node->psql($database, 'CREATE EXTENSION bigbrotr', stderr => \my $warnings);
	return $warnings;
};
my $unlimited = qr/WARNING:  the background workers begin to archive the relays of the seed list, and the size of the archive has no limit\n.*DETAIL:  .*bigbrotr\.min_free_disk.*\n.*HINT:  Set bigbrotr\.max_database_size/;
my $warnings = $create->('unlisted');
like($warnings, qr/WARNING:  no background worker runs in database "unlisted"\n.*not in bigbrotr\.databases.*HINT:  Add the database/s, 'a database that is not listed');
unlike($warnings, $unlimited, '… gets no other warning');
$log = -s $node->logfile;
like($create->('later'), $unlimited, 'a listed database: the archive has no limit');
$node->wait_for_log(qr/^bigbrotr initializer $unlimited/m, $log);
pass('the initializer warns with the same words');

$node->append_conf('postgresql.conf', "bigbrotr.databases = 'postgres, later, limited'\nbigbrotr.max_database_size = '1GB'\n");
$node->reload;
wait_for($node, q{current_setting('bigbrotr.max_database_size') = '1GB'});
$log = -s $node->logfile;
is($create->('limited'), '', 'a limit: nothing to warn of');
$node->wait_for_log(qr/seed list ".*": 1 added/, $log);
$node->wait_for_log(qr/health report/, $log);
unlike(slurp_file($node->logfile, $log), qr/has no limit/, '… in the log neither');

$node->stop;
done_testing();
