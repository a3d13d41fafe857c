# What docker/ says holds: the entrypoint makes an archive, brings it up again and ends with one line where something is wrong; compose and Dockerfile name what there is,
# no file holds a secret, and alerts and dashboards ask for what the archive has. Without containers: ./check containers uses them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IPC::Run;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $docker = ArchiveTest::source_directory() . '/docker';
my $folder = PostgreSQL::Test::Utils::tempdir_short();
my ($bin) = map { s/\s+$//r } `pg_config --bindir`;
my ($major) = `pg_config --version` =~ /(\d+)/;
my %environment = (PATH => "$folder/bin:$bin:$ENV{PATH}", HOME => $folder, LD_LIBRARY_PATH => $ENV{LD_LIBRARY_PATH} // '', PG_MAJOR => $major,
	PGDATA => "$folder/volume/data", PGHOST => "$folder/run", LANG => 'C.UTF-8', DB_PASSWORD_FILE => "$folder/password", GRAFANA_PASSWORD_FILE => "$folder/view", IMPLEMENTATION => 'dev');

make_image();
bad_input();
life();
versions();
files();
up();
converter();
done_testing();

# The files of the image with other paths, without a TCP port.
sub make_image
{
	mkdir "$folder/$_" for qw(bin etc etc/presets run volume config);
	for my $file (qw(entrypoint convert_settings postgresql.conf pg_hba.conf presets/dev.conf presets/prod.conf))
	{
		my $text = slurp_file("$docker/$file");
		$text =~ s{/etc/bigbrotr}{$folder/etc}g;
		$text =~ s{/run/bigbrotr}{$folder/run}g;
		$text =~ s{^listen_addresses = .*}{listen_addresses = ''}m;
		$text =~ s{^(local \S+ postgres +)peer}{$1trust}m;
		$text =~ s{0\.0\.0\.0:8080}{unix:$folder/api}g;
		my $to = $file =~ /entrypoint|convert/ ? "$folder/bin/$file" : "$folder/etc/$file";
		write_file($to, $text);
		chmod 0755, $to;
	}
	write_file("$folder/password", "secret'of\\the test\n");
	write_file("$folder/view", "view\n");
	return;
}

sub write_file
{
	my ($file, $text) = @_;
	open my $out, '>', $file or die "$file: $!";
	print {$out} $text;
	close $out or die "$file: $!";
	return;
}

# Its exit code and its standard error.
sub entrypoint
{
	my (%with) = @_;
	local %ENV = (%environment, %with);
	my ($out, $error) = ('', '');
	IPC::Run::run([ "$folder/bin/entrypoint" ], '>', \$out, '2>', \$error, IPC::Run::timeout(3 * $PostgreSQL::Test::Utils::timeout_default));
	return ($? >> 8, $error);
}

sub bad_input
{
	write_file("$folder/empty", "\n");
	write_file("$folder/long", 'x' x 2000);
	write_file("$folder/config/wrong.yaml", "batch:\n  default_batch_size: many\n");
	mkdir "$folder/old";
	mkdir "$folder/old/data";
	write_file("$folder/old/data/PG_VERSION", "9.6\n");
	mkdir "$folder/filled";
	mkdir "$folder/filled/data";
	write_file("$folder/filled/data/photo", 'x');
	my @cases = (
		[ { DB_PASSWORD => 'x' },                                qr/both DB_PASSWORD and DB_PASSWORD_FILE are set/,       'two passwords' ],
		[ { DB_PASSWORD_FILE => "$folder/nowhere" },             qr/is missing, or no plain file: make the secrets/,                        'a missing secret' ],
		[ { DB_PASSWORD_FILE => "$folder/empty" },               qr/is empty: write the secret/,                          'an empty secret' ],
		[ { DB_PASSWORD_FILE => '' },                            qr/no password for admin: set DB_PASSWORD_FILE/,         'no secret' ],
		[ { DB_NAME => "a'b" },                                  qr/DB_NAME is not a plain name/,                         'a wrong name' ],
		[ { DB_USER => 'postgres' },                             qr/DB_USER is not a plain name, or one that is taken/,   'the name of the superuser' ],
		[ { IMPLEMENTATION => '../x' },                          qr/IMPLEMENTATION is none of dev prod/,                  'an unknown preset' ],
		[ { CONFIG_DIR => "$folder/nowhere" },                   qr/CONFIG_DIR is no folder/,                             'a missing folder' ],
		[ { SOCKS5_PROXY_URL => 'socks5://user:pw@tor:9050' },   qr/SOCKS5_PROXY_URL is not a URL/,                       'a proxy with a password' ],
		[ { SOCKS5_PROXY_URL => "socks5://x'\n:1" },             qr/SOCKS5_PROXY_URL is not a URL/,                       'a proxy of two lines' ],
		[ { ALERT_SECRET_FILE => "$folder/nowhere" },            qr/nowhere of ALERT_SECRET_FILE is missing/,             'a missing file of alerts' ],
		[ { ALERT_SECRET_FILE => $folder },                      qr/of ALERT_SECRET_FILE is missing, or no plain file/,   'a folder for a file of alerts' ],
		[ { NOSTR_KEY_FILE => $folder },                         qr/of NOSTR_KEY_FILE is missing, or no plain file/,      'a folder for a key' ],
		[ { NOSTR_KEY_FILE => "$folder/empty" },                 qr/of NOSTR_KEY_FILE is empty: write the secret/,        'an empty key' ],
		[ { NOSTR_KEY_FILE => "$folder/long" },                  qr/of NOSTR_KEY_FILE holds more than 1000 bytes/,   'a key that is none' ],
		[ { PGDATA => "$folder/old/data" },                      qr/holds an archive of PostgreSQL 9\.6, and this image has $major: .*dump the archive with it/, 'a volume of another major' ],
		[ { PGDATA => "$folder/filled/data" },                   qr/is neither empty nor an archive/,                     'a volume with other files' ],
		[ { PGDATA => "$folder/nowhere/data" },                  qr/cannot be written/,                                   'no volume' ]);
	for my $case (@cases)
	{
		my ($with, $expected, $name) = @$case;
		my ($code, $error) = entrypoint(%$with);
		ok($code == 1 && $error =~ /\A(?:bigbrotr: .*\n){1,2}\z/ && $error =~ $expected, "$name ends it with a line that says what to do") or diag("$code: $error");
		unlike($error, qr/secret'of/, 'which shows no secret');
	}
	my (undef, undef) = entrypoint(DB_PASSWORD_FILE => '');
	ok(!-e "$folder/volume/data", 'and nothing was made');
	return;
}

# The server as the last process of the entrypoint; ended when it goes out of scope.
sub start
{
	my (%with) = @_;
	local %ENV = (%environment, %with);
	my $log = "$folder/log";
	my $run = IPC::Run::start([ "$folder/bin/entrypoint" ], '>', $log, '2>&1');
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return $run if ask("SELECT count(*) FROM bigbrotr.services WHERE service = 'api' AND state = 'running'") eq '1';
		last unless $run->pumpable;
		select undef, undef, undef, 0.1;
	}
	die "the archive does not start:\n", slurp_file($log);
}

sub ask
{
	my ($query, $user, $password) = @_;
	local %ENV = (%environment, PGPASSWORD => $password // '');
	my ($out, $error) = ('', '');
	IPC::Run::run([ 'psql', '-XAtq', '-U', $user // 'postgres', '-d', 'brotr', '-c', $query ], '>', \$out, '2>', \$error);
	return $out =~ s/\n\z//r;
}

sub life
{
	# Killed while it makes the archive: the next start does it again.
	mkdir "$folder/volume/data.new";
	write_file("$folder/volume/data.new/PG_VERSION", "half\n");
	write_file("$folder/alert", 'whsec_' . 'QUJD' x 10 . "\n");
	my %with = (ALERT_SECRET_FILE => "$folder/alert", BIGBROTR_SYNC_CONNECTIONS => 7, BIGBROTR_SERVICES => 'api', CONFIG_DIR => "$folder/config", SOCKS5_PROXY_URL => 'socks5://127.0.0.1:1');
	my ($code, $error) = entrypoint(%with);
	like($error, qr/line 2: batch\.default_batch_size cannot be many\n.*wrong\.yaml cannot be converted/, 'a wrong file of the original');
	write_file("$folder/config/wrong.yaml", "batch:\n  default_batch_size: 70\n");
	write_file("$folder/config/own.conf", "bigbrotr.contact = 'ops\@example.com'\n");
	($code, $error) = entrypoint(%with, BIGBROTR_SYNC_CONNECTIONS => 'many');
	ok($code == 1 && $error =~ /bigbrotr: the server refuses settings; .*: bigbrotr\.sync_connections = many/, 'a wrong setting of the environment') or diag($error);

	my $run = start(%with);
	is(ask("SELECT string_agg(current_setting('bigbrotr.' || s), ' ' ORDER BY s) FROM unnest('{contact,databases,default_batch_size,politeness,sync_connections,tor_proxy}'::text[]) AS s"),
		'ops@example.com brotr 70 quiet 7 socks5://127.0.0.1:1', 'settings of preset, folder and environment');
	my $copy = ask('SHOW bigbrotr.alert_secret_file');
	is(slurp_file($copy), slurp_file("$folder/alert"), 'the secret of alerts');
	is((stat $copy)[2] & 0777, 0600, 'which nobody else may read');
	like(slurp_file("$folder/log"), qr/bigbrotr: the proxy 127\.0\.0\.1:1 of SOCKS5_PROXY_URL does not answer: relays of its network wait/, 'a proxy that does not answer is named');
	is(ask('SELECT current_user', 'admin', "secret'of\\the test"), 'admin', 'the password of the file opens the archive');
	is(ask('SELECT current_user', 'admin', 'wrong'), '', 'and no other');
	is(ask("SELECT pg_has_role('admin', 'bigbrotr_admin', 'MEMBER') AND NOT rolsuper FROM pg_roles WHERE rolname = 'admin'"), 't', 'its user is administrator and no superuser');
	ask(q{SELECT bigbrotr.add_relay('wss://relay.example.com')});
	my ($pid) = slurp_file("$folder/volume/data/postmaster.pid") =~ /\A(\d+)/;
	is(readlink("/proc/$pid/exe") =~ m{([^/]+)$} ? $1 : '', 'postgres', 'the server has taken the place of the entrypoint');
	my $environ = slurp_file("/proc/$pid/environ");
	unlike($environ . slurp_file("$folder/log"), qr/secret'of/, 'no secret in its environment and its log');
	kill 'KILL', $pid;
	$run->finish;
	all_gone_from("$folder/volume/data");

	write_file("$folder/password", "another\n");
	$run = start(%with);
	is(ask('SELECT count(*) FROM bigbrotr.relays'), '1', 'killed and started again: what was there is there');
	is(ask('SELECT current_user', 'admin', 'another'), 'admin', 'and a new password is taken up');
	queries();
	{
		local %ENV = %environment;
		my $fault;
		ok(IPC::Run::run([ qw(pg_basebackup -U postgres -D - -F tar -X fetch -c fast) ], '>', "$folder/base.tar", '2>', \$fault), 'a backup through the socket') or diag($fault);
	}
	like(`tar -tf "$folder/base.tar"`, qr/^backup_label$/m, 'which is one');
	$run->signal('INT');
	$run->finish;
	recovery();
	return;
}

# The backup in another volume, restored to a target, where the server waits.
sub recovery
{
	mkdir "$folder/restored";
	mkdir "$folder/restored/data", 0700;
	system('tar', '-xf', "$folder/base.tar", '-C', "$folder/restored/data") == 0 or die "tar: $?";
	write_file("$folder/restored/data/recovery.signal", '');
	mkdir "$folder/recovery";
	write_file("$folder/recovery/recovery.conf", "restore_command = 'false'\nrecovery_target = 'immediate'\nrecovery_target_action = pause\n");
	my $run = start(PGDATA => "$folder/restored/data", BIGBROTR_SERVICES => 'api', CONFIG_DIR => "$folder/recovery");
	is(ask('SELECT pg_is_in_recovery()'), 't', 'a volume that is being restored starts');
	like(slurp_file("$folder/log"), qr/^bigbrotr: the archive is restored up to its recovery target: start the container again after that/m, 'and says what comes later');
	is(ask('SELECT url FROM bigbrotr.relays'), 'wss://relay.example.com', 'with what was in the backup');
	is(ask('SELECT pg_promote()'), 't', 'it is ended by hand');
	$run->signal('INT');
	$run->finish;
	write_file("$folder/password", "after\n");
	$run = start(PGDATA => "$folder/restored/data", BIGBROTR_SERVICES => 'api', CONFIG_DIR => "$folder/recovery");
	is(ask('SELECT current_user', 'admin', 'after'), 'admin', 'the next start brings passwords up to date');
	$run->signal('INT');
	$run->finish;
	return;
}

# A volume of an older schema is brought up to date, one of a newer schema is refused.
sub versions
{
	my %with = (BIGBROTR_SERVICES => 'api', CONFIG_DIR => "$folder/config");
	alone('SET bigbrotr.allow_drop_extension = on', 'DROP EXTENSION bigbrotr', q{CREATE EXTENSION bigbrotr VERSION '0.1.0'},
		q{INSERT INTO bigbrotr.relays (url, network, inserted_at) VALUES ('wss://old.example.com', 'clearnet', 1)});
	my $run = start(%with);
	is(ask(q{SELECT extversion = (SELECT default_version FROM pg_available_extensions AS a WHERE a.name = extname) FROM pg_extension WHERE extname = 'bigbrotr'}), 't',
		'a volume of an older schema is brought up to date');
	is(ask('SELECT url FROM bigbrotr.relays'), 'wss://old.example.com', 'with what was in it');
	$run->signal('INT');
	$run->finish;
	alone(q{UPDATE pg_extension SET extversion = '99.0' WHERE extname = 'bigbrotr'});
	my ($code, $error) = entrypoint(%with);
	ok($code == 1 && $error =~ /\A(?:bigbrotr: the proxy .*\n)*bigbrotr: the volume holds an archive with the schema 99\.0, and this image has [\d.]+, to which no upgrade leads: .*\n\z/,
		'a volume of a newer schema ends it with a line that says what to do') or diag("$code: $error");
	ok(!-e "$folder/volume/data/postmaster.pid", 'and no server is left');
	return;
}

# Statements for the database while no service runs.
sub alone
{
	my (@statements) = @_;
	local %ENV = %environment;
	my @server = ('pg_ctl', '-D', "$folder/volume/data", '-s', '-w', '-t', $PostgreSQL::Test::Utils::timeout_default);
	IPC::Run::run([ @server, '-l', "$folder/log", '-o', "-c config_file=$folder/etc/postgresql.conf -c bigbrotr.enabled=off", 'start' ]) or die "the server does not start\n";
	my ($out, $error) = ('', '');
	IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-U', 'postgres', '-d', 'brotr', map { ('-c', $_) } @statements ], '>', \$out, '2>', \$error) or diag($error);
	IPC::Run::run([ @server, '-m', 'fast', 'stop' ]) or die "the server does not stop\n";
	return;
}

# What dashboards and alerts ask for is there.
sub queries
{
	my %names = map { $_ => 1 } split /\n/, ask(q{
		SELECT n.name || s FROM _bigbrotr.metric_names AS n CROSS JOIN LATERAL unnest(CASE n.type WHEN 'counter' THEN ARRAY['_total'] WHEN 'info' THEN ARRAY['_info']
			WHEN 'histogram' THEN ARRAY['_bucket', '_sum', '_count'] WHEN 'summary' THEN ARRAY['', '_sum', '_count'] ELSE ARRAY[''] END) AS s});
	my $recording = slurp_file("$docker/prometheus/recording.yml");
	$names{$_} = 1 for $recording =~ /record: (\S+)/g;
	my (@unknown, @failed, $panels);
	my $look = sub {
		my ($where, $text) = @_;
		push @unknown, map { "$where: $_" } grep { !$names{$_} } $text =~ /\b(bigbrotr[_:][a-z0-9_:]+)/g;
	};
	$look->($_, join "\n", slurp_file("$docker/prometheus/$_") =~ /^ +expr: (.*)/mg) for qw(alerts.yml recording.yml);
	for my $file (glob "$docker/grafana/dashboards/*.json")
	{
		my $dashboard = decode_json(slurp_file($file));
		my (%variables) = map { ("\${$_->{name}}" => $_->{query}) } @{ $dashboard->{templating}{list} };
		for my $panel (@{ $dashboard->{panels} })
		{
			for my $target (@{ $panel->{targets} })
			{
				my $where = "$dashboard->{title}, $panel->{title}";
				push @unknown, "$where: $target->{datasource}{uid}" if ($variables{ $target->{datasource}{uid} } // '') ne $target->{datasource}{type};
				$look->($where, $target->{expr}) if $target->{expr};
				next unless my $query = $target->{rawSql};
				$query =~ s/\$__unixEpoch(From|To)\(\)/$1 eq 'From' ? 1700000000 : 1800000000/ge;
				$query =~ s/\$\{relay:sqlstring\}/'wss:\/\/relay.example.com'/g;
				$panels++;
				push @failed, "$where: $query" unless ask("SELECT 'ok' FROM (SELECT count(*) FROM ($query) AS q) AS c", 'grafana', 'view') eq 'ok';
			}
		}
	}
	is_deeply(\@unknown, [], 'alerts and panels name metrics and data sources that there are');
	is_deeply(\@failed, [], 'the panels\' SQL runs as the role that the dashboards have');
	cmp_ok($panels, '>', 15, "$panels of them");
	return;
}

sub files
{
	my $compose = slurp_file("$docker/compose.yaml");
	my $dockerfile = slurp_file("$docker/Dockerfile");
	my @targets = $compose =~ /target: (\w+)/g;
	is_deeply([ grep { $dockerfile !~ /^FROM base AS $_$/m } @targets ], [], 'each target of compose is one of the Dockerfile');
	is(scalar(() = $compose =~ /^    <<: \*hardened$/mg), scalar(() = $compose =~ /^    image: /mg), 'each container is hardened');
	for my $limit (qw(healthcheck pids_limit mem_limit))
	{
		is(scalar(() = $compose =~ /^    $limit:/mg), scalar(() = $compose =~ /^    image: /mg), "each container has $limit");
	}
	is_deeply([ $compose =~ /^    (depends_on: .+)$/mg ], [], 'who needs another container waits until that is healthy');
	is_deeply([ grep { !-e "$docker/$_" } map { s{^\./}{}r } grep { !/secrets|tls/ } $compose =~ m{(?<=[- ])(?:\$\{\w+:-)?(\./[\w./]+)\}?:}g ], [], 'what is mounted is there');
	is_deeply([ grep { !-e "$docker/../$_" } map { split ' ' } map { s/ \S+$//r } $dockerfile =~ /^COPY ([^-].*)$/mg ], [], 'what is copied is there');
	for my $stage (split /^FROM /m, $dockerfile)
	{
		like($stage, qr/^USER (?!root|0)[\w-]+$/m, 'no root: ' . $1) if $stage =~ /^base AS (\w+)\n.*ENTRYPOINT/s;
	}
	my @secrets;
	for my $file (split /\n/, `find "$docker" -type f -not -path '*/secrets/*'`)
	{
		push @secrets, $file if slurp_file($file) =~ /(?:nsec1[a-z0-9]{20}|BEGIN [A-Z ]*PRIVATE KEY|(?i:password|secret)["']?\s*[:=]\s*["']?[A-Za-z0-9]{8,}["']?$)/m;
	}
	is_deeply(\@secrets, [], 'no file holds a secret');
	my $runbook = slurp_file("$docker/../docs/metrics.md");
	my $alerts = slurp_file("$docker/prometheus/alerts.yml");
	is_deeply([ grep { $runbook !~ /^### $_$/m } $alerts =~ /alert: (\w+)/g ], [], 'each alert has its lines of the runbook');
	is_deeply([ grep { slurp_file("$docker/prometheus/tests.yml") !~ /name: $_$/m } $alerts =~ /alert: (\w+)/g ], [], 'and its test');
  SKIP:
	{
		my ($amtool) = grep { -x } map { "$_/amtool" } split /:/, $ENV{PATH};
		skip 'amtool is not installed', 1 unless $amtool;
		write_file("$folder/alertmanager.yml", ArchiveTest::alertmanager_config('http://127.0.0.1:9/'));
		my $said = '';
		ok(IPC::Run::run([ $amtool, 'check-config', "$folder/alertmanager.yml" ], '>', \$said, '2>&1'), 'amtool check-config') or diag($said);
	}
  SKIP:
	{
		my ($promtool) = grep { -x } map { "$_/promtool" } split /:/, $ENV{PATH};
		skip 'promtool is not installed', 2 unless $promtool;
		for my $check ([ 'check', 'rules', 'alerts.yml', 'recording.yml' ], [ 'test', 'rules', 'tests.yml' ])
		{
			my $said = '';
			ok(IPC::Run::run([ $promtool, @$check ], '>', \$said, '2>&1', init => sub { chdir "$docker/prometheus" }), "promtool @$check") or diag($said);
		}
	}
	return;
}

# docker/up with a program in the place of compose that shows its environment.
sub up
{
	mkdir "$folder/$_" for qw(up up/tools up/of_env_file caller caller/mine);
	append_to_file("$folder/up/up", slurp_file("$docker/up"));
	append_to_file("$folder/up/tools/compose", "#!/bin/sh\nenv\n");
	append_to_file("$folder/up/tools/nproc", "#!/bin/sh\necho \$PROCESSORS\n");
	chmod 0755, glob "$folder/up/tools/*";
	my $run = sub {
		my (%with) = @_;
		local %ENV = (%ENV, PATH => "$folder/up/tools:$ENV{PATH}", COMPOSE => 'compose', PROCESSORS => 2, %with);
		my $said = '';
		IPC::Run::run([ 'sh', '../up/up', split / /, $with{ARGUMENTS} // '' ], '>', \$said, '2>&1', init => sub { chdir "$folder/caller" });
		return $said;
	};
	for my $password ('it\'s $new', 'another')
	{
		unlike($run->(DB_PASSWORD => $password), qr/^DB_PASSWORD=/m, 'the password is not handed on in the environment');
		is(slurp_file("$folder/up/secrets/db_password"), "$password\n", 'docker/up takes DB_PASSWORD up');
	}
	is_deeply([ map { s{.*/}{}r } sort glob "$folder/up/secrets/*" ], [qw(alert_url db_password grafana_db_password grafana_password pgbouncer_password)], 'and makes the other secrets');
	like($run->(ARGUMENTS => '--profile demo'), qr/^ALLOW_LOCAL_RELAYS=on$/m, 'the relay of the demo may be read');
	unlike($run->(), qr/^ALLOW_LOCAL/m, 'and no other of a private network');
	like($run->(ARGUMENTS => '--profile observability'), qr/^docker\/up: nobody is told of alerts: write the URL/m, 'who watches without a receiver of alerts is told');
	unlike($run->(), qr/nobody is told/, 'and nobody else');
	write_file("$folder/up/secrets/alert_url.new", "https://hooks.example.com/x\n");
	rename "$folder/up/secrets/alert_url.new", "$folder/up/secrets/alert_url" or die $!;
	unlike($run->(ARGUMENTS => '--profile observability'), qr/nobody is told/, 'nor who has one');
	like($run->(), qr/^ARCHIVE_CPUS=2$/m, 'not more processors than there are');
	like($run->(PROCESSORS => 16), qr/^ARCHIVE_CPUS=4$/m, 'and four at most');
	like($run->(ARCHIVE_CPUS => 8), qr/^ARCHIVE_CPUS=8$/m, 'unless somebody says it');
	like($run->(CONFIG_DIR => 'mine'), qr{^CONFIG_DIR=\Q$folder\E/caller/mine$}m, 'a relative folder is one of the caller');
	like($run->(TLS_DIR => "$folder/caller/mine"), qr{^TLS_DIR=\Q$folder\E/caller/mine$}m, 'a whole path stays');
	is($run->(TLS_DIR => 'nowhere'), "docker/up: the folder $folder/caller/nowhere, which TLS_DIR names, is missing: make it, or name another one\n", 'a missing folder is named');
	write_file("$folder/up/.env", "CONFIG_DIR='of_env_file'\nARCHIVE_CPUS=1\n");
	my $said = $run->();
	like($said, qr{^CONFIG_DIR=\Q$folder\E/up/of_env_file$}m, 'a folder of .env is one of docker/');
	unlike($said, qr/^ARCHIVE_CPUS=/m, 'and its processors are left to compose');
	return;
}

sub converter
{
	write_file("$folder/brotr.yaml", <<'	END' =~ s/^\t//gmr);
	pool:
	  database:
	    host: localhost
	    database: brotr # by name
	  limits:
	    max_size: 20
	batch:
	  default_batch_size: 100               # Default for batch operations
	  max_batch_size: 1000
	procedures:
	  insert_event: insert_event
	timeouts:
	  query: 60.0
	  procedure: "90"
	log_level: INFO
	enable_warmup: false
	relays:
	  - wss://one.example.com
	  - {url: wss://two.example.com, priority: 1}
	"quoted": 1
	kinds: [0, 1,
	  3]
	END
	is(`perl "$docker/convert_settings" "$folder/brotr.yaml"` =~ s/^# .*\n//gmr, <<'	END' =~ s/^\t//gmr, 'the settings of the original');
	bigbrotr.default_batch_size = '100'
	bigbrotr.max_batch_size = '1000'
	bigbrotr.query_timeout = '60000ms'
	bigbrotr.procedure_timeout = '90000ms'
	bigbrotr.log_level = 'info'
	bigbrotr.warmup = 'off'
	END
	my @not_read = `perl "$docker/convert_settings" "$folder/brotr.yaml"` =~ /^(# line .*)$/mg;
	is(scalar @not_read, 4, 'what is no "key: value" becomes a comment');
	is($not_read[1], '# line 19: - {url: wss://two.example.com, priority: 1}: not read, as it is no "key: value"', 'which shows it');
	return;
}
