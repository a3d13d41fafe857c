-- Nostr in SQL: events, tags, keys (NIP-19), invoices and times. No function of this file reads or writes a table.
-- Immutable C functions run no SQL, so a search path cannot change their result. They have no SET clause, because it would
-- take more time than most of these functions.

-- Events. Limits: 1 MiB of JSON, 10000 tags, 64 levels of nesting.
CREATE FUNCTION bigbrotr.parse_event(
	event text,
	OUT event_id bytea, OUT pubkey bytea, OUT created_at bigint, OUT kind integer,
	OUT tags bigbrotr.tags, OUT content text, OUT sig bytea, OUT raw bytea)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_parse_event';
CREATE FUNCTION bigbrotr.parse_event(
	event bytea,
	OUT event_id bytea, OUT pubkey bytea, OUT created_at bigint, OUT kind integer,
	OUT tags bigbrotr.tags, OUT content text, OUT sig bytea, OUT raw bytea)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_parse_event';
COMMENT ON FUNCTION bigbrotr.parse_event(text) IS
	'Parses an event in NIP-01 JSON into the columns of bigbrotr.events. Checks format and id, but not the signature; an error, with the reason, if the event is not valid. If the event has U+0000, tags and content have U+FFFD instead, and raw is the exact JSON; else raw is empty';
COMMENT ON FUNCTION bigbrotr.parse_event(bytea) IS
	'bigbrotr.parse_event for JSON as bytes; bytes that are not valid UTF-8 are an error with a reason, as for other faults';

CREATE FUNCTION bigbrotr.verify_event(event text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_json';
CREATE FUNCTION bigbrotr.verify_event(event bytea) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_json';
CREATE FUNCTION bigbrotr.verify_event(
	event_id bytea, pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags, content text, sig bytea) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_fields';
COMMENT ON FUNCTION bigbrotr.verify_event(text) IS
	'Whether the JSON is a well-formed event whose id is its hash and whose signature is valid (NIP-01)';
COMMENT ON FUNCTION bigbrotr.verify_event(bytea) IS
	'Whether the JSON is a well-formed event whose id is its hash and whose signature is valid (NIP-01)';
COMMENT ON FUNCTION bigbrotr.verify_event(bytea, bytea, bigint, integer, bigbrotr.tags, text, bytea) IS
	'Whether the id is the hash of the event and the signature is valid (NIP-01)';

CREATE FUNCTION bigbrotr.verify_event_reason(event text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_json_reason';
CREATE FUNCTION bigbrotr.verify_event_reason(event bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_json_reason';
CREATE FUNCTION bigbrotr.verify_event_reason(
	event_id bytea, pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags, content text, sig bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_fields_reason';
COMMENT ON FUNCTION bigbrotr.verify_event_reason(text) IS
	'Why bigbrotr.verify_event is false, as a reason code such as id_mismatch; null: the event is valid';
COMMENT ON FUNCTION bigbrotr.verify_event_reason(bytea) IS
	'Why bigbrotr.verify_event is false, as a reason code such as id_mismatch; null: the event is valid';
COMMENT ON FUNCTION bigbrotr.verify_event_reason(bytea, bytea, bigint, integer, bigbrotr.tags, text, bytea) IS
	'Why bigbrotr.verify_event is false: id_mismatch or bad_signature; null: the event is valid';

CREATE FUNCTION bigbrotr.verify_event_reason(event bigbrotr.events) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000
	RETURN CASE WHEN (event).raw = ''
		THEN bigbrotr.verify_event_reason((event).event_id, (event).pubkey, (event).created_at, (event).kind,
			(event).tags, (event).content, (event).sig)
		ELSE coalesce(bigbrotr.verify_event_reason((event).raw),
			CASE WHEN (bigbrotr.parse_event((event).raw)).event_id <> (event).event_id THEN 'id_mismatch' END)
		END;
CREATE FUNCTION bigbrotr.verify_event(event bigbrotr.events) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000
	RETURN bigbrotr.verify_event_reason(event) IS NULL;
COMMENT ON FUNCTION bigbrotr.verify_event_reason(bigbrotr.events) IS
	'Why an archived event is not valid, as a reason code; null: the event is valid. SELECT event_id FROM bigbrotr.events AS e WHERE NOT bigbrotr.verify_event(e)';
COMMENT ON FUNCTION bigbrotr.verify_event(bigbrotr.events) IS
	'Whether the id of an archived event is its hash, and its signature is valid (NIP-01)';

CREATE FUNCTION bigbrotr.event_id(
	pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags, content text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
	AS 'MODULE_PATHNAME', 'bigbrotr_event_id';
COMMENT ON FUNCTION bigbrotr.event_id(bytea, bigint, integer, bigbrotr.tags, text) IS
	'Id of an event with these fields, 32 bytes: SHA-256 of its canonical form (NIP-01)';

CREATE FUNCTION bigbrotr.canonical_json(
	pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags, content text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'bigbrotr_canonical_json';
COMMENT ON FUNCTION bigbrotr.canonical_json(bytea, bigint, integer, bigbrotr.tags, text) IS
	'The canonical form of an event, whose UTF-8 bytes are hashed: [0,"<pubkey>",<created_at>,<kind>,<tags>,"<content>"] (NIP-01)';

CREATE FUNCTION bigbrotr.kind_class(kind integer) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_kind_class';
COMMENT ON FUNCTION bigbrotr.kind_class(integer) IS
	'Class of a kind: regular, replaceable, ephemeral or addressable (NIP-01); kinds that NIP-01 does not classify are regular';

CREATE FUNCTION bigbrotr.pow_bits(event_id bytea) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_pow_bits';
COMMENT ON FUNCTION bigbrotr.pow_bits(bytea) IS 'Proof of work of an event: number of leading zero bits of its id (NIP-13)';

-- Tags.
CREATE FUNCTION bigbrotr.tag_values(tags bigbrotr.tags, name text) RETURNS text[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_values';
COMMENT ON FUNCTION bigbrotr.tag_values(bigbrotr.tags, text) IS
	'The values (second items) of all tags of this name, in their order; tags without a value are left out';

CREATE FUNCTION bigbrotr.tag_value(tags bigbrotr.tags, name text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_value';
COMMENT ON FUNCTION bigbrotr.tag_value(bigbrotr.tags, text) IS
	'Value (second item) of the first tag of this name; null: there is no such tag, or it has no value';

CREATE FUNCTION bigbrotr.d_tag(tags bigbrotr.tags) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_d_tag';
COMMENT ON FUNCTION bigbrotr.d_tag(bigbrotr.tags) IS
	'Identifier of an addressable event: value of the first d tag (NIP-01); empty: there is no d tag';

CREATE FUNCTION bigbrotr.expiration(tags bigbrotr.tags) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_expiration';
COMMENT ON FUNCTION bigbrotr.expiration(bigbrotr.tags) IS
	'First Unix second at which the event is expired (NIP-40); null: it never expires, or the tag is not a decimal number';

-- NIP-19 and NIP-21.
CREATE FUNCTION bigbrotr.nip19_decode(
	text text, allow_secret boolean DEFAULT false,
	OUT type text, OUT data bytea, OUT relays text[], OUT author bytea, OUT kind integer, OUT identifier text)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nip19_decode';
COMMENT ON FUNCTION bigbrotr.nip19_decode(text, boolean) IS
	'Decodes npub1…, note1…, nprofile1…, nevent1…, naddr1… or nrelay1… (NIP-19), with or without the prefix nostr: (NIP-21). data: public key or event id. An error if the text is not valid, or if it is nsec1… and allow_secret is false';

CREATE FUNCTION bigbrotr.nip19_encode(
	type text, data bytea DEFAULT NULL, relays text[] DEFAULT '{}', author bytea DEFAULT NULL,
	kind integer DEFAULT NULL, identifier text DEFAULT NULL, allow_secret boolean DEFAULT false) RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nip19_encode';
COMMENT ON FUNCTION bigbrotr.nip19_encode(text, bytea, text[], bytea, integer, text, boolean) IS
	'Encodes a NIP-19 text of this type: npub, note, nprofile, nevent, naddr or nrelay; nsec only if allow_secret is true';

CREATE FUNCTION bigbrotr.nip19_reason(text text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nip19_reason';
COMMENT ON FUNCTION bigbrotr.nip19_reason(text) IS
	'Why bigbrotr.nip19_decode refuses a text, as a reason code such as bad_checksum; null: the text is valid';

-- These functions read keys and ids as people write them. Any other text is an error: without the error, a comparison with
-- a bytea column would be false, and the mistake would not be noticed.
CREATE FUNCTION bigbrotr.pubkey(text text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_read_public_key';
COMMENT ON FUNCTION bigbrotr.pubkey(text) IS
	'Public key that a text names, 32 bytes: 64 hex digits, npub1… or nprofile1…, with or without the prefix nostr:. Any other text is an error. WHERE pubkey = bigbrotr.pubkey(''npub1…'')';
CREATE FUNCTION bigbrotr.event_id(text text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_read_event_id';
COMMENT ON FUNCTION bigbrotr.event_id(text) IS
	'Event id that a text names, 32 bytes: 64 hex digits, note1… or nevent1…, with or without the prefix nostr:. Any other text is an error. WHERE event_id = bigbrotr.event_id(''note1…'')';

CREATE FUNCTION bigbrotr.npub_decode(text text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_npub_decode';
COMMENT ON FUNCTION bigbrotr.npub_decode(text) IS 'The public key in npub1… (NIP-19)';
CREATE FUNCTION bigbrotr.note_decode(text text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_note_decode';
COMMENT ON FUNCTION bigbrotr.note_decode(text) IS 'The event id in note1… (NIP-19)';
CREATE FUNCTION bigbrotr.nsec_decode(text text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nsec_decode';
COMMENT ON FUNCTION bigbrotr.nsec_decode(text) IS
	'The secret key in nsec1… (NIP-19). Pass it as a parameter: statements may be logged';
CREATE FUNCTION bigbrotr.npub_encode(pubkey bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_npub_encode';
COMMENT ON FUNCTION bigbrotr.npub_encode(bytea) IS 'A public key as npub1… (NIP-19)';
CREATE FUNCTION bigbrotr.note_encode(event_id bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_note_encode';
COMMENT ON FUNCTION bigbrotr.note_encode(bytea) IS 'An event id as note1… (NIP-19)';
CREATE FUNCTION bigbrotr.nsec_encode(secret_key bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nsec_encode';
COMMENT ON FUNCTION bigbrotr.nsec_encode(bytea) IS
	'A secret key as nsec1… (NIP-19). Pass it as a parameter: statements may be logged';

CREATE FUNCTION bigbrotr.nprofile_encode(pubkey bytea, relays text[] DEFAULT '{}') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN bigbrotr.nip19_encode('nprofile', pubkey, relays);
COMMENT ON FUNCTION bigbrotr.nprofile_encode(bytea, text[]) IS 'A public key, and relays to find its profile at, as nprofile1… (NIP-19)';
CREATE FUNCTION bigbrotr.nevent_encode(
	event_id bytea, relays text[] DEFAULT '{}', author bytea DEFAULT NULL, kind integer DEFAULT NULL) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN bigbrotr.nip19_encode('nevent', event_id, relays, author, kind);
COMMENT ON FUNCTION bigbrotr.nevent_encode(bytea, text[], bytea, integer) IS 'An event id, and relays to find the event at, as nevent1… (NIP-19)';
CREATE FUNCTION bigbrotr.naddr_encode(
	author bytea, kind integer, identifier text DEFAULT '', relays text[] DEFAULT '{}') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN bigbrotr.nip19_encode('naddr', NULL, relays, author, kind, identifier);
COMMENT ON FUNCTION bigbrotr.naddr_encode(bytea, integer, text, text[]) IS
	'The address of a replaceable or addressable event, and relays to find it at, as naddr1… (NIP-19)';

-- Invoices, contents, times, hex digits, URLs.
CREATE FUNCTION bigbrotr.bolt11_amount(invoice text, strict boolean DEFAULT true) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_bolt11_amount';
COMMENT ON FUNCTION bigbrotr.bolt11_amount(text, boolean) IS
	'Amount of a Lightning invoice (BOLT 11), millisatoshi; null: the payer chooses the amount. If the text is not an invoice: an error, or null if strict is false';
CREATE FUNCTION bigbrotr.bolt11_reason(invoice text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_bolt11_reason';
COMMENT ON FUNCTION bigbrotr.bolt11_reason(text) IS
	'Why bigbrotr.bolt11_amount refuses a text, as a reason code such as bad_checksum; null: the text is an invoice';

-- PARALLEL UNSAFE, because a parallel worker cannot begin the subtransaction that catches the error.
CREATE FUNCTION bigbrotr.content_json(content text) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE COST 1000
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN content::jsonb;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION bigbrotr.content_json(text) IS
	'Content of an event as JSON, such as a profile (kind 0); null: the content is not valid JSON';

CREATE FUNCTION bigbrotr.unix("time" timestamptz) RETURNS bigint
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE "time" WHEN 'infinity' THEN 9223372036854775807 WHEN '-infinity' THEN -9223372036854775808
	       ELSE floor(extract(epoch FROM "time"))::bigint END;
COMMENT ON FUNCTION bigbrotr.unix(timestamptz) IS
	'Unix seconds of a time, rounded down. Events of the last week, by an index: WHERE created_at >= bigbrotr.unix(now() - interval ''7 days'')';

CREATE FUNCTION bigbrotr.from_hex(hex text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_from_hex';
COMMENT ON FUNCTION bigbrotr.from_hex(text) IS 'Bytes of lower-case hex digits, the form of ids, keys and signatures in Nostr; any other text is an error';
CREATE FUNCTION bigbrotr.to_hex(bytes bytea) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN encode(bytes, 'hex');
COMMENT ON FUNCTION bigbrotr.to_hex(bytea) IS 'Lower-case hex digits of bytes';

CREATE FUNCTION bigbrotr.relay_network(url text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (bigbrotr.normalise_relay_url(url)).network;
COMMENT ON FUNCTION bigbrotr.relay_network(text) IS
	'Network of a relay URL: clearnet, tor, i2p, loki or local; null: the text is not a relay URL, see bigbrotr.normalise_relay_url for the reason';

CREATE FUNCTION bigbrotr.public_key(secret_key bytea) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_public_key';
COMMENT ON FUNCTION bigbrotr.public_key(bytea) IS
	'Public key of a secret key, 32 bytes. The secret key is not stored, but pass it as a parameter: statements may be logged';
CREATE FUNCTION bigbrotr.sign_event(
	secret_key bytea, kind integer, content text DEFAULT '', tags bigbrotr.tags DEFAULT '[]',
	created_at bigint DEFAULT bigbrotr.unix_now()) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 10000
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_sign_event';
COMMENT ON FUNCTION bigbrotr.sign_event(bytea, integer, text, bigbrotr.tags, bigint) IS
	'A signed event as NIP-01 JSON. The secret key is not stored, but pass it as a parameter: statements may be logged';
