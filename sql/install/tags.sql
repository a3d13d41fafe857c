-- The schema, and the type of an event's tags. To the outside tags are JSON; stored they take half of
-- what jsonb takes (src/nostr/packed_tags.h).
-- The install script runs with the search path pg_catalog: every name of ours is qualified.

CREATE SCHEMA bigbrotr;
COMMENT ON SCHEMA bigbrotr IS 'bigbrotr: the Nostr network observatory inside PostgreSQL';

CREATE TYPE bigbrotr.tags;

CREATE FUNCTION bigbrotr.tags_in(cstring) RETURNS bigbrotr.tags
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_in';
COMMENT ON FUNCTION bigbrotr.tags_in(cstring) IS 'Input: JSON text';
CREATE FUNCTION bigbrotr.tags_out(bigbrotr.tags) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_out';
COMMENT ON FUNCTION bigbrotr.tags_out(bigbrotr.tags) IS 'Output: JSON text in the canonical form (NIP-01)';
CREATE FUNCTION bigbrotr.tags_recv(internal) RETURNS bigbrotr.tags
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_recv';
COMMENT ON FUNCTION bigbrotr.tags_recv(internal) IS 'Binary input, as that of jsonb: a byte 1, then JSON text';
CREATE FUNCTION bigbrotr.tags_send(bigbrotr.tags) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_send';
COMMENT ON FUNCTION bigbrotr.tags_send(bigbrotr.tags) IS 'Binary output, as that of jsonb: a byte 1, then JSON text';

CREATE TYPE bigbrotr.tags (
	INPUT = bigbrotr.tags_in,
	OUTPUT = bigbrotr.tags_out,
	RECEIVE = bigbrotr.tags_recv,
	SEND = bigbrotr.tags_send,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE bigbrotr.tags IS
	'Tags of an event (NIP-01): an array of non-empty arrays of strings, as JSON. Turns into jsonb and back by itself, so that operators and functions of jsonb work on it (but || with a bare literal joins texts: write tags::jsonb)';

-- Casts.
CREATE FUNCTION bigbrotr.tags_to_jsonb(tags bigbrotr.tags) RETURNS jsonb
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_to_jsonb';
COMMENT ON FUNCTION bigbrotr.tags_to_jsonb(bigbrotr.tags) IS 'Tags as jsonb: the cast';
CREATE FUNCTION bigbrotr.tags_to_json(tags bigbrotr.tags) RETURNS json
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_to_json';
COMMENT ON FUNCTION bigbrotr.tags_to_json(bigbrotr.tags) IS
	'Tags as json in the canonical form (NIP-01): the cast, which to_jsonb and row_to_json use';
CREATE FUNCTION bigbrotr.jsonb_to_tags(tags jsonb) RETURNS bigbrotr.tags
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_jsonb_to_tags';
COMMENT ON FUNCTION bigbrotr.jsonb_to_tags(jsonb) IS 'Tags from jsonb: the cast';

CREATE CAST (bigbrotr.tags AS jsonb) WITH FUNCTION bigbrotr.tags_to_jsonb(bigbrotr.tags) AS IMPLICIT;
COMMENT ON CAST (bigbrotr.tags AS jsonb) IS 'All that jsonb can do, tags can';
CREATE CAST (bigbrotr.tags AS json) WITH FUNCTION bigbrotr.tags_to_json(bigbrotr.tags);
COMMENT ON CAST (bigbrotr.tags AS json) IS 'Explicit only: the operators are those of jsonb';
CREATE CAST (jsonb AS bigbrotr.tags) WITH FUNCTION bigbrotr.jsonb_to_tags(jsonb) AS IMPLICIT;
COMMENT ON CAST (jsonb AS bigbrotr.tags) IS 'For functions on tags; an error for what is no tags';

-- Equal tags are equal bytes. So rows can be compared, sorted, grouped; the order itself means nothing.
DO $operators$
DECLARE
	item record;
BEGIN
	FOR item IN
		SELECT * FROM (VALUES
			('=', 'eq', '=', '<>', 'eqsel', 'eqjoinsel', 'Whether the tags are the same, in the same order'),
			('<>', 'ne', '<>', '=', 'neqsel', 'neqjoinsel', 'Whether the tags differ'),
			('<', 'lt', '>', '>=', 'scalarltsel', 'scalarltjoinsel', 'Order of the stored bytes'),
			('<=', 'le', '>=', '>', 'scalarlesel', 'scalarlejoinsel', 'Order of the stored bytes'),
			('>', 'gt', '<', '<=', 'scalargtsel', 'scalargtjoinsel', 'Order of the stored bytes'),
			('>=', 'ge', '<=', '<', 'scalargesel', 'scalargejoinsel', 'Order of the stored bytes')
		) AS o (operator, name, commutator, negator, restriction, "join", comment)
	LOOP
		EXECUTE format('CREATE FUNCTION bigbrotr.tags_%1$s(a bigbrotr.tags, b bigbrotr.tags) RETURNS boolean
			LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS %2$L', item.name, 'bytea' || item.name);
		EXECUTE format('COMMENT ON FUNCTION bigbrotr.tags_%s(bigbrotr.tags, bigbrotr.tags) IS %L', item.name, item.comment);
		EXECUTE format('CREATE OPERATOR bigbrotr.%1$s (LEFTARG = bigbrotr.tags, RIGHTARG = bigbrotr.tags,
			FUNCTION = bigbrotr.tags_%2$s, COMMUTATOR = OPERATOR(bigbrotr.%3$s), NEGATOR = OPERATOR(bigbrotr.%4$s),
			RESTRICT = %5$s, JOIN = %6$s %7$s)', item.operator, item.name, item.commutator, item.negator,
			item.restriction, item."join", CASE item.operator WHEN '=' THEN ', HASHES, MERGES' ELSE '' END);
		EXECUTE format('COMMENT ON OPERATOR bigbrotr.%s (bigbrotr.tags, bigbrotr.tags) IS %L', item.operator, item.comment);
	END LOOP;
END
$operators$;

CREATE FUNCTION bigbrotr.tags_cmp(a bigbrotr.tags, b bigbrotr.tags) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF
	AS 'byteacmp';
COMMENT ON FUNCTION bigbrotr.tags_cmp(bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes: below, equal or above zero';
CREATE FUNCTION bigbrotr.tags_hash(tags bigbrotr.tags) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
	AS 'hashvarlena';
COMMENT ON FUNCTION bigbrotr.tags_hash(bigbrotr.tags) IS 'Hash of the stored bytes';
CREATE FUNCTION bigbrotr.tags_hash_extended(tags bigbrotr.tags, seed bigint) RETURNS bigint
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
	AS 'hashvarlenaextended';
COMMENT ON FUNCTION bigbrotr.tags_hash_extended(bigbrotr.tags, bigint) IS 'Hash of the stored bytes';

CREATE OPERATOR CLASS bigbrotr.tags_ops DEFAULT FOR TYPE bigbrotr.tags USING btree AS
	OPERATOR 1 bigbrotr.<, OPERATOR 2 bigbrotr.<=, OPERATOR 3 bigbrotr.=, OPERATOR 4 bigbrotr.>=, OPERATOR 5 bigbrotr.>,
	FUNCTION 1 bigbrotr.tags_cmp(bigbrotr.tags, bigbrotr.tags);
COMMENT ON OPERATOR CLASS bigbrotr.tags_ops USING btree IS 'To sort and group rows with tags';
COMMENT ON OPERATOR FAMILY bigbrotr.tags_ops USING btree IS 'To sort and group rows with tags';
CREATE OPERATOR CLASS bigbrotr.tags_ops DEFAULT FOR TYPE bigbrotr.tags USING hash AS
	OPERATOR 1 bigbrotr.=,
	FUNCTION 1 bigbrotr.tags_hash(bigbrotr.tags),
	FUNCTION 2 bigbrotr.tags_hash_extended(bigbrotr.tags, bigint);
COMMENT ON OPERATOR CLASS bigbrotr.tags_ops USING hash IS 'To group and join rows with tags';
COMMENT ON OPERATOR FAMILY bigbrotr.tags_ops USING hash IS 'To group and join rows with tags';

GRANT EXECUTE ON FUNCTION
	bigbrotr.tags_to_jsonb(bigbrotr.tags),
	bigbrotr.tags_to_json(bigbrotr.tags),
	bigbrotr.jsonb_to_tags(jsonb),
	bigbrotr.tags_eq(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_ne(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_lt(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_le(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_gt(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_ge(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_cmp(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_hash(bigbrotr.tags),
	bigbrotr.tags_hash_extended(bigbrotr.tags, bigint)
	TO bigbrotr_reader;
