# Part of quickstart: what the archive does and holds, for people.

# One line of progress, its parts made by the server:
#   milliseconds|known|busy|live|failed|events|events for people|rest of the line
# Busy is a relay whose history is being read or that was never tried; relays on other networks wait.
PROGRESS="
	SELECT floor(extract(epoch FROM clock_timestamp()) * 1000), count(*),
	       count(*) FILTER (WHERE p.phase = 'backfill' OR p.phase IN ('waiting', 'connecting') AND p.failure_count = 0),
	       count(*) FILTER (WHERE p.phase = 'live'),
	       count(*) FILTER (WHERE p.failure_count > 0),
	       coalesce(sum(p.event_count), 0), to_char(coalesce(sum(p.event_count), 0), 'FM999,999,999,990'),
	       format('%s  coverage %s %%%s', pg_size_pretty(coalesce(sum(p.byte_count), 0)),
	              round(100 * coalesce(avg(p.proven_fraction), 0)::numeric, 1),
	              (SELECT string_agg(format('  %s %s: %s', s.service, s.state, s.last_error), '')
	               FROM bigbrotr.services AS s
	               WHERE s.database = current_database() AND s.state IN ('enabled', 'disabled', 'backoff') AND s.last_error <> ''))
	FROM bigbrotr.relay_progress AS p
	WHERE p.enabled AND (p.network = 'clearnet' OR p.network = 'local' AND _bigbrotr.allow_local_relays())"

# watch UNTIL: shows progress until the function UNTIL says so, or Ctrl-C. On a terminal the line is
# written over, elsewhere a new one comes every few seconds.
watch() {
	local time text rest last_time= last_events rate=0 line started=$SECONDS shown=-5 state=going
	trap 'state=interrupted' INT
	while [ $state = going ]; do
		IFS='|' read -r time KNOWN BUSY LIVE FAILED EVENTS text rest < <(ask "$PROGRESS") || break
		[ -z "$last_time" ] || rate=$(((EVENTS - last_events) * 1000 / (time - last_time)))
		last_time=$time last_events=$EVENTS
		line=$(printf '%3d:%02d  relays %d: %d live, %d reading, %d failed  events %s  %d/s  %s' \
			$(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)) "$KNOWN" "$LIVE" "$BUSY" "$FAILED" "$text" "$rate" "$rest")
		! "$1" || state=reached
		if [ -t 1 ]; then
			printf '\r\033[K%s' "$line"
		elif [ $state = reached ] || [ $((SECONDS - shown)) -ge 5 ]; then
			shown=$SECONDS
			say "$line"
		fi
		[ $state != going ] || sleep 1 || true
	done
	trap - INT
	[ ! -t 1 ] || echo
	case $state in
	interrupted) say "The workers go on." ;;
	going) die "the server does not answer; see $STATE/log/postgres.log" ;;
	esac
}

caught_up() { [ "$KNOWN" -gt 0 ] && [ "$BUSY" -eq 0 ]; }

watch_relays() {
	watch caught_up
	show_failures
	if caught_up && [ "$LIVE" -eq 0 ]; then
		die "no relay can be reached; the workers go on trying. Without internet: ./quickstart clean && ./quickstart --demo"
	fi
}

show_failures() {
	psql_in -Xq -d "$DATABASE" -P footer=off -P null=- <<-'END'
		SELECT EXISTS (SELECT FROM bigbrotr.relay_progress WHERE failure_count > 0) AS failures \gset
		\if :failures
		\echo
		\echo Relays that failed:
		SELECT last_error AS reason, count(*) AS relays, min(relay_url) AS "for example", min(last_detail) AS detail
		FROM bigbrotr.relay_progress WHERE failure_count > 0 GROUP BY 1 ORDER BY 2 DESC, 1;
		\endif
	END
}

# How many events of the demo relay are not archived.
demo_missing() {
	demo_ids | psql_in -XAtq -d "$DATABASE" -c "
		CREATE TEMP TABLE demo (id text)" -c '\copy demo FROM STDIN' -c "
		SELECT count(*) FROM demo WHERE NOT EXISTS (SELECT FROM bigbrotr.events WHERE event_id = decode(id, 'hex'))"
}

demo_archived() { { caught_up || [ "$EVENTS" -ge "$(demo_relay events)" ]; } && [ "$(demo_missing)" -eq 0 ]; }

watch_demo() {
	watch demo_archived
	local missing
	missing=$(demo_missing)
	show_failures
	psql_in -XAtq -d "$DATABASE" -c "
		SELECT format('The relay holds %s events; %s are archived, %s missing.', $(demo_relay events), $(demo_relay events) - $missing, $missing)"
	[ "$missing" -eq 0 ] || exit 1
}

show_demo() {
	say
	say "For example, the most discussed notes (scripts/discussed.sql):"
	psql_in -Xq -d "$DATABASE" -P footer=off -f "$STATE/src/scripts/discussed.sql"
}

show_status() {
	if ! server_runs; then
		say "The server does not run; start it with ./quickstart$([ "$(cat kind)" = relays ] || echo ' --demo')"
		return 1
	fi
	psql_in -Xq -d "$DATABASE" -P footer=off -P null=- <<-'END'
		\echo Services
		SELECT service, state, pid, last_error FROM bigbrotr.services;
		\echo Archive
		SELECT relay_count AS relays, live_count AS live, backfill_count + connecting_count + waiting_count AS reading, backoff_count AS failed,
		       event_count AS events, sighting_count AS sightings, pg_size_pretty(byte_count) AS received, refusal_count AS refusals,
		       round(100 * proven_fraction::numeric, 1) AS "coverage %"
		FROM bigbrotr.sync_progress;
		\echo Relays with most events
		SELECT relay_url, phase, event_count AS events, sighting_count AS sightings, round(100 * proven_fraction::numeric, 1) AS "coverage %", last_error
		FROM bigbrotr.relay_progress ORDER BY event_count DESC, relay_url LIMIT 10;
	END
	show_failures
}

show_help() {
	cat <<-END

		Connect   ./quickstart psql       or: psql "host=$SOCKETS port=$PORT dbname=$DATABASE"$(! is_root || echo ' as the user postgres')
		Ask       SELECT kind, count(*) FROM bigbrotr.events GROUP BY kind ORDER BY 2 DESC LIMIT 10;
		          SELECT relay_url, phase, event_count, proven_fraction, last_error FROM bigbrotr.relay_progress ORDER BY event_count DESC;
		          SELECT relay_url, reason, refusal_count, last_detail FROM bigbrotr.refusals ORDER BY refusal_count DESC;
		          SELECT bigbrotr.event_json(e) FROM bigbrotr.events AS e ORDER BY created_at DESC, event_id LIMIT 5;
		Watch     ./quickstart status     log: $STATE/log/postgres.log
		Stop      ./quickstart stop       ./quickstart$([ "$(cat kind)" = relays ] || echo ' --demo') goes on where it was
		Remove    ./quickstart clean      removes $STATE, nothing else was touched
	END
}
