-- The schemas, and the type of the tags of an event. Users see tags as JSON; stored tags take half the space of jsonb
-- (src/nostr/packed_tags.h).
-- The install script runs with the search path pg_catalog, so it qualifies every name of the extension.

CREATE SCHEMA bigbrotr;
COMMENT ON SCHEMA bigbrotr IS 'bigbrotr: the Nostr network observatory inside PostgreSQL';
CREATE SCHEMA _bigbrotr;
COMMENT ON SCHEMA _bigbrotr IS 'bigbrotr: internal objects of its services, triggers and functions, which may change in any version';

CREATE TYPE bigbrotr.tags;

CREATE FUNCTION _bigbrotr.tags_in(cstring) RETURNS bigbrotr.tags
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_in';
COMMENT ON FUNCTION _bigbrotr.tags_in(cstring) IS 'Input: JSON text';
CREATE FUNCTION _bigbrotr.tags_out(bigbrotr.tags) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_out';
COMMENT ON FUNCTION _bigbrotr.tags_out(bigbrotr.tags) IS 'Output: JSON text in the canonical form (NIP-01)';
CREATE FUNCTION _bigbrotr.tags_recv(internal) RETURNS bigbrotr.tags
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_recv';
COMMENT ON FUNCTION _bigbrotr.tags_recv(internal) IS 'Binary input, as that of jsonb: a byte 1, then JSON text';
CREATE FUNCTION _bigbrotr.tags_send(bigbrotr.tags) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_send';
COMMENT ON FUNCTION _bigbrotr.tags_send(bigbrotr.tags) IS 'Binary output, as that of jsonb: a byte 1, then JSON text';

CREATE TYPE bigbrotr.tags (
	INPUT = _bigbrotr.tags_in,
	OUTPUT = _bigbrotr.tags_out,
	RECEIVE = _bigbrotr.tags_recv,
	SEND = _bigbrotr.tags_send,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE bigbrotr.tags IS
	'Tags of an event (NIP-01): an array of non-empty arrays of strings, as JSON. Casts to jsonb implicitly, so that operators and functions of jsonb accept it (but || with a bare literal concatenates texts: write tags::jsonb)';

-- Casts.
CREATE FUNCTION _bigbrotr.tags_to_jsonb(tags bigbrotr.tags) RETURNS jsonb
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_to_jsonb';
COMMENT ON FUNCTION _bigbrotr.tags_to_jsonb(bigbrotr.tags) IS 'Cast of tags to jsonb';
CREATE FUNCTION _bigbrotr.tags_to_json(tags bigbrotr.tags) RETURNS json
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_to_json';
COMMENT ON FUNCTION _bigbrotr.tags_to_json(bigbrotr.tags) IS
	'Cast of tags to json in the canonical form (NIP-01); to_jsonb and row_to_json use it';
CREATE FUNCTION _bigbrotr.jsonb_to_tags(tags jsonb) RETURNS bigbrotr.tags
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_jsonb_to_tags';
COMMENT ON FUNCTION _bigbrotr.jsonb_to_tags(jsonb) IS 'Cast of jsonb to tags; an error if it is not an array of non-empty arrays of strings';

CREATE CAST (bigbrotr.tags AS jsonb) WITH FUNCTION _bigbrotr.tags_to_jsonb(bigbrotr.tags) AS IMPLICIT;
COMMENT ON CAST (bigbrotr.tags AS jsonb) IS 'Implicit, so that all operators and functions of jsonb accept tags';
CREATE CAST (bigbrotr.tags AS json) WITH FUNCTION _bigbrotr.tags_to_json(bigbrotr.tags);
COMMENT ON CAST (bigbrotr.tags AS json) IS 'Explicit only, because the operators of tags are those of jsonb';
CREATE CAST (jsonb AS bigbrotr.tags) WITH FUNCTION _bigbrotr.jsonb_to_tags(jsonb) AS ASSIGNMENT;
COMMENT ON CAST (jsonb AS bigbrotr.tags) IS 'Implicit in an assignment to a column; an argument needs ::bigbrotr.tags. Anything but an array of non-empty arrays of strings is an error';

-- Equal tags have equal bytes, so rows with tags can be compared, sorted and grouped; the order has no meaning.
CREATE FUNCTION _bigbrotr.tags_eq(a bigbrotr.tags, b bigbrotr.tags) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'byteaeq';
CREATE FUNCTION _bigbrotr.tags_ne(a bigbrotr.tags, b bigbrotr.tags) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'byteane';
CREATE FUNCTION _bigbrotr.tags_lt(a bigbrotr.tags, b bigbrotr.tags) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'bytealt';
CREATE FUNCTION _bigbrotr.tags_le(a bigbrotr.tags, b bigbrotr.tags) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'byteale';
CREATE FUNCTION _bigbrotr.tags_gt(a bigbrotr.tags, b bigbrotr.tags) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'byteagt';
CREATE FUNCTION _bigbrotr.tags_ge(a bigbrotr.tags, b bigbrotr.tags) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'byteage';
COMMENT ON FUNCTION _bigbrotr.tags_eq(bigbrotr.tags, bigbrotr.tags) IS 'Whether the tags are the same, in the same order';
COMMENT ON FUNCTION _bigbrotr.tags_ne(bigbrotr.tags, bigbrotr.tags) IS 'Whether the tags differ';
COMMENT ON FUNCTION _bigbrotr.tags_lt(bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes';
COMMENT ON FUNCTION _bigbrotr.tags_le(bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes';
COMMENT ON FUNCTION _bigbrotr.tags_gt(bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes';
COMMENT ON FUNCTION _bigbrotr.tags_ge(bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes';
CREATE OPERATOR bigbrotr.= (LEFTARG = bigbrotr.tags, RIGHTARG = bigbrotr.tags, FUNCTION = _bigbrotr.tags_eq,
	COMMUTATOR = OPERATOR(bigbrotr.=), NEGATOR = OPERATOR(bigbrotr.<>), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR bigbrotr.<> (LEFTARG = bigbrotr.tags, RIGHTARG = bigbrotr.tags, FUNCTION = _bigbrotr.tags_ne,
	COMMUTATOR = OPERATOR(bigbrotr.<>), NEGATOR = OPERATOR(bigbrotr.=), RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR bigbrotr.< (LEFTARG = bigbrotr.tags, RIGHTARG = bigbrotr.tags, FUNCTION = _bigbrotr.tags_lt,
	COMMUTATOR = OPERATOR(bigbrotr.>), NEGATOR = OPERATOR(bigbrotr.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR bigbrotr.<= (LEFTARG = bigbrotr.tags, RIGHTARG = bigbrotr.tags, FUNCTION = _bigbrotr.tags_le,
	COMMUTATOR = OPERATOR(bigbrotr.>=), NEGATOR = OPERATOR(bigbrotr.>), RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR bigbrotr.> (LEFTARG = bigbrotr.tags, RIGHTARG = bigbrotr.tags, FUNCTION = _bigbrotr.tags_gt,
	COMMUTATOR = OPERATOR(bigbrotr.<), NEGATOR = OPERATOR(bigbrotr.<=), RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR bigbrotr.>= (LEFTARG = bigbrotr.tags, RIGHTARG = bigbrotr.tags, FUNCTION = _bigbrotr.tags_ge,
	COMMUTATOR = OPERATOR(bigbrotr.<=), NEGATOR = OPERATOR(bigbrotr.<), RESTRICT = scalargesel, JOIN = scalargejoinsel);
COMMENT ON OPERATOR bigbrotr.= (bigbrotr.tags, bigbrotr.tags) IS 'Whether the tags are the same, in the same order';
COMMENT ON OPERATOR bigbrotr.<> (bigbrotr.tags, bigbrotr.tags) IS 'Whether the tags differ';
COMMENT ON OPERATOR bigbrotr.< (bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes';
COMMENT ON OPERATOR bigbrotr.<= (bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes';
COMMENT ON OPERATOR bigbrotr.> (bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes';
COMMENT ON OPERATOR bigbrotr.>= (bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes';

CREATE FUNCTION _bigbrotr.tags_cmp(a bigbrotr.tags, b bigbrotr.tags) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF
	AS 'byteacmp';
COMMENT ON FUNCTION _bigbrotr.tags_cmp(bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes: below, equal or above zero';
CREATE FUNCTION _bigbrotr.tags_hash(tags bigbrotr.tags) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
	AS 'hashvarlena';
COMMENT ON FUNCTION _bigbrotr.tags_hash(bigbrotr.tags) IS 'Hash of the stored bytes';
CREATE FUNCTION _bigbrotr.tags_hash_extended(tags bigbrotr.tags, seed bigint) RETURNS bigint
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
	AS 'hashvarlenaextended';
COMMENT ON FUNCTION _bigbrotr.tags_hash_extended(bigbrotr.tags, bigint) IS 'Hash of the stored bytes';

CREATE OPERATOR CLASS bigbrotr.tags_ops DEFAULT FOR TYPE bigbrotr.tags USING btree AS
	OPERATOR 1 bigbrotr.<, OPERATOR 2 bigbrotr.<=, OPERATOR 3 bigbrotr.=, OPERATOR 4 bigbrotr.>=, OPERATOR 5 bigbrotr.>,
	FUNCTION 1 _bigbrotr.tags_cmp(bigbrotr.tags, bigbrotr.tags);
COMMENT ON OPERATOR CLASS bigbrotr.tags_ops USING btree IS 'Sorts and groups rows with tags, in the order of the stored bytes';
COMMENT ON OPERATOR FAMILY bigbrotr.tags_ops USING btree IS 'Sorts and groups rows with tags, in the order of the stored bytes';
CREATE OPERATOR CLASS bigbrotr.tags_ops DEFAULT FOR TYPE bigbrotr.tags USING hash AS
	OPERATOR 1 bigbrotr.=,
	FUNCTION 1 _bigbrotr.tags_hash(bigbrotr.tags),
	FUNCTION 2 _bigbrotr.tags_hash_extended(bigbrotr.tags, bigint);
COMMENT ON OPERATOR CLASS bigbrotr.tags_ops USING hash IS 'Groups and joins rows with tags';
COMMENT ON OPERATOR FAMILY bigbrotr.tags_ops USING hash IS 'Groups and joins rows with tags';
