# Thousands of relays for the monitor (bigbrotr-farm), and a net process that asks their name server.
package RelayFarm;

use strict;
use warnings;
use File::Temp qw(tempdir);
use IPC::Open2 qw(open2);
use JSON::PP qw(decode_json);

# programs: the folder of bigbrotr-farm; options: those of bigbrotr-farm. The relays end with the object.
sub start
{
	my ($class, $programs, %options) = @_;
	my $folder = tempdir('bigbrotr-farm-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	# The net process reads the certificate as the user of the server, who is ours.
	open2(my $out, my $in, "$programs/bigbrotr-farm", '--authority', "$folder/authority.pem", '--truth', "$folder/truth.tsv", map { ("--$_" => $options{$_}) } sort keys %options);
	my $told = <$out> // die "bigbrotr-farm did not start\n";
	return bless {
		programs    => $programs,
		folder      => $folder,
		answers     => $out,
		commands    => $in,
		name_server => decode_json($told)->{name_server},
	  },
	  $class;
}

# The file with the certificate of their authority.
sub authority { return "$_[0]{folder}/authority.pem" }

# The folder of a program on the path.
sub folder_of
{
	my ($program) = @_;
	for my $folder (split /:/, $ENV{PATH})
	{
		return $folder if -x "$folder/$program";
	}
	die "there is no $program on the path\n";
}

# Settings of a server whose net processes trust the farm's authority and ask its name server. libraries: the
# folder of bigbrotr.so.
sub settings
{
	my ($self, $libraries) = @_;
	my $folder = tempdir('library-XXXXXX', DIR => $self->{folder});
	symlink "$libraries/$_", "$folder/$_" or die "$folder/$_: $!\n" for qw(bigbrotr.so bigbrotr_core.so);
	open my $file, '>', "$folder/bigbrotr-net" or die "$folder/bigbrotr-net: $!\n";
	print {$file} "#!/bin/sh\n",
	  "export LD_PRELOAD='$self->{programs}/libbigbrotr-names.so' BIGBROTR_TEST_NAME_SERVER='$self->{name_server}'\n",
	  "exec '$libraries/bigbrotr-net' \"\$@\"\n";
	close $file or die "$folder/bigbrotr-net: $!\n";
	chmod 0755, "$folder/bigbrotr-net";
	return (
		'shared_preload_libraries'    => "$folder/bigbrotr",
		'bigbrotr.tls_ca_file'        => $self->authority,
		'bigbrotr.allow_local_relays' => 'on');
}

# The file that says what the monitor should have found by now.
sub truth
{
	my ($self) = @_;
	syswrite $self->{commands}, "\n";
	readline($self->{answers}) // die "bigbrotr-farm is gone\n";
	return "$self->{folder}/truth.tsv";
}

sub urls
{
	my ($self) = @_;
	open my $file, '<', $self->truth or die "$!\n";
	return map { (split /\t/)[0] } <$file>;
}

# Statements that fill the table public.truth with what the monitor should have found by now.
sub load_truth
{
	my ($self) = @_;
	my $file = $self->truth;
	return qq{
		SET client_min_messages = warning;
		CREATE TABLE IF NOT EXISTS public.truth (url text PRIMARY KEY, kind text, status text, reason text, waits_for text,
			delay_ms integer, open_us bigint, read_us bigint);
		TRUNCATE public.truth;
		COPY public.truth FROM '$file';
		ANALYZE public.truth};
}

# Compares what the monitor found with the truth: a row for each kind of mistake.
my $mistakes = q{
	SELECT t.kind, t.status AS true_status, t.reason AS true_reason, s.status, coalesce(s.reason, '') AS reason, count(*) AS relays
	FROM public.truth AS t LEFT JOIN bigbrotr.relay_status AS s ON s.relay_url = t.url
	WHERE (t.status, t.reason) IS DISTINCT FROM (s.status, coalesce(s.reason, '')) GROUP BY 1, 2, 3, 4, 5};

sub mistakes { return $mistakes }

1;
