-- Nostr in SQL: events, tags, NIP-19 and the small facts. Nothing here reads or writes a table.
-- Immutable C functions run no SQL, so a search path cannot change what they do. They have no SET clause, which would
-- cost more than most of them.

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
	'An event given as NIP-01 JSON, in the columns of bigbrotr.events. Checks strictly, the id too, but not the signature; the error names the reason. If the event has U+0000, tags and content have U+FFFD instead, and raw is its exact JSON';
COMMENT ON FUNCTION bigbrotr.parse_event(bytea) IS
	'The same for JSON as bytes, which need not be valid UTF-8';

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
	'Whether the JSON is a well-formed event whose id is its hash and whose signature is good (NIP-01)';
COMMENT ON FUNCTION bigbrotr.verify_event(bytea) IS
	'Whether the JSON is a well-formed event whose id is its hash and whose signature is good (NIP-01)';
COMMENT ON FUNCTION bigbrotr.verify_event(bytea, bytea, bigint, integer, bigbrotr.tags, text, bytea) IS
	'Whether the id is the hash of the event and the signature is good (NIP-01)';

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
	'Why bigbrotr.verify_event is false, as a reason code such as id_mismatch; null for a good event';
COMMENT ON FUNCTION bigbrotr.verify_event_reason(bytea) IS
	'Why bigbrotr.verify_event is false, as a reason code such as id_mismatch; null for a good event';
COMMENT ON FUNCTION bigbrotr.verify_event_reason(bytea, bytea, bigint, integer, bigbrotr.tags, text, bytea) IS
	'Why bigbrotr.verify_event is false: id_mismatch or bad_signature; null for a good event';

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
	'What is wrong with an archived event; null for a good one. SELECT event_id FROM bigbrotr.events AS e WHERE NOT bigbrotr.verify_event(e)';
COMMENT ON FUNCTION bigbrotr.verify_event(bigbrotr.events) IS
	'Whether an archived event still hashes to its id and its signature is good';

CREATE FUNCTION bigbrotr.event_id(
	pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags, content text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
	AS 'MODULE_PATHNAME', 'bigbrotr_event_id';
COMMENT ON FUNCTION bigbrotr.event_id(bytea, bigint, integer, bigbrotr.tags, text) IS
	'The id that an event of these fields has: SHA-256 of its canonical form (NIP-01)';

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
	'regular, replaceable, ephemeral or addressable (NIP-01); kinds that NIP-01 does not classify are regular, as relays treat them';

CREATE FUNCTION bigbrotr.pow_bits(event_id bytea) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_pow_bits';
COMMENT ON FUNCTION bigbrotr.pow_bits(bytea) IS 'Proof of work: leading zero bits of an id (NIP-13)';

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
	'The value (second item) of the first tag of this name; null without such a tag or value';

CREATE FUNCTION bigbrotr.d_tag(tags bigbrotr.tags) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_d_tag';
COMMENT ON FUNCTION bigbrotr.d_tag(bigbrotr.tags) IS
	'The identifier of an addressable event: value of the first d tag, empty if there is none (NIP-01)';

CREATE FUNCTION bigbrotr.expiration(tags bigbrotr.tags) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_expiration';
COMMENT ON FUNCTION bigbrotr.expiration(bigbrotr.tags) IS
	'When the event expires, Unix seconds: from then on it is expired (NIP-40); null: never, or the tag has no decimal number';

-- NIP-19 and NIP-21.
CREATE FUNCTION bigbrotr.nip19_decode(
	text text, allow_secret boolean DEFAULT false,
	OUT type text, OUT data bytea, OUT relays text[], OUT author bytea, OUT kind integer, OUT identifier text)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nip19_decode';
COMMENT ON FUNCTION bigbrotr.nip19_decode(text, boolean) IS
	'What npub1…, note1…, nprofile1…, nevent1…, naddr1… or nrelay1… say, with or without nostr: before it. data: public key or event id. nsec1… is refused unless allow_secret is true (NIP-19)';

CREATE FUNCTION bigbrotr.nip19_encode(
	type text, data bytea DEFAULT NULL, relays text[] DEFAULT '{}', author bytea DEFAULT NULL,
	kind integer DEFAULT NULL, identifier text DEFAULT NULL, allow_secret boolean DEFAULT false) RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nip19_encode';
COMMENT ON FUNCTION bigbrotr.nip19_encode(text, bytea, text[], bytea, integer, text, boolean) IS
	'The NIP-19 text of this type (npub, note, nprofile, nevent, naddr, nrelay; nsec only if allow_secret is true)';

CREATE FUNCTION bigbrotr.nip19_reason(text text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nip19_reason';
COMMENT ON FUNCTION bigbrotr.nip19_reason(text) IS
	'Why bigbrotr.nip19_decode refuses a text, as a reason code such as bad_checksum; null for a good one';

-- Keys and ids as people write them. Any other text is an error: without the error, a comparison with a bytea column
-- would only be false.
CREATE FUNCTION bigbrotr.pubkey(text text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_read_public_key';
COMMENT ON FUNCTION bigbrotr.pubkey(text) IS
	'The public key that a text names: 64 hex digits, npub1… or nprofile1…, with or without nostr: before it. WHERE pubkey = bigbrotr.pubkey(''npub1…'')';
CREATE FUNCTION bigbrotr.event_id(text text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_read_event_id';
COMMENT ON FUNCTION bigbrotr.event_id(text) IS
	'The event id that a text names: 64 hex digits, note1… or nevent1…, with or without nostr: before it. WHERE event_id = bigbrotr.event_id(''note1…'')';

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
COMMENT ON FUNCTION bigbrotr.nprofile_encode(bytea, text[]) IS 'A profile and where to find it as nprofile1… (NIP-19)';
CREATE FUNCTION bigbrotr.nevent_encode(
	event_id bytea, relays text[] DEFAULT '{}', author bytea DEFAULT NULL, kind integer DEFAULT NULL) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN bigbrotr.nip19_encode('nevent', event_id, relays, author, kind);
COMMENT ON FUNCTION bigbrotr.nevent_encode(bytea, text[], bytea, integer) IS 'An event and where to find it as nevent1… (NIP-19)';
CREATE FUNCTION bigbrotr.naddr_encode(
	author bytea, kind integer, identifier text DEFAULT '', relays text[] DEFAULT '{}') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN bigbrotr.nip19_encode('naddr', NULL, relays, author, kind, identifier);
COMMENT ON FUNCTION bigbrotr.naddr_encode(bytea, integer, text, text[]) IS
	'A replaceable or addressable event and where to find it as naddr1… (NIP-19)';

-- Invoices, contents, times, hex digits, URLs.
CREATE FUNCTION bigbrotr.bolt11_amount(invoice text, strict boolean DEFAULT true) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_bolt11_amount';
COMMENT ON FUNCTION bigbrotr.bolt11_amount(text, boolean) IS
	'The amount of a Lightning invoice in millisatoshi (BOLT 11); null if it leaves the amount to the payer, and unless strict also if the text is no invoice';
CREATE FUNCTION bigbrotr.bolt11_reason(invoice text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_bolt11_reason';
COMMENT ON FUNCTION bigbrotr.bolt11_reason(text) IS
	'Why bigbrotr.bolt11_amount refuses a text, as a reason code such as bad_checksum; null for an invoice';

-- Parallel workers cannot begin the subtransaction that catches the error.
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
	'The content of an event that is JSON, such as a profile (kind 0); null if it is not JSON: many are broken';

CREATE FUNCTION bigbrotr.unix("time" timestamptz) RETURNS bigint
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE "time" WHEN 'infinity' THEN 9223372036854775807 WHEN '-infinity' THEN -9223372036854775808
	       ELSE floor(extract(epoch FROM "time"))::bigint END;
COMMENT ON FUNCTION bigbrotr.unix(timestamptz) IS
	'A time as Unix seconds. The last week, by an index: WHERE created_at >= bigbrotr.unix(now() - interval ''7 days'')';

CREATE FUNCTION bigbrotr.from_hex(hex text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_from_hex';
COMMENT ON FUNCTION bigbrotr.from_hex(text) IS 'Bytes of lower-case hex digits, as Nostr writes ids, keys and signatures';
CREATE FUNCTION bigbrotr.to_hex(bytes bytea) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN encode(bytes, 'hex');
COMMENT ON FUNCTION bigbrotr.to_hex(bytea) IS 'Lower-case hex digits of bytes';

CREATE FUNCTION bigbrotr.relay_network(url text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (bigbrotr.normalise_relay_url(url)).network;
COMMENT ON FUNCTION bigbrotr.relay_network(text) IS
	'clearnet, tor, i2p, loki or local; null if the text is not a relay URL, see bigbrotr.normalise_relay_url for the reason';

-- Secret keys are not stored.
CREATE FUNCTION bigbrotr.public_key(secret_key bytea) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_public_key';
COMMENT ON FUNCTION bigbrotr.public_key(bytea) IS
	'The public key of a secret key. The key is not kept, but pass it as a parameter: statements may be logged';
CREATE FUNCTION bigbrotr.sign_event(
	secret_key bytea, kind integer, content text DEFAULT '', tags bigbrotr.tags DEFAULT '[]',
	created_at bigint DEFAULT bigbrotr.unix_now()) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 10000
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_sign_event';
COMMENT ON FUNCTION bigbrotr.sign_event(bytea, integer, text, bigbrotr.tags, bigint) IS
	'A signed event as NIP-01 JSON. The key is not kept, but pass it as a parameter: statements may be logged';
