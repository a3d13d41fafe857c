-- Reports of other monitors (NIP-66) about relays, from archived events. These views cause no requests to relays.
-- A monitor publishes an event about a relay that it reached, and no event about a relay that it did not reach.

-- Anyone can make a thousand keys, so an administrator chooses the monitors that count.
CREATE TABLE bigbrotr.trusted_monitors (
	pubkey bytea NOT NULL,
	remark text  NOT NULL DEFAULT '',
	CONSTRAINT trusted_monitors_pkey PRIMARY KEY (pubkey),
	CONSTRAINT trusted_monitors_pubkey_check CHECK (octet_length(pubkey) = 32)
);
COMMENT ON TABLE bigbrotr.trusted_monitors IS 'Monitors that count in bigbrotr.relay_opinions; administrators insert and delete rows';
COMMENT ON COLUMN bigbrotr.trusted_monitors.pubkey IS 'Public key of the monitor, 32 bytes';
COMMENT ON COLUMN bigbrotr.trusted_monitors.remark IS 'Remark of the administrator, such as the name of the operator';
SELECT pg_extension_config_dump('bigbrotr.trusted_monitors', '');

CREATE VIEW bigbrotr.monitors AS
	SELECT DISTINCT ON (e.pubkey) e.pubkey,
	       EXISTS (SELECT FROM bigbrotr.trusted_monitors AS t WHERE t.pubkey = e.pubkey) AS trusted,
	       least(greatest(CASE WHEN f.value ~ '^[0-9]{1,9}$' THEN f.value::integer ELSE 3600 END, 600), 86400) AS frequency,
	       CASE WHEN e.created_at <= 9224318015999 THEN to_timestamp(e.created_at) END AS announced_at
	FROM _bigbrotr.public_events AS e CROSS JOIN LATERAL (SELECT bigbrotr.tag_value(e.tags, 'frequency') AS value) AS f
	WHERE e.kind = 10166 AND NOT EXISTS (SELECT FROM _bigbrotr.relay_publications AS p WHERE p.kind = 10002 AND p.pubkey = e.pubkey)
	ORDER BY e.pubkey, e.created_at DESC, e.event_id;
COMMENT ON VIEW bigbrotr.monitors IS 'Other monitors, from their archived announcements (kind 10166, NIP-66) that may be shown to anybody';
COMMENT ON COLUMN bigbrotr.monitors.pubkey IS 'Public key of the monitor, 32 bytes';
COMMENT ON COLUMN bigbrotr.monitors.trusted IS 'Whether the monitor is in bigbrotr.trusted_monitors';
COMMENT ON COLUMN bigbrotr.monitors.frequency IS 'Seconds between two reports about a relay, as the announcement says, limited to 10 minutes .. a day; an hour if it does not say';
COMMENT ON COLUMN bigbrotr.monitors.announced_at IS 'created_at of the announcement; null: a time beyond the year 294276';

CREATE VIEW bigbrotr.relay_opinions AS
	WITH clock AS MATERIALIZED (
		SELECT bigbrotr.unix_now() AS at
	), told AS MATERIALIZED (
		SELECT DISTINCT m.pubkey, m.trusted, bigbrotr.tag_value(e.tags, 'd') AS name
		FROM clock AS t CROSS JOIN bigbrotr.monitors AS m
		     JOIN bigbrotr.events AS e ON e.kind = 30166 AND e.pubkey = m.pubkey
		          AND e.created_at BETWEEN t.at - 2 * m.frequency AND t.at + 600
	), opinions AS MATERIALIZED (
		SELECT DISTINCT o.pubkey, o.trusted, n.url, n.network
		FROM (SELECT d.name, u.url, u.network
		      FROM (SELECT DISTINCT o.name FROM told AS o) AS d CROSS JOIN LATERAL bigbrotr.normalise_relay_url(d.name) AS u
		      WHERE u.url IS NOT NULL) AS n
		     JOIN told AS o ON o.name = n.name
	), active AS (
		SELECT o.network, count(DISTINCT o.pubkey) AS trusted FROM opinions AS o WHERE o.trusted GROUP BY o.network
	), seen AS (
		SELECT o.url, o.network, count(*) AS monitors, count(*) FILTER (WHERE o.trusted) AS trusted FROM opinions AS o GROUP BY o.url, o.network
	), ours AS (
		SELECT r.url, r.network, v.checked_at,
		       CASE WHEN v.next_visit > t.at - 3600 AND h.outcome <> 'unknown' THEN h.outcome = 'answered' END AS up
		FROM clock AS t CROSS JOIN _bigbrotr.relay_visits AS v
		     JOIN bigbrotr.relays AS r ON r.relay_id = v.relay_id
		     JOIN _bigbrotr.relay_health AS h ON h.relay_id = v.relay_id
		WHERE v.checked_at IS NOT NULL
	)
	SELECT c.relay_url, c.network, c.ours_up, to_timestamp(c.checked_at) AS our_visit, c.seeing AS monitors_seeing, c.trusted_seeing, c.trusted_active,
	       c.quorum, CASE WHEN c.ours_up IS NULL OR c.quorum IS NULL THEN 'not known'
	                      WHEN c.ours_up = c.quorum THEN 'agreement'
	                      WHEN c.ours_up THEN 'only we see it'
	                      ELSE 'only others see it' END AS verdict
	FROM (SELECT coalesce(u.url, s.url) AS relay_url, coalesce(u.network, s.network) AS network, u.up AS ours_up, u.checked_at,
	             coalesce(s.monitors, 0) AS seeing, coalesce(s.trusted, 0) AS trusted_seeing, coalesce(a.trusted, 0) AS trusted_active,
	             2 * coalesce(s.trusted, 0) > nullif(a.trusted, 0) AS quorum
	      FROM ours AS u FULL JOIN seen AS s ON s.url = u.url
	           LEFT JOIN active AS a ON a.network = coalesce(u.network, s.network)) AS c;
COMMENT ON VIEW bigbrotr.relay_opinions IS 'Reports about relays, of this monitor and of other monitors (bigbrotr.monitors). Only bigbrotr.trusted_monitors count for the quorum, because new keys cost nothing. In a network, only monitors that report about one of its relays count';
COMMENT ON COLUMN bigbrotr.relay_opinions.relay_url IS 'Normalised URL of the relay; this archive may not know the relay';
COMMENT ON COLUMN bigbrotr.relay_opinions.network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.relay_opinions.ours_up IS 'Whether the relay answered at the last observation of this archive; null: the next visit is more than an hour overdue, or the last outcome is unknown';
COMMENT ON COLUMN bigbrotr.relay_opinions.our_visit IS 'Time of the last visit of this monitor; null: never';
COMMENT ON COLUMN bigbrotr.relay_opinions.monitors_seeing IS 'Number of monitors that reported about the relay within twice their bigbrotr.monitors.frequency';
COMMENT ON COLUMN bigbrotr.relay_opinions.trusted_seeing IS 'Number of trusted monitors that reported about the relay within twice their bigbrotr.monitors.frequency';
COMMENT ON COLUMN bigbrotr.relay_opinions.trusted_active IS 'Number of trusted monitors that reported about any relay of the same network within twice their bigbrotr.monitors.frequency';
COMMENT ON COLUMN bigbrotr.relay_opinions.quorum IS 'Whether trusted_seeing is more than half of trusted_active; null: no trusted monitor is active';
COMMENT ON COLUMN bigbrotr.relay_opinions.verdict IS 'agreement; only we see it; only others see it; not known: ours_up or quorum is null';
