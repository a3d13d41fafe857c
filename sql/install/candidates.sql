-- What the finder found, for people.

CREATE VIEW bigbrotr.candidates AS
	SELECT n.url AS relay_url, n.network, n.site,
	       CASE WHEN r.relay_id IS NOT NULL THEN 'relay' WHEN d.url IS NOT NULL THEN 'deleted' ELSE 'waiting' END AS candidate_state,
	       n.author_count, n.author_count < 10000 AS is_exact, n.listed, p.mention_count,
	       to_timestamp(p.first_seen) AS first_seen, to_timestamp(p.last_seen) AS last_seen
	FROM _bigbrotr.named_relays AS n
	     LEFT JOIN bigbrotr.relays AS r ON r.url = n.url
	     LEFT JOIN _bigbrotr.deleted_relays AS d ON d.url = n.url
	     CROSS JOIN LATERAL (SELECT coalesce(sum(p.mention_count), 0)::bigint AS mention_count, min(p.first_seen) AS first_seen, max(p.last_seen) AS last_seen
	                         FROM _bigbrotr.naming_places AS p WHERE p.name_id = n.name_id) AS p;
COMMENT ON VIEW bigbrotr.candidates IS 'Relays that events and lists name, and what became of them';
COMMENT ON COLUMN bigbrotr.candidates.relay_url IS 'Normalised URL';
COMMENT ON COLUMN bigbrotr.candidates.network IS 'As in bigbrotr.relays';
COMMENT ON COLUMN bigbrotr.candidates.site IS 'Registered domain, or the address';
COMMENT ON COLUMN bigbrotr.candidates.candidate_state IS 'relay: it is in bigbrotr.relays; deleted: it was, and only bigbrotr.add_relay brings it back; waiting: for more authors, or for a place of its site';
COMMENT ON COLUMN bigbrotr.candidates.author_count IS 'How many authors name it, other than as a relay to avoid';
COMMENT ON COLUMN bigbrotr.candidates.is_exact IS 'false: no more authors are counted';
COMMENT ON COLUMN bigbrotr.candidates.listed IS 'Whether a list names it';
COMMENT ON COLUMN bigbrotr.candidates.mention_count IS 'Events that name it, once for each place, and readings of lists';
COMMENT ON COLUMN bigbrotr.candidates.first_seen IS 'When the first event that names it was archived, or the list was first read';
COMMENT ON COLUMN bigbrotr.candidates.last_seen IS 'The same of the last one';

CREATE VIEW bigbrotr.candidate_sources AS
	SELECT n.url AS relay_url, p.place, p.source, p.mention_count, to_timestamp(p.first_seen) AS first_seen, to_timestamp(p.last_seen) AS last_seen
	FROM _bigbrotr.naming_places AS p JOIN _bigbrotr.named_relays AS n ON n.name_id = p.name_id;
COMMENT ON VIEW bigbrotr.candidate_sources IS 'Where relays are named, and how often';
COMMENT ON COLUMN bigbrotr.candidate_sources.relay_url IS 'Normalised URL';
COMMENT ON COLUMN bigbrotr.candidate_sources.place IS 'As bigbrotr.relay_mentions says; seed_list: a list of relays, not an event';
COMMENT ON COLUMN bigbrotr.candidate_sources.source IS 'Name of the list, its first 200 characters; empty: events';
COMMENT ON COLUMN bigbrotr.candidate_sources.mention_count IS 'Events that name it there; of a list: how often it was read';
COMMENT ON COLUMN bigbrotr.candidate_sources.first_seen IS 'When the first of them was archived, or the list was first read';
COMMENT ON COLUMN bigbrotr.candidate_sources.last_seen IS 'The same of the last one';

CREATE VIEW bigbrotr.candidate_authors AS
	SELECT n.url AS relay_url, a.author AS pubkey
	FROM _bigbrotr.naming_authors AS a JOIN _bigbrotr.named_relays AS n ON n.name_id = a.name_id;
COMMENT ON VIEW bigbrotr.candidate_authors IS 'Who names which relay';
COMMENT ON COLUMN bigbrotr.candidate_authors.relay_url IS 'Normalised URL';
COMMENT ON COLUMN bigbrotr.candidate_authors.pubkey IS 'Author of events that name it: public key, 32 bytes';

CREATE VIEW bigbrotr.candidate_rejects AS
	SELECT r.reason, r.name, r.mention_count, to_timestamp(r.first_seen) AS first_seen, to_timestamp(r.last_seen) AS last_seen
	FROM _bigbrotr.refused_names AS r;
COMMENT ON VIEW bigbrotr.candidate_rejects IS 'Names in events that are no relays, or too many';
COMMENT ON COLUMN bigbrotr.candidate_rejects.reason IS 'Reason code of bigbrotr.normalise_relay_url; local_address: not publicly reachable; only_blocked: named only as a relay to avoid; author_limit, site_limit: its authors, or its site, have too many names';
COMMENT ON COLUMN bigbrotr.candidate_rejects.name IS 'The name, its first 200 bytes; empty: all that are beyond the first thousand of their reason, or may hold a secret';
COMMENT ON COLUMN bigbrotr.candidate_rejects.mention_count IS 'Events with this name, once for each place';
COMMENT ON COLUMN bigbrotr.candidate_rejects.first_seen IS 'When the first of them was archived';
COMMENT ON COLUMN bigbrotr.candidate_rejects.last_seen IS 'When the last of them was archived';

CREATE VIEW bigbrotr.relay_aliases AS
	SELECT r.url AS relay_url, a.url AS alias_url
	FROM bigbrotr.relays AS r JOIN bigbrotr.relays AS a ON a.url = 'ws' || substr(r.url, 4)
	WHERE r.url LIKE 'wss://%';
COMMENT ON VIEW bigbrotr.relay_aliases IS 'Relays that are probably one: the same host and path with and without TLS. They are not merged';
COMMENT ON COLUMN bigbrotr.relay_aliases.relay_url IS 'URL with wss://';
COMMENT ON COLUMN bigbrotr.relay_aliases.alias_url IS 'The same with ws://';
