-- Views of the results of the finder, for users.

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
COMMENT ON VIEW bigbrotr.candidates IS 'Relays that events and lists name, and their state';
COMMENT ON COLUMN bigbrotr.candidates.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.candidates.network IS 'Network of the relay, as in bigbrotr.relays';
COMMENT ON COLUMN bigbrotr.candidates.site IS 'Registered domain of the host, by the Public Suffix List, or the IPv4 address, or the /64 network of the IPv6 address';
COMMENT ON COLUMN bigbrotr.candidates.candidate_state IS 'relay: it is in bigbrotr.relays; deleted: it was in bigbrotr.relays, and only bigbrotr.add_relay adds it again; waiting: it waits for more authors, or for a place of its site';
COMMENT ON COLUMN bigbrotr.candidates.author_count IS 'Number of authors that name the relay, without those that name it only as a relay to avoid';
COMMENT ON COLUMN bigbrotr.candidates.is_exact IS 'false: author_count has reached its limit, and further authors are not counted';
COMMENT ON COLUMN bigbrotr.candidates.listed IS 'Whether a list names the relay';
COMMENT ON COLUMN bigbrotr.candidates.mention_count IS 'Number of events that name the relay, counted once for each place, plus readings of lists that name it';
COMMENT ON COLUMN bigbrotr.candidates.first_seen IS 'When the first event that names the relay was archived, or a list that names it was first read';
COMMENT ON COLUMN bigbrotr.candidates.last_seen IS 'When the last event that names the relay was archived, or a list that names it was last read';

CREATE VIEW bigbrotr.candidate_sources AS
	SELECT n.url AS relay_url, p.place, p.source, p.mention_count, to_timestamp(p.first_seen) AS first_seen, to_timestamp(p.last_seen) AS last_seen
	FROM _bigbrotr.naming_places AS p JOIN _bigbrotr.named_relays AS n ON n.name_id = p.name_id;
COMMENT ON VIEW bigbrotr.candidate_sources IS 'Places in which relays are named, and how often';
COMMENT ON COLUMN bigbrotr.candidate_sources.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.candidate_sources.place IS 'Place of an event, as in bigbrotr.relay_mentions; seed_list: a list of relays, not an event; web_list: a list of bigbrotr.relay_sources';
COMMENT ON COLUMN bigbrotr.candidate_sources.source IS 'Name or URL of the list, cut after 200 characters; empty: events';
COMMENT ON COLUMN bigbrotr.candidate_sources.mention_count IS 'Number of events that name the relay in this place; for a list: how often it was read';
COMMENT ON COLUMN bigbrotr.candidate_sources.first_seen IS 'When the first of these events was archived, or the list was first read';
COMMENT ON COLUMN bigbrotr.candidate_sources.last_seen IS 'When the last of these events was archived, or the list was last read';

CREATE VIEW bigbrotr.candidate_authors AS
	SELECT n.url AS relay_url, a.author AS pubkey
	FROM _bigbrotr.naming_authors AS a, unnest(a.name_ids) AS i (name_id) JOIN _bigbrotr.named_relays AS n ON n.name_id = i.name_id;
COMMENT ON VIEW bigbrotr.candidate_authors IS 'Authors and the relays that they name';
COMMENT ON COLUMN bigbrotr.candidate_authors.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.candidate_authors.pubkey IS 'Author of an event that names the relay: public key, 32 bytes';

CREATE VIEW bigbrotr.candidate_rejects AS
	SELECT r.reason, r.name, r.mention_count, to_timestamp(r.first_seen) AS first_seen, to_timestamp(r.last_seen) AS last_seen
	FROM _bigbrotr.refused_names AS r;
COMMENT ON VIEW bigbrotr.candidate_rejects IS 'Names in events and in lists of the web that were refused: they are not relays, or there are too many';
COMMENT ON COLUMN bigbrotr.candidate_rejects.reason IS 'Reason code of bigbrotr.normalise_relay_url; local_address: not publicly reachable; only_blocked: named only as a relay to avoid; author_limit, site_limit: an author, or a site, has too many names; not_a_string: a value that is not a string';
COMMENT ON COLUMN bigbrotr.candidate_rejects.name IS 'The name, cut after 200 bytes; empty: all names beyond the first thousand of a reason, and names that may hold a secret';
COMMENT ON COLUMN bigbrotr.candidate_rejects.mention_count IS 'Number of events with this name, counted once for each place; for a list: number of times the name was read';
COMMENT ON COLUMN bigbrotr.candidate_rejects.first_seen IS 'When the first event with this name was archived';
COMMENT ON COLUMN bigbrotr.candidate_rejects.last_seen IS 'When the last event with this name was archived';

-- If many relays share a key or a document, each row pairs one of them with the relay that became known first. So the number
-- of rows grows with the number of relays, not with its square.
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
COMMENT ON VIEW bigbrotr.relay_aliases IS 'Pairs of URLs that probably belong to the same relay. The two relays are not merged';
COMMENT ON COLUMN bigbrotr.relay_aliases.relay_url IS 'Normalised URL of the relay: the URL with TLS, the URL with a host name, or the URL that became known first';
COMMENT ON COLUMN bigbrotr.relay_aliases.alias_url IS 'The other URL of the pair';
COMMENT ON COLUMN bigbrotr.relay_aliases.reason IS 'scheme: same host and path, without TLS; address: the host name had this address at the last visit, and scheme, port and path are the same; key: both documents state the same key (self, NIP-11); document: both serve the same document (NIP-11), which names an operator';
