# Which PostgreSQL ./quickstart, ./check and ./bench take, and how they refuse one.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/../..";
my $directory = PostgreSQL::Test::Utils::tempdir();

# Runs a line of the shell with the scripts' functions; returns what it says.
sub shell
{
	my ($major, $line) = @_;
	local $ENV{PG_MAJOR} = $major;
	my $said = `bash -c 'set -euo pipefail; source "\$0/scripts/lib.sh"; $line' '$root' 2>&1`;
	chomp $said;
	return $said;
}

append_to_file("$directory/PG_VERSION", "15\n");
my $archive = "choose_major $directory; echo \$PG_MAJOR";
is(shell('',   $archive), '15', 'the major of the archive that is there');
is(shell('15', $archive), '15', '… also when it is asked for');
like(shell('17', $archive), qr/asks for PostgreSQL 17, but PostgreSQL 15 made the archive in \Q$directory\E/, '… but it is not changed');

my $fresh = 'choose_major; echo $PG_MAJOR ${SERVER_PACKAGES[*]}';
like(shell('16', $fresh), qr/^16 .* postgresql-16 postgresql-server-dev-16$/, 'the major of the environment');
like(shell($_, $fresh), qr/PostgreSQL \Q$_\E \(PG_MAJOR asks for it\) is not supported; PostgreSQL 14 to \d+ is/, "… refused: $_") for qw(13 99 015 16.1 x);
my ($installed) = shell('', $fresh) =~ /^(\d+) /;
ok(-x "/usr/lib/postgresql/$installed/bin/postgres", 'one that is installed');

# An apt-cache that knows only one version of the package "postgresql".
sub offered_by
{
	my ($version) = @_;
	mkdir "$directory/bin";
	unlink "$directory/bin/apt-cache";
	append_to_file("$directory/bin/apt-cache", "#!/bin/sh\nprintf 'postgresql:\\n  Installed: (none)\\n  Candidate: %s\\n' '$version'\n");
	chmod 0755, "$directory/bin/apt-cache";
	local $ENV{PATH} = "$directory/bin:$ENV{PATH}";
	return shell('', 'can_be_root() { false; }; offered_major');
}
is(offered_by('15+248+deb12u1'),     '15', 'Debian offers');
is(offered_by('16+257build1.1'),     '16', 'Ubuntu offers');
is(offered_by('18+287.pgdg130+1'),   '18', 'PGDG offers');
is(offered_by('(none)'),             '',   'nobody offers');

done_testing();
