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
COMMENT ON COLUMN bigbrotr.candidate_sources.place IS 'As bigbrotr.relay_mentions says; seed_list: a list of relays, not an event; web_list: one of bigbrotr.relay_sources';
COMMENT ON COLUMN bigbrotr.candidate_sources.source IS 'Name or URL of the list, its first 200 characters; empty: events';
COMMENT ON COLUMN bigbrotr.candidate_sources.mention_count IS 'Events that name it there; of a list: how often it was read';
COMMENT ON COLUMN bigbrotr.candidate_sources.first_seen IS 'When the first of them was archived, or the list was first read';
COMMENT ON COLUMN bigbrotr.candidate_sources.last_seen IS 'The same of the last one';

CREATE VIEW bigbrotr.candidate_authors AS
	SELECT n.url AS relay_url, a.author AS pubkey
	FROM _bigbrotr.naming_authors AS a, unnest(a.name_ids) AS i (name_id) JOIN _bigbrotr.named_relays AS n ON n.name_id = i.name_id;
COMMENT ON VIEW bigbrotr.candidate_authors IS 'Who names which relay';
COMMENT ON COLUMN bigbrotr.candidate_authors.relay_url IS 'Normalised URL';
COMMENT ON COLUMN bigbrotr.candidate_authors.pubkey IS 'Author of events that name it: public key, 32 bytes';

CREATE VIEW bigbrotr.candidate_rejects AS
	SELECT r.reason, r.name, r.mention_count, to_timestamp(r.first_seen) AS first_seen, to_timestamp(r.last_seen) AS last_seen
	FROM _bigbrotr.refused_names AS r;
COMMENT ON VIEW bigbrotr.candidate_rejects IS 'Names in events and lists of the web that are no relays, or too many';
COMMENT ON COLUMN bigbrotr.candidate_rejects.reason IS 'Reason code of bigbrotr.normalise_relay_url; local_address: not publicly reachable; only_blocked: named only as a relay to avoid; author_limit, site_limit: its authors, or its site, have too many names; not_a_string: values in place of names';
COMMENT ON COLUMN bigbrotr.candidate_rejects.name IS 'The name, its first 200 bytes; empty: all that are beyond the first thousand of their reason, or may hold a secret';
COMMENT ON COLUMN bigbrotr.candidate_rejects.mention_count IS 'Events with this name, once for each place; of a list: how often it stood in what was read';
COMMENT ON COLUMN bigbrotr.candidate_rejects.first_seen IS 'When the first of them was archived';
COMMENT ON COLUMN bigbrotr.candidate_rejects.last_seen IS 'When the last of them was archived';

-- Of many that share a key or a document, each is shown beside the one that became known first: as many rows as relays.
CREATE VIEW bigbrotr.relay_aliases AS
	SELECT r.url AS relay_url, a.url AS alias_url, 'scheme' AS reason
	FROM bigbrotr.relays AS r JOIN bigbrotr.relays AS a ON a.url = 'ws' || substr(r.url, 4)
	WHERE r.url LIKE 'wss://%'
	UNION ALL
	SELECT n.url, i.url, 'address'
	FROM (SELECT v.relay_id, v.host, a.address
	      FROM _bigbrotr.relay_visits AS v JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = v.nip66_id,
	           jsonb_array_elements_text(CASE jsonb_typeof(f.facts -> 'addresses') WHEN 'array' THEN f.facts -> 'addresses' ELSE '[]' END) AS a (address)) AS v
	     JOIN bigbrotr.relays AS n ON n.relay_id = v.relay_id
	     JOIN bigbrotr.relays AS i ON i.url = replace(n.url, '://' || v.host, '://' || CASE WHEN v.address LIKE '%:%' THEN '[' || v.address || ']' ELSE v.address END)
	WHERE i.relay_id <> n.relay_id
	UNION ALL
	SELECT f.url, r.url, g.reason
	FROM (SELECT k.reason, min(v.relay_id) AS first, array_agg(v.relay_id) AS relay_ids
	      FROM _bigbrotr.nip11_documents AS d
	           CROSS JOIN LATERAL (VALUES ('key', d.document ->> 'self', d.document ->> 'self'), ('document', d.pubkey, d.nip11_id::text)) AS k (reason, pubkey, key)
	           JOIN _bigbrotr.relay_visits AS v ON v.nip11_id = d.nip11_id
	      WHERE length(k.pubkey) = 64 AND k.pubkey !~ '[^0-9a-f]'
	      GROUP BY k.reason, k.key HAVING count(*) > 1) AS g
	     JOIN bigbrotr.relays AS f ON f.relay_id = g.first,
	     unnest(g.relay_ids) AS a (relay_id)
	     JOIN bigbrotr.relays AS r ON r.relay_id = a.relay_id
	WHERE r.relay_id <> g.first;
COMMENT ON VIEW bigbrotr.relay_aliases IS 'Relays that are probably one. They are not merged';
COMMENT ON COLUMN bigbrotr.relay_aliases.relay_url IS 'Normalised URL: the one with TLS, the one with a name, or the one that became known first';
COMMENT ON COLUMN bigbrotr.relay_aliases.alias_url IS 'The other URL';
COMMENT ON COLUMN bigbrotr.relay_aliases.reason IS 'scheme: the same host and path without TLS; address: an address that the name had at the last visit, with the same scheme, port and path; key: both say that the same key is theirs (self, NIP-11); document: they serve the same document (NIP-11), which names an operator';
