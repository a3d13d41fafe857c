/*
 * SQL functions on single values: bigbrotr.kind_class, pow_bits, bolt11_amount, bolt11_reason,
 * from_hex.
 */
#include "nostr/facts.h"

#include <vector>

#include "nostr/bolt11.h"

#include "bytes.h"
#include "refusal.h"

SQL_FUNCTION(bigbrotr_kind_class)
{
	int32 kind = PG_GETARG_INT32(0);
	if (kind < 0 || kind > 65535)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("kind %d is out of range", kind), errdetail("It goes from 0 to 65535."),
				 errhint("See NIP-01 for the classes of kinds.")));
	return CStringGetTextDatum(nostr::kind_class_name(nostr::kind_class(kind)));
}

SQL_FUNCTION(bigbrotr_pow_bits)
{
	return pg::boundary([&] {
		return Int32GetDatum(
			nostr::pow_bits(archive::array_argument<32>(PG_GETARG_DATUM(0), "event_id")));
	});
}

SQL_FUNCTION(bigbrotr_bolt11_amount)
{
	bool strict = PG_NARGS() < 2 || PG_GETARG_BOOL(1); // the schema 0.1.0 has no second argument
	std::optional<int64_t> amount = pg::boundary([&] {
		nostr::Bolt11Amount parsed =
			nostr::bolt11_amount(archive::varlena_view(PG_GETARG_DATUM(0)));
		if (parsed.reason != nullptr && strict)
			archive::refuse("Lightning invoice", parsed.reason, "bolt11_reason(text)");
		return parsed.millisatoshi;
	});
	if (!amount)
		PG_RETURN_NULL();
	PG_RETURN_INT64(*amount);
}

SQL_FUNCTION(bigbrotr_bolt11_reason)
{
	const char *reason = pg::boundary(
		[&] { return nostr::bolt11_amount(archive::varlena_view(PG_GETARG_DATUM(0))).reason; });
	return archive::reason_result(fcinfo, reason);
}

/* Refuses upper-case digits, because in an event they would give another id. */
SQL_FUNCTION(bigbrotr_from_hex)
{
	return pg::boundary([&] {
		std::string_view hex = archive::varlena_view(PG_GETARG_DATUM(0));
		std::vector<uint8_t> bytes(hex.size() / 2);
		if (!nostr::from_hex(hex, bytes.data(), bytes.size()))
			throw pg::Error(ERRCODE_INVALID_TEXT_REPRESENTATION, "invalid hex digits",
							"Pairs of lower-case hex digits are wanted, as everywhere in Nostr.",
							"lower(text) makes upper-case digits lower-case.");
		return archive::varlena_datum(
			std::string_view(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
	});
}
