-- The notes with the most answers, reposts and likes among the archived events.
WITH mentions AS (
	SELECT e.kind, e.pubkey, tag ->> 1 AS note
	FROM bigbrotr.events AS e, jsonb_array_elements(e.tags) AS tag
	WHERE e.kind IN (1, 6, 7, 9735) AND tag ->> 0 = 'e' AND tag ->> 1 ~ '^[0-9a-f]{64}$'
)
SELECT left(regexp_replace(n.content, '\s+', ' ', 'g'), 44) AS note,
       count(*) FILTER (WHERE m.kind = 1) AS replies,
       count(*) FILTER (WHERE m.kind = 6) AS reposts,
       count(*) FILTER (WHERE m.kind = 7) AS reactions,
       count(*) FILTER (WHERE m.kind = 9735) AS zaps,
       count(DISTINCT m.pubkey) AS people
FROM mentions AS m JOIN bigbrotr.events AS n ON n.event_id = decode(m.note, 'hex')
WHERE n.kind = 1
GROUP BY n.event_id
ORDER BY count(*) DESC, n.event_id
LIMIT 8;
