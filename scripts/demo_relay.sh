# Part of quickstart: an independent relay program on loopback, filled with events for the demo; and for the monitor, a farm of
# relays that are dead or slow, or that send false answers.

DEMO_EVENTS=5000
# Kinds of test/farm/kind.cpp.
DEMO_KINDS=healthy,tls,slow,auth_required,document_only,lying_about_nips,tls_expired,http_503,web_page,mute,refused

# demo_said NAME FIELD: prints a field that the relay or farm reported at its start.
demo_said() { sed -nE "s/.*\"$2\": ?\"?([^,\"}]+).*/\1/p" "$STATE/demo/$1.json" 2>/dev/null; }
demo_relay() { demo_said relay "$1"; }

# runs_in_demo NAME: succeeds if the relay or farm runs.
runs_in_demo() {
	local pid
	pid=$(demo_said "$1" pid)
	[ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$STATE/demo" ]
}

stop_demo_relay() {
	local name
	for name in relay farm; do
		! runs_in_demo "$name" || kill "$(demo_said "$name" pid)"
		rm -f "$STATE/demo/$name.json"
	done
}

# judge_demo_file FILE: stops unless the file contains events, and is the one from which the archive was made.
judge_demo_file() {
	[ -f "$1" ] && [ -r "$1" ] || die "cannot read $1"
	grep -qm1 '^[[:space:]]*{' "$1" || die "$1 holds no events: one JSON object a line is expected"
	[ ! -f "$STATE/demo/corpus.jsonl" ] || cmp -s "$1" "$STATE/demo/corpus.jsonl" ||
		die "the archive in $STATE is of other events ($(demo_source)); ./quickstart goes on with these, ./quickstart empty deletes them"
}

# Prints where the events of the demo come from.
demo_source() { cat "$STATE/demo/source" 2>/dev/null || echo "made-up events"; }

# make_corpus [FILE]: writes the events of the demo, from the file or made up. They stay the same until the archive is deleted.
make_corpus() {
	local corpus=$STATE/demo/corpus.jsonl
	[ ! -f "$corpus" ] || return 0
	if [ $# -gt 0 ]; then
		cat -- "$1" | as_user tee "$corpus.new" >/dev/null
		as_user tee "$STATE/demo/source" >/dev/null <<<"$1"
	else
		as_user "$STATE/tools/bigbrotr-corpus" "$DEMO_EVENTS" | as_user tee "$corpus.new" >/dev/null
	fi
	mv "$corpus.new" "$corpus"
}

# start_demo_relay [FILE]: starts the relay unless it runs, and sets DEMO_URL. A new relay gets the port of the last one, so
# that it is the same relay for the archive.
start_demo_relay() {
	local program=$STATE/src/test/e2e/relay port attempt
	as_user mkdir -p "$STATE/demo"
	quietly "$STATE/log/tools.log" as_user cmake -S "$STATE/src" -B "$STATE/tools" -DBIGBROTR_TESTS=OFF
	quietly "$STATE/log/tools.log" as_user cmake --build "$STATE/tools" --target bigbrotr-corpus bigbrotr-farm -j "$(nproc)"
	make_corpus "$@"
	quietly "$STATE/log/npm.log" npm_install "$program"

	if ! runs_in_demo relay; then
		port=$(cat "$STATE/demo/port" 2>/dev/null || echo 0)
		say "Filling the demo relay with $(grep -c . "$STATE/demo/corpus.jsonl") events"
		# While the relay did not run, another program may have taken its port for a connection.
		for attempt in {1..20}; do
			exec 3< <(
				exec 2>"$STATE/log/relay.log" </dev/null # the background process must not keep a pipe of the caller open
				cd "$STATE/demo"
				as_user setsid node "$program/relay.mjs" --port "$port" --load corpus.jsonl --refused refused.jsonl
			)
			head -n 1 <&3 | as_user tee "$STATE/demo/relay.json" >/dev/null
			exec 3<&-
			! runs_in_demo relay || break
			grep -q EADDRINUSE "$STATE/log/relay.log" || break
			sleep 3
		done
		runs_in_demo relay || die "the demo relay does not run: $(tail -n 5 "$STATE/log/relay.log")"
		demo_relay port | as_user tee "$STATE/demo/port" >/dev/null
	fi
	DEMO_URL=$(demo_relay url)
	say "The demo relay at $DEMO_URL holds $(demo_relay events) events; it refused $(demo_relay refused)" \
		"($STATE/demo/refused.jsonl)"
}

# Starts the farm unless it runs, and prints the URLs of its relays, one a line. A new farm gets the ports of the last one, so
# that its relays are the same for the archive.
start_demo_farm() {
	local port=$((24000 + $(path_id "$STATE") % 2500 * 3)) attempt
	for attempt in {1..10}; do
		! runs_in_demo farm || break
		exec 3< <(
			exec 2>"$STATE/log/farm.log" </dev/null
			cd "$STATE/demo"
			as_user setsid "$STATE/tools/bigbrotr-farm" --kinds "$DEMO_KINDS" --relays "$(tr , '\n' <<<"$DEMO_KINDS" | grep -c .)" \
				--authority authority.pem --truth farm.tsv --port "$port"
		)
		head -n 1 <&3 | as_user tee "$STATE/demo/farm.json" >/dev/null
		exec 3<&-
		port=$((port + 3))
	done
	runs_in_demo farm || die "the relays for the monitor do not run: $(tail -n 5 "$STATE/log/farm.log")"
	cut -f 1 "$STATE/demo/farm.tsv"
}

# Prints the ids of the events in the relay, one a line.
demo_ids() {
	comm -23 <(event_ids <"$STATE/demo/corpus.jsonl") <(event_ids <"$STATE/demo/refused.jsonl")
}

# Prints the "id" members that are not inside a string, where their quotes would be escaped.
event_ids() {
	grep -oE '(^|[^\\])"id" ?: ?"[0-9a-f]{64}"' | grep -oE '[0-9a-f]{64}' | sort -u
}
