/*
 * NIP-19 for SQL: bigbrotr.nip19_decode, nip19_encode, nip19_reason, and short functions for plain
 * keys and ids.
 */
#include "nostr/nip19.h"

#include "bytes.h"
#include "lists.h"
#include "pg/border/spi.h"
#include "refusal.h"

using nostr::Nip19;
using nostr::Nip19Type;

namespace {

Nip19
decode(Datum text)
{
	Nip19 entity;
	if (const char *reason = nostr::decode_nip19(archive::varlena_view(text), entity))
		archive::refuse("NIP-19 text", reason, "nip19_reason(text)");
	return entity;
}

Datum
encode(const Nip19 &entity)
{
	std::string text;
	if (const char *reason = nostr::encode_nip19(entity, text))
		throw pg::Error(
			ERRCODE_INVALID_PARAMETER_VALUE,
			std::string("cannot encode ") + nostr::nip19_prefix(entity.type) + ": " + reason,
			archive::explanation(reason),
			"npub, nsec, note: data; nprofile: data, relays; nevent: data, relays, "
			"author, kind; naddr: identifier, author, kind, relays; nrelay: one relay.");
	return archive::varlena_datum(text);
}

/* Raises an error for a secret key unless the caller allows secret keys. */
void
check_secret(Nip19Type type, bool allowed)
{
	if (type == Nip19Type::Nsec && !allowed)
		throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "nsec is refused",
						archive::explanation("secret_key"),
						"Pass allow_secret => true, or use bigbrotr.nsec_decode or nsec_encode; "
						"mind that statements may be logged.");
}

[[noreturn]] void
refuse_key(const char *what, const char *reason, const char *forms)
{
	throw pg::Error(ERRCODE_INVALID_TEXT_REPRESENTATION,
					std::string("invalid ") + what + ": " + reason, archive::explanation(reason),
					std::string("It is written as ") + forms +
						"; bigbrotr.nip19_decode(text) reads all types of NIP-19.");
}

Datum
decode_bare(FunctionCallInfo fcinfo, Nip19Type wanted)
{
	return pg::boundary([&] {
		Nip19 entity = decode(PG_GETARG_DATUM(0));
		if (entity.type != wanted)
			throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE,
							std::string("not ") + nostr::nip19_prefix(wanted) + ", but " +
								nostr::nip19_prefix(entity.type),
							{}, "bigbrotr.nip19_decode(text) reads all types.");
		return archive::varlena_datum(*entity.key);
	});
}

Datum
encode_bare(FunctionCallInfo fcinfo, const char *argument, Nip19Type type)
{
	return pg::boundary([&] {
		Nip19 entity;
		entity.type = type;
		entity.key = archive::array_argument<32>(PG_GETARG_DATUM(0), argument);
		return encode(entity);
	});
}

Datum
text_array(const std::vector<std::string> &texts)
{
	return pg::text_array(texts.size(), [&](size_t i) { return std::string_view(texts[i]); }).datum;
}

std::vector<std::string>
texts_of(Datum array)
{
	Datum *elements;
	bool *nulls;
	int count;
	pg::call([&] {
		ArrayType *list = DatumGetArrayTypeP(array);
		archive::count_elements(list, [] { return "argument 3 of bigbrotr.nip19_encode"; });
		deconstruct_array(list, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	});
	std::vector<std::string> out;
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			out.emplace_back(archive::varlena_view(elements[i]));
	return out;
}

/* The entity in the arguments type, data, relays, author, kind, identifier. */
Nip19
entity_argument(FunctionCallInfo fcinfo)
{
	Nip19 entity;
	std::string_view prefix =
		PG_ARGISNULL(0) ? std::string_view() : archive::varlena_view(PG_GETARG_DATUM(0));
	std::optional<Nip19Type> type = nostr::nip19_type(prefix);
	if (!type)
		throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "invalid NIP-19 type",
						archive::explanation("unknown_prefix"),
						"The first argument names the type; the other arguments are its fields.");
	entity.type = *type;
	if (!PG_ARGISNULL(1))
		entity.key = archive::array_argument<32>(PG_GETARG_DATUM(1), "data");
	if (!PG_ARGISNULL(2))
		entity.relays = texts_of(PG_GETARG_DATUM(2));
	if (!PG_ARGISNULL(3))
		entity.author = archive::array_argument<32>(PG_GETARG_DATUM(3), "author");
	if (!PG_ARGISNULL(4))
		entity.kind = PG_GETARG_INT32(4);
	if (!PG_ARGISNULL(5))
		entity.identifier.emplace(archive::varlena_view(PG_GETARG_DATUM(5)));
	return entity;
}

} // namespace

SQL_FUNCTION(bigbrotr_nip19_decode)
{
	TupleDesc shape = archive::result_row(fcinfo);
	return pg::boundary([&] {
		Nip19 entity = decode(PG_GETARG_DATUM(0));
		check_secret(entity.type, PG_GETARG_BOOL(1));
		if (entity.identifier && entity.identifier->find('\0') != std::string::npos)
			throw pg::Error(ERRCODE_UNTRANSLATABLE_CHARACTER,
							"the identifier holds U+0000, which text cannot hold");
		Datum values[6] = {
			archive::varlena_datum(std::string_view(nostr::nip19_prefix(entity.type)))};
		bool nulls[6] = {false,          !entity.key,  false,
						 !entity.author, !entity.kind, !entity.identifier};
		if (entity.key)
			values[1] = archive::varlena_datum(*entity.key);
		values[2] = text_array(entity.relays);
		if (entity.author)
			values[3] = archive::varlena_datum(*entity.author);
		if (entity.kind)
			values[4] = Int32GetDatum(*entity.kind);
		if (entity.identifier)
			values[5] = archive::varlena_datum(*entity.identifier);
		return archive::row_datum(shape, values, nulls);
	});
}

SQL_FUNCTION(bigbrotr_nip19_encode)
{
	return pg::boundary([&] {
		Nip19 entity = entity_argument(fcinfo);
		check_secret(entity.type, !PG_ARGISNULL(6) && PG_GETARG_BOOL(6));
		return encode(entity);
	});
}

SQL_FUNCTION(bigbrotr_nip19_reason)
{
	const char *reason = pg::boundary([&] {
		Nip19 entity;
		return nostr::decode_nip19(archive::varlena_view(PG_GETARG_DATUM(0)), entity);
	});
	return archive::reason_result(fcinfo, reason);
}

SQL_FUNCTION(bigbrotr_read_public_key)
{
	return pg::boundary([&] {
		nostr::PublicKey key;
		if (const char *reason =
				nostr::read_public_key(archive::varlena_view(PG_GETARG_DATUM(0)), key))
			refuse_key("public key", reason, "hex digits, npub and nprofile");
		return archive::varlena_datum(key);
	});
}

SQL_FUNCTION(bigbrotr_read_event_id)
{
	return pg::boundary([&] {
		nostr::Id id;
		if (const char *reason =
				nostr::read_event_id(archive::varlena_view(PG_GETARG_DATUM(0)), id))
			refuse_key("event id", reason, "hex digits, note and nevent");
		return archive::varlena_datum(id);
	});
}

SQL_FUNCTION(bigbrotr_npub_decode)
{
	return decode_bare(fcinfo, Nip19Type::Npub);
}

SQL_FUNCTION(bigbrotr_nsec_decode)
{
	return decode_bare(fcinfo, Nip19Type::Nsec);
}

SQL_FUNCTION(bigbrotr_note_decode)
{
	return decode_bare(fcinfo, Nip19Type::Note);
}

SQL_FUNCTION(bigbrotr_npub_encode)
{
	return encode_bare(fcinfo, "pubkey", Nip19Type::Npub);
}

SQL_FUNCTION(bigbrotr_nsec_encode)
{
	return encode_bare(fcinfo, "secret_key", Nip19Type::Nsec);
}

SQL_FUNCTION(bigbrotr_note_encode)
{
	return encode_bare(fcinfo, "event_id", Nip19Type::Note);
}
