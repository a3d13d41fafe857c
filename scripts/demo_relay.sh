# Part of quickstart: independent relay software on loopback, filled for the demo.

DEMO_EVENTS=5000

# What the running relay said about itself, by name of the field.
demo_relay() { sed -nE "s/.*\"$1\":\"?([^,\"}]+).*/\1/p" "$STATE/demo/relay.json" 2>/dev/null; }

demo_relay_runs() {
	local pid
	pid=$(demo_relay pid)
	[ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$STATE/demo" ]
}

stop_demo_relay() {
	! demo_relay_runs || kill "$(demo_relay pid)"
	rm -f "$STATE/demo/relay.json"
}

# make_corpus [FILE]: that file, or events of our own.
make_corpus() {
	if [ $# -gt 0 ]; then
		cat -- "$1"
	else
		quietly "$STATE/log/tools.log" as_user cmake -S "$STATE/src" -B "$STATE/tools" -DBIGBROTR_TESTS=OFF
		quietly "$STATE/log/tools.log" as_user cmake --build "$STATE/tools" --target bigbrotr-corpus -j "$(nproc)"
		as_user "$STATE/tools/bigbrotr-corpus" "$DEMO_EVENTS"
	fi
}

# start_demo_relay [FILE]: sets DEMO_URL. A relay that runs with the same events is kept; another
# one takes the port of the last, so that it is the same relay to the archive.
start_demo_relay() {
	local program=$STATE/src/test/e2e/relay port
	as_user mkdir -p "$STATE/demo"
	make_corpus "$@" | as_user tee "$STATE/demo/corpus.new" >/dev/null
	quietly "$STATE/log/npm.log" npm_install "$program"

	if ! demo_relay_runs || ! cmp -s "$STATE/demo/corpus.new" "$STATE/demo/corpus.jsonl"; then
		port=$(cat "$STATE/demo/port" 2>/dev/null || echo 0)
		stop_demo_relay
		mv "$STATE/demo/corpus.new" "$STATE/demo/corpus.jsonl"
		say "Filling the demo relay with $(grep -c . "$STATE/demo/corpus.jsonl") events"
		exec 3< <(
			exec 2>"$STATE/log/relay.log" </dev/null # nobody's pipe is kept open by what goes on
			cd "$STATE/demo"
			as_user setsid node "$program/relay.mjs" --port "$port" --load corpus.jsonl --refused refused.jsonl
		)
		head -n 1 <&3 | as_user tee "$STATE/demo/relay.json" >/dev/null
		exec 3<&-
		demo_relay_runs || die "the demo relay does not run: $(tail -n 5 "$STATE/log/relay.log")"
		demo_relay port | as_user tee "$STATE/demo/port" >/dev/null
	fi
	DEMO_URL=$(demo_relay url)
	say "The demo relay at $DEMO_URL holds $(demo_relay events) events; it refused $(demo_relay refused)" \
		"($STATE/demo/refused.jsonl)"
}

# Ids of the events that the relay holds, one a line.
demo_ids() {
	comm -23 <(event_ids <"$STATE/demo/corpus.jsonl") <(event_ids <"$STATE/demo/refused.jsonl")
}

# The first "id" of each line that is not inside a string: there the quotes are escaped.
event_ids() {
	grep -oE '(^|[^\\])"id" ?: ?"[0-9a-f]{64}"' | grep -oE '[0-9a-f]{64}' | sort -u
}
