# Alerts: changes of the status of a relay are sent to the receiver that an administrator named, signed, in order, again after
# failures and crashes, and nowhere else.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use Digest::SHA qw(hmac_sha256_base64);
use JSON::PP qw(decode_json encode_json);
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use ScriptedRelay;
use Test::More;

my $folder = PostgreSQL::Test::Utils::tempdir();

# What a receiver got: each request with its body, in the order in which they came.
sub got { my ($path) = @_; return -e "$folder/$path" ? map { decode_json($_) } split /\n/, slurp_file("$folder/$path") : () }
sub header { my ($request, $name) = @_; return $request->{head} =~ /^\Q$name\E: (.*?)\r$/im ? $1 : undef }
sub ids { return map { header($_, 'webhook-id') } got(@_) }
sub statuses { return join ' ', map { decode_json($_->{body})->{status} } got(@_) }

# A receiver that answers the first request by the first of these, and so on; the last one is for all that come later.
sub receiver
{
	my ($path, @answers) = @_;
	return ("/$path" => sub {
		my ($c) = @_;
		my $body = $c->body;
		append_to_file("$folder/$path", encode_json({ head => $c->{request}, body => $body }) . "\n");
		my $number = got($path);
		my $answer = $answers[$number - 1] // $answers[-1];
		return $answer->($c) if ref $answer;
		$c->raw("HTTP/1.1 $answer\r\nContent-Length: 0\r\n\r\n");
	});
}
# Answers only when there is a file of that name.
sub when_let
{
	my ($c) = @_;
	select undef, undef, undef, 0.05 until -e "$folder/let";
	$c->raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	append_to_file("$folder/answered", 'x');
	return;
}
my $server = ScriptedRelay->start(
	receiver('taken', '200 OK'),
	receiver('empty', '204 No Content'),
	receiver('fails', '500 Internal Server Error', '200 OK'),
	receiver('moved', "302 Found\r\nLocation: /taken"),
	receiver('silent', sub { $_[0]->fill while 1 }),
	receiver('garbage', sub { $_[0]->raw("no HTTP\r\n\r\n") }),
	receiver('killed', \&when_let, '200 OK'),
	receiver('lost', sub { $_[0]->fill while 1 }, '200 OK'));
my $nobody = PostgreSQL::Test::Cluster::get_free_port();
my $base = "http://127.0.0.1:$server->{port}";

my $key = 'the secret of the receivers, 32 b';
my $secret = "$folder/secret";
my $node = archive_server('alerts', 'bigbrotr.services' => 'initializer, publisher', 'bigbrotr.log_level' => 'debug',
	'bigbrotr.connect_timeout' => '2s', 'bigbrotr.alert_secret_file' => $secret);
sub sql { return $node->safe_psql('postgres', $_[0]) }
sub error_of { my ($code, $out, $error) = $node->psql('postgres', $_[0]); return $error }
my $watched = 'FROM bigbrotr.watched_relays WHERE relay_url = ';
sub relay { return "wss://$_[0].example.com" }
sub watch
{
	my ($path, $url) = @_;
	add_relays($node, relay($path));
	sql("SELECT bigbrotr.watch_relay('@{[relay($path)]}', '" . ($url // "$base/$path") . "')");
	return;
}
# Two changes: ignored, and candidate again.
sub change { my ($path) = @_; sql("SELECT bigbrotr.disable_relay('@{[relay($path)]}')"); sql("SELECT bigbrotr.enable_relay('@{[relay($path)]}')"); return }
sub once { my ($path) = @_; sql("SELECT bigbrotr.disable_relay('@{[relay($path)]}')"); return }
sub state_of { my ($path) = @_; return sql("SELECT delivered, waiting, given_up, last_error $watched'@{[relay($path)]}'") }
sub wait_until { my ($path, $condition) = @_; return wait_for($node, "$condition $watched'@{[relay($path)]}'") }
sub at_once { my ($path) = @_; sql("UPDATE _bigbrotr.relay_watches SET next_attempt = 0 WHERE relay_id = _bigbrotr.known_relay('@{[relay($path)]}')"); return }

# Without a secret that nobody else reads, nothing is sent.
watch('taken', "$base/taken?token=hidden");
change('taken');
wait_for($node, "waiting_for = 'a secret for alerts (bigbrotr.alert_secret_file)' FROM bigbrotr.services WHERE service = 'publisher'");
$node->wait_for_log(qr/could not use the secret of bigbrotr\.alert_secret_file: No such file or directory/);
append_to_file($secret, "whsec_c2hvcnQ=\n");
chmod 0640, $secret or die "chmod: $!";
$node->wait_for_log(qr/alert_secret_file: others than its owner have access to it/);
chmod 0600, $secret or die "chmod: $!";
$node->wait_for_log(qr/alert_secret_file: it does not hold whsec_ and 24 to 64 bytes in base64/);
is(state_of('taken'), '0|2|0|', 'two changes wait for a secret');
ok(!-e "$folder/taken", 'and are not sent');

unlink $secret or die "unlink: $!";
append_to_file($secret, 'whsec_' . encode_base64($key, '') . "\n");
chmod 0600, $secret or die "chmod: $!";
# The path has a query, which belongs to none of the scripts.
wait_until('taken', 'last_error IS NOT NULL');
is(state_of('taken'), '0|2|0|http_error: HTTP status 404', 'no receiver is there');
is(sql("SELECT receiver $watched'@{[relay('taken')]}'"), $base, 'whose address ends at its host');

# What the receiver gets.
watch('taken');
is(state_of('taken'), '0|0|0|', 'what was meant for another receiver is not for this one');
change('taken');
wait_until('taken', 'delivered = 2');
is(state_of('taken'), '2|0|0|', 'changes are delivered');
my @alerts = got('taken');
is(statuses('taken'), 'ignored candidate', 'in their order');
like($alerts[0]{head}, qr{^POST /taken HTTP/1\.1\r\n}, 'a POST');
is(header($alerts[0], 'Content-Type'), 'application/json', 'of JSON');
like(header($alerts[0], 'User-Agent'), qr/^bigbrotr/, 'by us');
my $body = decode_json($alerts[0]{body});
is_deeply([ @$body{qw(relay_url status before reason)} ], [ relay('taken'), 'ignored', 'candidate', undef ], 'that says what has changed');
like(header($alerts[$_], 'webhook-id'), qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'with an id') for 0, 1;
isnt(header($alerts[0], 'webhook-id'), header($alerts[1], 'webhook-id'), 'of its own');
for my $alert (@alerts)
{
	my $mac = hmac_sha256_base64(join('.', header($alert, 'webhook-id'), header($alert, 'webhook-timestamp'), $alert->{body}), $key);
	$mac .= '=' while length($mac) % 4;
	is(header($alert, 'webhook-signature'), "v1,$mac", 'signed as Standard Webhooks say');
	cmp_ok(abs(time - header($alert, 'webhook-timestamp')), '<', 300, 'just now');
}

# Receivers that fail.
watch($_) for qw(empty fails moved silent garbage);
watch('refused', "http://127.0.0.1:$nobody/");
once($_) for qw(empty moved silent garbage refused fails);
wait_until('empty', 'delivered = 1');
pass('an empty answer will do');
my %faults = (moved => 'http_error: HTTP status 302; redirects are not followed', silent => 'connect_timeout: ', garbage => 'handshake_failed: ',
	refused => 'connection_refused: ', fails => 'http_error: HTTP status 500');
for my $path (sort keys %faults)
{
	wait_until($path, 'last_error IS NOT NULL');
	like(state_of($path), qr/^0\|1\|0\|\Q$faults{$path}/, "$path: the alert waits");
}
is(statuses('taken'), 'ignored candidate', 'nothing came by a redirect');
sql("SELECT bigbrotr.enable_relay('@{[relay('fails')]}')");
at_once('fails');
wait_until('fails', 'delivered = 2');
is(state_of('fails'), '2|0|0|', 'another attempt is better');
is(statuses('fails'), 'ignored ignored candidate', 'and later changes wait for the first');
my @ids = ids('fails');
is($ids[1], $ids[0], 'which comes with its id again');
isnt($ids[2], $ids[0], 'unlike others');
my $later = time + 100000;
my $garbage = "relay_id = _bigbrotr.known_relay('@{[relay('garbage')]}')";
my $fail = "SELECT _bigbrotr.record_alert(relay_id, alert_id::text, 'x', $later) FROM _bigbrotr.relay_alerts WHERE $garbage; SELECT next_attempt - $later FROM _bigbrotr.relay_watches WHERE $garbage;";
is(join(' ', sql("BEGIN; UPDATE _bigbrotr.relay_watches SET failures = 0 WHERE $garbage;" . $fail x 11 . 'ROLLBACK') =~ /\d+/g), '10 20 40 80 160 320 640 1280 2560 3600 3600', 'pauses grow up to an hour');

# A receiver that stays away costs a hundred rows, for three days.
sql("SELECT _bigbrotr.tell_status(_bigbrotr.known_relay('@{[relay('refused')]}'), 'test', 'online', 'status ' || n, '', bigbrotr.unix_now()) FROM generate_series(1, 120) AS n");
is(state_of('refused') =~ s/\|[^|]*$//r, '0|100|21', 'a hundred wait');
is(sql("SELECT document::json ->> 'status' FROM _bigbrotr.relay_alerts WHERE relay_id = _bigbrotr.known_relay('@{[relay('refused')]}') ORDER BY number LIMIT 1"), 'status 21', 'the newest');
sql("UPDATE _bigbrotr.relay_alerts SET changed_at = changed_at - 260000 WHERE (document::json ->> 'status') < 'status 5'");
at_once('refused');
wait_until('refused', 'waiting < 100');
like(state_of('refused'), qr/^0\|\d\d\|\d\d\|connection_refused/, 'old ones are given up');
is(sql("SELECT waiting + given_up, waiting = (SELECT count(*) FROM _bigbrotr.relay_alerts AS a WHERE a.relay_id = _bigbrotr.known_relay('@{[relay('refused')]}') AND changed_at > bigbrotr.unix_now() - 259200)
	$watched'@{[relay('refused')]}'"), '121|t', 'and no others');

# The worker is killed when the receiver has taken an alert and that is not noted yet.
watch('killed');
once('killed');
sub arrived { my ($path) = @_; for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default) { return if -e "$folder/$path"; select undef, undef, undef, 0.1 } die "nothing came: $path" }
arrived('killed');
my $worker = service_pid($node, 'publisher');
kill 'STOP', $worker;
append_to_file("$folder/let", 'x');
arrived('answered');
kill 'KILL', $worker;
gone($worker) or die 'the worker survives';
wait_until('killed', 'delivered = 1');
@ids = ids('killed');
is(scalar @ids, 2, 'what may not have been noted is sent again');
is($ids[1], $ids[0], 'with the same id');

# The net process is killed while an alert is under way.
my $net = net_pid($node, 'publisher');
watch('lost');
once('lost');
arrived('lost');
kill 'KILL', $net;
wait_until('lost', 'last_error IS NOT NULL');
is(state_of('lost'), '0|1|0|net_process_lost: the net process ended meanwhile', 'a lost net process is a failure');
at_once('lost');
wait_until('lost', 'delivered = 1');
@ids = ids('lost');
is($ids[1], $ids[0], 'and the alert is sent again');

# Who may say where alerts go, and where they may go.
like(error_of("SELECT bigbrotr.watch_relay('@{[relay('taken')]}', '$_')"), qr/is no URL of http or https/, "not to $_") for 'file:///etc/passwd', 'ftp://example.com/', 'https://user:password@example.com/', 'x';
like(error_of('SET ROLE bigbrotr_reader; SELECT receiver FROM _bigbrotr.relay_watches'), qr/permission denied/, 'readers do not see the whole URL');
like(error_of('SET ROLE bigbrotr_reader; SELECT document FROM _bigbrotr.relay_alerts'), qr/permission denied/, 'nor what is sent there');
is(sql('SET ROLE bigbrotr_reader; SELECT count(*) FROM bigbrotr.watched_relays WHERE receiver IS NOT NULL'), 9, 'but which relays are watched');
like(error_of("SET ROLE bigbrotr_writer; SELECT bigbrotr.watch_relay('@{[relay('taken')]}', '$base/taken')"), qr/permission denied/, 'administrators alone name receivers');
$node->append_conf('postgresql.conf', "bigbrotr.allow_local_relays = off\n");
$node->reload;
wait_for($node, q{NOT current_setting('bigbrotr.allow_local_relays')::boolean});
like(error_of("SELECT bigbrotr.watch_relay('@{[relay('taken')]}', 'http://10.0.0.1/')"), qr/is not publicly reachable/, 'none in a private network');
my $before = got('taken');
change('taken');
wait_until('taken', 'last_error IS NOT NULL');
like(state_of('taken'), qr/^2\|2\|0\|local_address/, 'also not one that was named before');
is(scalar got('taken'), $before, 'which is not connected to');

# The end of a watch is the end of its alerts.
sql("SELECT bigbrotr.unwatch_relay('@{[relay('refused')]}')");
is(sql("SELECT count(*) FROM _bigbrotr.relay_alerts WHERE relay_id = _bigbrotr.known_relay('@{[relay('refused')]}')"), 0, 'what is not watched waits for nothing');
sql("SELECT bigbrotr.watch_relay('@{[relay('taken')]}')");
change('taken');
is(sql("SELECT receiver, delivered, waiting $watched'@{[relay('taken')]}'"), '|0|0', 'nor does what has no receiver');

$node->stop;
$server->stop;
done_testing();
