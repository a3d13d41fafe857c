# What packagers rely on: one version of the software everywhere, that of the schema, and an installation that can be taken away.
use strict;
use warnings;
use File::Find;
use FindBin;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

chdir "$FindBin::RealBin/../.." or die "chdir: $!";
my ($version) = slurp_file('bigbrotr.control') =~ /^default_version = '(.*)'/m;
my $meta = decode_json(slurp_file('META.json'));
is($meta->{provides}{bigbrotr}{version}, $version, 'META.json provides the extension with the version of the control file');
ok(-e $meta->{provides}{bigbrotr}{$_}, "… and its $_ is there") for qw(file docfile);
is((slurp_file('debian/changelog') =~ /^bigbrotr \(([^)]+)\)/)[0], $meta->{version}, 'the Debian package has the version of META.json, that of the software');
is((slurp_file('CHANGELOG.md') =~ /^## \[([^\]]+)\]/m)[0], $meta->{version}, 'the newest part of the changelog has it, too');

my $directory = PostgreSQL::Test::Utils::tempdir();
chomp(my $share = `$ENV{PG_CONFIG} --sharedir`);

# What is installed: all files, and the directories that are not the server's.
sub installed
{
	my @found = -e "$directory$share/bigbrotr" ? "$share/bigbrotr" : ();
	find(sub { push @found, substr $File::Find::name, length $directory unless -d }, $directory);
	return join "\n", sort @found;
}

my $log = "$directory.log";
is(system("make -s install DESTDIR=$directory >$log 2>&1"), 0, 'make install') or diag(slurp_file($log));
my $installed = installed();
like($installed, qr{/bin/\Q$_\E$}m, "… brings $_") for qw(bigbrotr-import bigbrotr-export);
is(system("make -s uninstall DESTDIR=$directory >$log 2>&1"), 0, 'make uninstall') or diag(slurp_file($log));
is(installed(), '', '… leaves nothing');

done_testing();
