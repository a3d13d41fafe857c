-- Keys of the API (docs/api.md). Each key has its own limits and counters. The archive stores only the SHA-256 of a key. This
-- fast hash is enough, because a key has 244 random bits and cannot be guessed. A key is looked up by its SHA-256, and the
-- time of the look-up says nothing about the key, so the comparison need not take constant time.

CREATE TABLE _bigbrotr.issued_keys (
	key_id               integer GENERATED ALWAYS AS IDENTITY,
	name                 text    NOT NULL,
	prefix               text    NOT NULL,
	digest               bytea   NOT NULL,
	pubkey               bytea,
	scopes               text[]  NOT NULL,
	requests_per_minute  integer,
	kilobytes_per_minute integer,
	cost_per_minute      integer,
	cost_limit           integer,
	inserted_at          bigint  NOT NULL DEFAULT bigbrotr.unix_now(),
	expires_at           bigint,
	revoked_at           bigint,
	CONSTRAINT issued_keys_pkey PRIMARY KEY (key_id),
	CONSTRAINT issued_keys_prefix_key UNIQUE (prefix),
	CONSTRAINT issued_keys_digest_key UNIQUE (digest),
	CONSTRAINT issued_keys_digest_check CHECK (length(digest) = 32),
	CONSTRAINT issued_keys_pubkey_check CHECK (length(pubkey) = 32),
	CONSTRAINT issued_keys_limits_check CHECK (requests_per_minute > 0 AND kilobytes_per_minute > 0 AND cost_per_minute > 0 AND cost_limit > 0)
);
CREATE UNIQUE INDEX issued_keys_pubkey_idx ON _bigbrotr.issued_keys (pubkey) WHERE revoked_at IS NULL;
COMMENT ON TABLE _bigbrotr.issued_keys IS 'Keys of the API, made by bigbrotr.create_api_key. A key is never deleted, so that its use stays known';
COMMENT ON COLUMN _bigbrotr.issued_keys.key_id IS 'Short key used by the api service';
COMMENT ON COLUMN _bigbrotr.issued_keys.name IS 'Name of the owner of the key, for the administrator';
COMMENT ON COLUMN _bigbrotr.issued_keys.prefix IS 'First eleven characters of the key, which are not secret';
COMMENT ON COLUMN _bigbrotr.issued_keys.digest IS 'SHA-256 of the key, 32 bytes';
COMMENT ON COLUMN _bigbrotr.issued_keys.pubkey IS 'Public key (Nostr), 32 bytes, whose signature (NIP-98) replaces the key; null: none';
COMMENT ON COLUMN _bigbrotr.issued_keys.scopes IS 'Scopes and names of routes (bigbrotr.api_routes) that the key opens';
COMMENT ON COLUMN _bigbrotr.issued_keys.requests_per_minute IS 'Maximum number of requests in a minute; null: no limit';
COMMENT ON COLUMN _bigbrotr.issued_keys.kilobytes_per_minute IS 'Maximum size of all answers in a minute, kilobytes; null: no limit';
COMMENT ON COLUMN _bigbrotr.issued_keys.cost_per_minute IS 'Maximum cost of all requests in a minute, in cost units of the planner; null: no limit';
COMMENT ON COLUMN _bigbrotr.issued_keys.cost_limit IS 'Maximum cost of one request, in cost units of the planner; null: no limit';
COMMENT ON COLUMN _bigbrotr.issued_keys.inserted_at IS 'When the key was made, Unix seconds';
COMMENT ON COLUMN _bigbrotr.issued_keys.expires_at IS 'When the key expires, Unix seconds; null: never';
COMMENT ON COLUMN _bigbrotr.issued_keys.revoked_at IS 'When the key was revoked, Unix seconds; null: not revoked';
SELECT pg_extension_config_dump('_bigbrotr.issued_keys', '');
SELECT pg_extension_config_dump('_bigbrotr.issued_keys_key_id_seq', '');

CREATE TABLE _bigbrotr.key_usage (
	key_id        integer,
	request_count bigint NOT NULL,
	byte_count    bigint NOT NULL,
	cost_sum      bigint NOT NULL,
	used_at       bigint NOT NULL,
	CONSTRAINT key_usage_pkey PRIMARY KEY (key_id),
	CONSTRAINT key_usage_key_id_fkey FOREIGN KEY (key_id) REFERENCES _bigbrotr.issued_keys ON DELETE CASCADE
) WITH (fillfactor = 50);
COMMENT ON TABLE _bigbrotr.key_usage IS 'Use of each key, summed by the net process and written every ten to fifteen seconds. A standby writes nothing; a crash loses the sums that were not written';
COMMENT ON COLUMN _bigbrotr.key_usage.key_id IS '_bigbrotr.issued_keys.key_id';
COMMENT ON COLUMN _bigbrotr.key_usage.request_count IS 'Number of requests, also those of the relay endpoint';
COMMENT ON COLUMN _bigbrotr.key_usage.byte_count IS 'Bytes of the answers';
COMMENT ON COLUMN _bigbrotr.key_usage.cost_sum IS 'Cost of the requests, in cost units of the planner';
COMMENT ON COLUMN _bigbrotr.key_usage.used_at IS 'When the key was last used, Unix seconds';
SELECT pg_extension_config_dump('_bigbrotr.key_usage', '');

CREATE VIEW bigbrotr.api_keys AS
	SELECT k.prefix, k.name,
	       CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= bigbrotr.unix_now() THEN 'expired' ELSE 'valid' END AS state,
	       k.pubkey, k.scopes, k.requests_per_minute, k.kilobytes_per_minute, k.cost_per_minute, k.cost_limit,
	       to_timestamp(k.inserted_at) AS inserted_at, to_timestamp(k.expires_at) AS expires_at, to_timestamp(k.revoked_at) AS revoked_at,
	       coalesce(u.request_count, 0) AS request_count, coalesce(u.byte_count, 0) AS byte_count, coalesce(u.cost_sum, 0) AS cost_sum, to_timestamp(u.used_at) AS used_at
	FROM _bigbrotr.issued_keys AS k LEFT JOIN _bigbrotr.key_usage AS u ON u.key_id = k.key_id;
COMMENT ON VIEW bigbrotr.api_keys IS 'Keys of the API, the routes that they open, and their use';
COMMENT ON COLUMN bigbrotr.api_keys.prefix IS 'First eleven characters of the key, which bigbrotr.revoke_api_key takes';
COMMENT ON COLUMN bigbrotr.api_keys.name IS 'Name of the owner of the key';
COMMENT ON COLUMN bigbrotr.api_keys.state IS 'State of the key: valid, expired or revoked';
COMMENT ON COLUMN bigbrotr.api_keys.pubkey IS 'Public key, 32 bytes, whose signature (NIP-98) replaces the key; null: none';
COMMENT ON COLUMN bigbrotr.api_keys.scopes IS 'Scopes and names of routes (bigbrotr.api_routes) that the key opens';
COMMENT ON COLUMN bigbrotr.api_keys.requests_per_minute IS 'Maximum number of requests in a minute; null: no limit';
COMMENT ON COLUMN bigbrotr.api_keys.kilobytes_per_minute IS 'Maximum size of all answers in a minute, kilobytes; null: no limit';
COMMENT ON COLUMN bigbrotr.api_keys.cost_per_minute IS 'Maximum cost of all requests in a minute, in cost units of the planner; null: no limit';
COMMENT ON COLUMN bigbrotr.api_keys.cost_limit IS 'Maximum cost of one request, in cost units of the planner; null: no limit';
COMMENT ON COLUMN bigbrotr.api_keys.inserted_at IS 'When the key was made';
COMMENT ON COLUMN bigbrotr.api_keys.expires_at IS 'When the key expires; null: never';
COMMENT ON COLUMN bigbrotr.api_keys.revoked_at IS 'When the key was revoked; null: not revoked';
COMMENT ON COLUMN bigbrotr.api_keys.request_count IS 'Number of requests with the key, up to half a minute late';
COMMENT ON COLUMN bigbrotr.api_keys.byte_count IS 'Bytes of the answers, up to half a minute late';
COMMENT ON COLUMN bigbrotr.api_keys.cost_sum IS 'Cost of the requests, in cost units of the planner, up to half a minute late';
COMMENT ON COLUMN bigbrotr.api_keys.used_at IS 'When the key was last used, up to half a minute late; null: never';

CREATE FUNCTION bigbrotr.create_api_key(
	name text, scopes text[] DEFAULT '{events,relays,statistics,lists,nostr,jobs}', expires_at timestamptz DEFAULT NULL, pubkey text DEFAULT NULL,
	requests_per_minute integer DEFAULT 6000, kilobytes_per_minute integer DEFAULT NULL, cost_per_minute integer DEFAULT NULL, cost_limit integer DEFAULT NULL)
	RETURNS text
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT integer := 5000;
	wrong CONSTANT text := (SELECT s FROM unnest(scopes) AS s
		WHERE NOT EXISTS (SELECT FROM bigbrotr.api_routes AS r WHERE s IN (r.scope, r.name)) LIMIT 1);
	visible text;
	key text;
	digest bytea;
BEGIN
	IF coalesce(name, '') = '' OR length(name) > 200 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a key needs a name', DETAIL = 'It has 1 to 200 characters.', HINT = 'Say whose key it is.';
	END IF;
	IF scopes IS NULL OR cardinality(scopes) NOT BETWEEN 1 AND 30 OR wrong IS NOT NULL OR (SELECT bool_or(s IS NULL) FROM unnest(scopes) AS s) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = CASE WHEN wrong IS NULL THEN 'a key needs scopes' ELSE format('there is no scope "%s"', left(wrong, 64)) END,
			DETAIL = format('Scopes are %s, and the name of each route; a key has 1 to 30 of them.',
				(SELECT string_agg(DISTINCT r.scope, ', ') FROM bigbrotr.api_routes AS r)),
			HINT = 'The view bigbrotr.api_routes shows the scope of each route.';
	END IF;
	IF expires_at <= now() THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'the key would have expired already', DETAIL = format('It would end at %s.', expires_at), HINT = 'Leave the time out for a key without an end.';
	END IF;
	IF requests_per_minute < 1 OR kilobytes_per_minute < 1 OR cost_per_minute < 1 OR cost_limit < 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a limit is less than 1', DETAIL = 'With such a limit nothing could be asked.', HINT = 'null is no limit.';
	END IF;
	LOCK TABLE _bigbrotr.issued_keys IN SHARE ROW EXCLUSIVE MODE;
	IF (SELECT count(*) FROM bigbrotr.api_keys AS k WHERE k.state = 'valid') >= most THEN
		RAISE configuration_limit_exceeded USING
			MESSAGE = format('there are %s valid keys', most), DETAIL = 'The api service keeps all of them in memory.', HINT = 'Revoke those that nobody uses.';
	END IF;
	IF EXISTS (SELECT FROM _bigbrotr.issued_keys AS k WHERE k.revoked_at IS NULL AND k.pubkey = bigbrotr.pubkey(create_api_key.pubkey)) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'this public key has a key already', DETAIL = 'A signature would stand for two keys.', HINT = 'Revoke the other one first.';
	END IF;
	-- Prefixes are unique, because the prefix identifies a key.
	LOOP
		visible := 'bb_' || left(encode(sha256(uuid_send(gen_random_uuid())), 'hex'), 8);
		EXIT WHEN NOT EXISTS (SELECT FROM _bigbrotr.issued_keys AS k WHERE k.prefix = visible);
	END LOOP;
	-- The last six digits are a checksum: with it, a truncated or mistyped key gets another error than an unknown key.
	key := visible || '_' || encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex');
	key := key || left(encode(sha256(convert_to(key, 'UTF8')), 'hex'), 6);
	digest := sha256(convert_to(key, 'UTF8'));
	INSERT INTO _bigbrotr.issued_keys (name, prefix, digest, pubkey, scopes, requests_per_minute, kilobytes_per_minute, cost_per_minute, cost_limit, expires_at)
	VALUES (create_api_key.name, visible, digest, bigbrotr.pubkey(create_api_key.pubkey), create_api_key.scopes, create_api_key.requests_per_minute,
		create_api_key.kilobytes_per_minute, create_api_key.cost_per_minute, create_api_key.cost_limit,
		CASE WHEN create_api_key.expires_at IS NOT NULL THEN _bigbrotr.unix_time(create_api_key.expires_at) END);
	RETURN key;
END
$$;
COMMENT ON FUNCTION bigbrotr.create_api_key(text, text[], timestamptz, text, integer, integer, integer, integer) IS
	'Makes a key of the API and returns it; the key cannot be shown again. pubkey: a public key in any spelling whose signatures (NIP-98) replace the key. A limit of null means no limit. An error if an argument is not valid, or pubkey has another valid key';

CREATE FUNCTION bigbrotr.revoke_api_key(prefix text) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE _bigbrotr.issued_keys AS k SET revoked_at = bigbrotr.unix_now() WHERE k.prefix = left(revoke_api_key.prefix, 11) AND k.revoked_at IS NULL;
	IF NOT FOUND AND NOT EXISTS (SELECT FROM _bigbrotr.issued_keys AS k WHERE k.prefix = left(revoke_api_key.prefix, 11)) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no key "%s"', left(revoke_api_key.prefix, 11)), DETAIL = 'Keys are known by their first eleven characters.',
			HINT = 'The view bigbrotr.api_keys has them.';
	END IF;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION bigbrotr.revoke_api_key(text) IS
	'Revokes a key by its prefix for ever; the api service refuses it within seconds. false: the key was revoked before. An error if there is no such key';

CREATE FUNCTION _bigbrotr.add_key_usage(key_ids integer[], requests bigint[], bytes bigint[], costs bigint[], at bigint) RETURNS void
	LANGUAGE sql
	BEGIN ATOMIC
		INSERT INTO _bigbrotr.key_usage AS u (key_id, request_count, byte_count, cost_sum, used_at)
		SELECT a.key_id, coalesce(a.requests, 0), coalesce(a.bytes, 0), coalesce(a.costs, 0), at
		FROM unnest(key_ids, requests, bytes, costs) AS a (key_id, requests, bytes, costs)
		WHERE at IS NOT NULL AND EXISTS (SELECT FROM _bigbrotr.issued_keys AS k WHERE k.key_id = a.key_id)
		ORDER BY a.key_id
		ON CONFLICT ON CONSTRAINT key_usage_pkey DO UPDATE SET
			request_count = u.request_count + excluded.request_count, byte_count = u.byte_count + excluded.byte_count,
			cost_sum = u.cost_sum + excluded.cost_sum, used_at = greatest(u.used_at, excluded.used_at);
	END;
COMMENT ON FUNCTION _bigbrotr.add_key_usage(integer[], bigint[], bigint[], bigint[], bigint) IS 'Adds to the sums in _bigbrotr.key_usage; the arrays are parallel and have no key twice. at: Unix seconds';
