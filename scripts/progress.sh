# Part of quickstart: shows people what the archive does and contains.

# The query for one line of progress. The server formats its parts:
#   milliseconds|known|busy|live|failed|events|events for people|rest of the line
# A relay is busy if its history is being read or if it was never tried. Relays of other networks are not counted.
PROGRESS="
	SELECT floor(extract(epoch FROM clock_timestamp()) * 1000), count(*),
	       count(*) FILTER (WHERE p.phase = 'backfill' OR p.phase IN ('waiting', 'connecting') AND p.failure_count = 0),
	       count(*) FILTER (WHERE p.phase = 'live'),
	       count(*) FILTER (WHERE p.failure_count > 0),
	       coalesce(sum(p.new_event_count), 0), to_char(coalesce(sum(p.new_event_count), 0), 'FM999,999,999,990'),
	       format('%s  read %s %%%s', pg_size_pretty(coalesce(sum(p.byte_count), 0)),
	              round(100 * coalesce(avg(p.read_fraction) FILTER (WHERE p.last_success IS NOT NULL), 0)::numeric, 1),
	              (SELECT string_agg(format('  %s %s: %s', s.service, s.state, s.last_error), '')
	               FROM bigbrotr.services AS s
	               WHERE s.database = current_database() AND s.state IN ('enabled', 'disabled', 'backoff') AND s.last_error <> ''))
	FROM bigbrotr.sync_status AS p
	WHERE p.phase <> 'paused' AND (p.network = 'clearnet' OR p.network = 'local' AND _bigbrotr.allow_local_relays())"

# Seconds without a change after which watch ends.
PATIENCE=60

# watch UNTIL: shows progress until the function UNTIL succeeds, nothing has changed for PATIENCE seconds, or Ctrl-C
# is pressed, and says which. On a terminal one line is overwritten, elsewhere a new line is printed every few seconds.
watch() {
	local time text rest last_time= last_events rate=0 line started=$SECONDS shown=-5 state=going seen= seen_at=$SECONDS
	[ ! -t 1 ] || say "Ctrl-C ends this display; the workers go on"
	trap 'state=interrupted' INT
	while [ $state = going ]; do
		IFS='|' read -r time KNOWN BUSY LIVE FAILED EVENTS text rest < <(ask "$PROGRESS") || break
		[ -z "$last_time" ] || rate=$(((EVENTS - last_events) * 1000 / (time - last_time)))
		last_time=$time last_events=$EVENTS
		line=$(printf '%3d:%02d  relays %d: %d live, %d reading, %d failed  events %s  %d/s  %s' \
			$(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)) "$KNOWN" "$LIVE" "$BUSY" "$FAILED" "$text" "$rate" "$rest")
		if [ "$seen" != "$KNOWN|$BUSY|$LIVE|$FAILED|$EVENTS|$rest" ]; then
			seen="$KNOWN|$BUSY|$LIVE|$FAILED|$EVENTS|$rest" seen_at=$SECONDS
		elif [ $((SECONDS - seen_at)) -ge "$PATIENCE" ]; then
			state=still
		fi
		! "$1" || state=reached
		if [ -t 1 ]; then
			printf '\r\033[K%s' "$line"
		elif [ $state != going ] || [ $((SECONDS - shown)) -ge 5 ]; then
			shown=$SECONDS
			say "$line"
		fi
		[ $state != going ] || sleep 1 || true
	done
	trap - INT
	[ ! -t 1 ] || echo
	case $state in
	interrupted) say "The workers go on; ./quickstart status shows how far they are." ;;
	still)
		say "Nothing has changed for $PATIENCE seconds. The workers go on; this is what they are at:"
		show_waiting
		;;
	going) die "the server does not answer; see $STATE/log/postgres.log" ;;
	esac
}

# Shows services that do not run or that wait for something, and the phases of the relays.
show_waiting() {
	psql_in -Xq -d "$DATABASE" -P footer=off -P null=- <<-'END'
		SELECT service, state, waiting_for, last_error FROM bigbrotr.services
		WHERE database = current_database() AND (state NOT IN ('running', 'done') OR waiting_for IS NOT NULL);
		SELECT phase, waiting_for, count(*) AS relays, min(relay_url) AS "for example" FROM bigbrotr.sync_status GROUP BY 1, 2 ORDER BY 3 DESC;
	END
}

# Of how many relays the whole history is read, and up to which size of the archive.
show_limit() {
	local relays=$STATE/relays.txt limit
	[ -f "$relays" ] || relays=$STATE/src/seed/relays.txt
	limit=$(ask 'SHOW bigbrotr.max_database_size')
	say "Relays whose history is read: $(grep -c '^ws' "$relays"). $([ "$limit" = 0 ] && echo 'The size of the archive has no limit.' ||
		echo "At $limit, about $(ask "SELECT round(pg_size_bytes('$limit') / 8e8)") million events, the workers stop.")"
	say "To change that, set bigbrotr.max_database_size at the end of $STATE/data/postgresql.conf, then ./quickstart restart"
}

caught_up() { [ "$KNOWN" -gt 0 ] && [ "$BUSY" -eq 0 ]; }

watch_relays() {
	watch caught_up
	show_failures
	if caught_up && [ "$LIVE" -eq 0 ]; then
		die "no relay can be reached; the workers go on trying. To see it work without internet: ./quickstart --demo in another checkout"
	fi
}

show_failures() {
	psql_in -Xq -d "$DATABASE" -P footer=off -P null=- <<-'END'
		SELECT EXISTS (SELECT FROM bigbrotr.sync_status WHERE failure_count > 0) AS failures \gset
		\if :failures
		\echo
		\echo Relays that failed:
		SELECT last_error AS reason, count(*) AS relays, min(relay_url) AS "for example", min(last_detail) AS detail
		FROM bigbrotr.sync_status WHERE failure_count > 0 GROUP BY 1 ORDER BY 2 DESC, 1;
		\endif
	END
}

# Prints the number of events of the demo relay that are not archived.
demo_missing() {
	demo_ids | psql_in -XAtq -d "$DATABASE" -c "
		CREATE TEMP TABLE demo (id text)" -c '\copy demo FROM STDIN' -c "
		SELECT count(*) FROM demo WHERE NOT EXISTS (SELECT FROM bigbrotr.events WHERE event_id = decode(id, 'hex'))"
}

# Succeeds if all events of the demo relay are archived, or if the relay was read for the tenth time in a row and some
# events are missing.
demo_settled() {
	{ caught_up || [ "$EVENTS" -ge "$(demo_relay events)" ]; } || return 1
	[ "$(demo_missing)" -gt 0 ] || return 0
	caught_up && SETTLED=$((SETTLED + 1)) || SETTLED=0
	[ "$SETTLED" -ge 10 ]
}

watch_demo() {
	local missing
	SETTLED=0
	watch demo_settled
	missing=$(demo_missing)
	show_failures
	psql_in -XAtq -d "$DATABASE" -c "
		SELECT format('The relay holds %s events; %s are archived, %s missing.', $(demo_relay events), $(demo_relay events) - $missing, $missing)"
	if [ "$missing" -gt 0 ]; then
		say "What was refused, and what of its history is not proven:"
		psql_in -Xq -d "$DATABASE" -P footer=off <<-'END'
			SELECT relay_url, reason, refusal_count, last_detail FROM bigbrotr.refusals ORDER BY refusal_count DESC LIMIT 10;
			SELECT relay_url, lower, upper, reason FROM bigbrotr.coverage_gaps ORDER BY upper DESC LIMIT 10;
		END
		exit 1
	fi
}

show_demo() {
	say
	say "For example, the most discussed notes (scripts/discussed.sql):"
	psql_in -Xq -d "$DATABASE" -P footer=off -f "$STATE/src/scripts/discussed.sql"
}

# The number of relays that the monitor has not visited, and of online relays whose NIPs the monitor has not tried.
UNVISITED="
	SELECT count(*) FILTER (WHERE v.checked_at IS NULL), count(*) FILTER (WHERE r.status = 'online' AND v.tried_at IS NULL)
	FROM bigbrotr.relays AS r LEFT JOIN _bigbrotr.relay_visits AS v USING (relay_id)"

# Waits until the monitor has visited each relay of the demo and has tried the NIPs of online relays, then shows the results.
watch_observatory() {
	local unvisited untried started=$SECONDS asked=
	say
	say "The monitor looks at each relay (a minute at most)"
	while IFS='|' read -r unvisited untried < <(ask "$UNVISITED") && [ $((unvisited + untried)) -gt 0 ] && [ $((SECONDS - started)) -lt 90 ]; do
		if [ "$unvisited" -eq 0 ] && [ -z "$asked" ]; then
			# The monitor tries NIPs at the second visit, which would come after an hour.
			ask "UPDATE _bigbrotr.relay_visits SET next_visit = 0 WHERE tried_at IS NULL AND owner IS NULL
				AND relay_id IN (SELECT relay_id FROM bigbrotr.relays WHERE status = 'online')"
			asked=yes
		fi
		sleep 1
	done
	show_observatory
}

show_observatory() {
	psql_in -Xq -d "$DATABASE" -P footer=off -P null=- <<-'END'
		\echo
		\echo Relays that the monitor visited (SELECT * FROM bigbrotr.explain_relay(URL) tells more of each)
		SELECT status, coalesce(reason_in_words, 'it answers in Nostr') AS why, count(*) AS relays, min(relay_url) AS "for example",
		       percentile_disc(0.5) WITHIN GROUP (ORDER BY rtt_read) AS "answers in ms"
		FROM bigbrotr.relay_status WHERE last_visit IS NOT NULL GROUP BY 1, 2
		ORDER BY array_position('{online,unstable,offline,dead,candidate}'::text[], status), 3 DESC, 2 LIMIT 20;
		SELECT EXISTS (SELECT FROM bigbrotr.nip_support WHERE claimed AND NOT observed) AS lies \gset
		\if :lies
		\echo Relays that claim what does not work
		SELECT relay_url, string_agg(nip::text, ', ' ORDER BY nip) AS "NIPs" FROM bigbrotr.nip_support WHERE claimed AND NOT observed
		GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 10;
		\endif
	END
}

show_status() {
	if ! server_runs; then
		say "The server does not run; start it with ./quickstart"
		return 1
	fi
	psql_in -Xq -d "$DATABASE" -P footer=off -P null=- <<-'END'
		\echo Services
		SELECT service, state, pid, health, waiting_for, last_error FROM bigbrotr.services;
		\echo
		SELECT 'http://' || current_setting('bigbrotr.api_listen') || '/' AS "Page";
		\echo Archive
		SELECT relay_count AS relays, live_count AS live, backfill_count + connecting_count + waiting_count AS reading, backoff_count AS failed,
		       event_count AS events, sighting_count AS sightings, pg_size_pretty(byte_count) AS received, refusal_count AS refusals,
		       round(100 * read_fraction::numeric, 1) AS "read %", round(100 * proven_fraction::numeric, 1) AS "proven %"
		FROM bigbrotr.sync_totals;
		\echo Relays
		SELECT (SELECT count(*) FROM bigbrotr.candidates) AS named, count(*) AS discovered, count(*) FILTER (WHERE status = 'online') AS online, count(*) FILTER (WHERE status = 'unstable') AS unstable,
		       count(*) FILTER (WHERE status IN ('offline', 'dead', 'retired')) AS failing, count(*) FILTER (WHERE status = 'candidate') AS "not heard yet",
		       count(*) FILTER (WHERE status IN ('refused', 'ignored')) AS "left alone"
		FROM bigbrotr.relays;
		\echo Relays with most events
		SELECT relay_url, phase, waiting_for, sighting_count AS events, new_event_count AS "first seen here",
		       round(100 * read_fraction::numeric, 1) AS "read %", round(100 * proven_fraction::numeric, 1) AS "proven %",
		       last_error, last_error_at::timestamptz(0)
		FROM bigbrotr.sync_status ORDER BY sighting_count DESC, relay_url LIMIT 10;
	END
	show_failures
	show_observatory
}

show_help() {
	cat <<-END

		Look      $(page_url)

		Connect   ./quickstart psql       or: psql "$(connection)"$(! is_root || echo ' as the user postgres')
		Ask       SELECT kind, count(*) FROM bigbrotr.events GROUP BY kind ORDER BY 2 DESC LIMIT 10;
		          SELECT relay_url, phase, sighting_count, read_fraction, proven_fraction, last_error FROM bigbrotr.sync_status ORDER BY sighting_count DESC;
		          SELECT relay_url, reason, refusal_count, last_detail FROM bigbrotr.refusals ORDER BY refusal_count DESC;
		          SELECT bigbrotr.event_json(e) FROM bigbrotr.events AS e ORDER BY created_at DESC, event_id LIMIT 5;
		Export    ./quickstart export '{"kinds":[1]}' > notes.jsonl      Import   ./quickstart import FILE
		Watch     ./quickstart status     ./quickstart log
		Stop      ./quickstart stop       ./quickstart goes on where it was
		Remove    ./quickstart empty      deletes the archive, keeps the build
		          ./quickstart clean      deletes $STATE; nothing else was touched
	END
}
