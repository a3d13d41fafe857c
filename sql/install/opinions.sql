-- What other monitors (NIP-66) say of relays, in the events that the archive holds. Nothing is asked of anybody because of it.
-- A monitor tells of a relay when it reached it, and says nothing of one that it did not reach.

-- Anyone can make a thousand keys: only an administrator can say whose word counts.
CREATE TABLE bigbrotr.trusted_monitors (
	pubkey bytea NOT NULL,
	remark text  NOT NULL DEFAULT '',
	CONSTRAINT trusted_monitors_pkey PRIMARY KEY (pubkey),
	CONSTRAINT trusted_monitors_pubkey_check CHECK (octet_length(pubkey) = 32)
);
COMMENT ON TABLE bigbrotr.trusted_monitors IS 'Monitors whose word counts in bigbrotr.relay_opinions; administrators insert and delete rows';
COMMENT ON COLUMN bigbrotr.trusted_monitors.pubkey IS 'Public key of the monitor, 32 bytes';
COMMENT ON COLUMN bigbrotr.trusted_monitors.remark IS 'Who that is, for people';
SELECT pg_extension_config_dump('bigbrotr.trusted_monitors', '');

CREATE VIEW bigbrotr.monitors AS
	SELECT DISTINCT ON (e.pubkey) e.pubkey,
	       EXISTS (SELECT FROM bigbrotr.trusted_monitors AS t WHERE t.pubkey = e.pubkey) AS trusted,
	       least(greatest(CASE WHEN f.value ~ '^[0-9]{1,9}$' THEN f.value::integer ELSE 3600 END, 600), 86400) AS frequency,
	       to_timestamp(e.created_at) AS announced_at
	FROM bigbrotr.events AS e CROSS JOIN LATERAL (SELECT bigbrotr.tag_value(e.tags, 'frequency') AS value) AS f
	WHERE e.kind = 10166 AND NOT EXISTS (SELECT FROM _bigbrotr.relay_publications AS p WHERE p.kind = 10002 AND p.pubkey = e.pubkey)
	ORDER BY e.pubkey, e.created_at DESC, e.event_id;
COMMENT ON VIEW bigbrotr.monitors IS 'Other monitors, by their announcements (kind 10166) that the archive holds';
COMMENT ON COLUMN bigbrotr.monitors.pubkey IS 'Public key of the monitor, 32 bytes';
COMMENT ON COLUMN bigbrotr.monitors.trusted IS 'Whether it is one of bigbrotr.trusted_monitors';
COMMENT ON COLUMN bigbrotr.monitors.frequency IS 'Seconds after which it says that it tells of a relay again: 10 minutes at least and a day at most are believed; an hour if it does not say';
COMMENT ON COLUMN bigbrotr.monitors.announced_at IS 'created_at of its announcement';

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
COMMENT ON VIEW bigbrotr.relay_opinions IS 'What this monitor and others (bigbrotr.monitors) say of relays. Keys are cheap: only those of bigbrotr.trusted_monitors make a quorum. A monitor that tells of no relay of a network does not count there';
COMMENT ON COLUMN bigbrotr.relay_opinions.relay_url IS 'Normalised URL of the relay; others may know relays that this archive does not';
COMMENT ON COLUMN bigbrotr.relay_opinions.network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.relay_opinions.ours_up IS 'Whether it answered when it was observed last; null: its next visit is more than an hour overdue, or this server could not look';
COMMENT ON COLUMN bigbrotr.relay_opinions.our_visit IS 'Last visit of this monitor; null: never';
COMMENT ON COLUMN bigbrotr.relay_opinions.monitors_seeing IS 'Monitors that told of it in the last two of their periods (bigbrotr.monitors.frequency)';
COMMENT ON COLUMN bigbrotr.relay_opinions.trusted_seeing IS 'Trusted ones among these';
COMMENT ON COLUMN bigbrotr.relay_opinions.trusted_active IS 'Trusted monitors that told of any relay of its network in that time';
COMMENT ON COLUMN bigbrotr.relay_opinions.quorum IS 'Whether more than half of these saw it; null: no trusted monitor is active';
COMMENT ON COLUMN bigbrotr.relay_opinions.verdict IS 'agreement, only we see it, only others see it, or not known: one side has not looked';
