/*
 * bigbrotr.tag_values, tag_value, d_tag, expiration: tags for SQL.
 */
#include "nostr/facts.h"

#include "tags.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bigbrotr_tag_values);
PG_FUNCTION_INFO_V1(bigbrotr_tag_value);
PG_FUNCTION_INFO_V1(bigbrotr_d_tag);
PG_FUNCTION_INFO_V1(bigbrotr_expiration);
PGDLLEXPORT Datum bigbrotr_tag_values(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_tag_value(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_d_tag(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_expiration(PG_FUNCTION_ARGS);
}

namespace {

Datum
text_datum(std::string_view text)
{
	return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
}

std::string_view
name_argument(FunctionCallInfo fcinfo)
{
	text *name = PG_GETARG_TEXT_PP(1);
	return {VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)};
}

} // namespace

Datum
bigbrotr_tag_values(PG_FUNCTION_ARGS)
{
	archive::TagReader reader(PG_GETARG_JSONB_P(0));
	std::string_view name = name_argument(fcinfo), value;
	ArrayBuildState *values = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	while (reader.next_named(name))
		if (reader.next_item(value))
			values =
				accumArrayResult(values, text_datum(value), false, TEXTOID, CurrentMemoryContext);
	return makeArrayResult(values, CurrentMemoryContext);
}

Datum
bigbrotr_tag_value(PG_FUNCTION_ARGS)
{
	archive::TagReader reader(PG_GETARG_JSONB_P(0));
	std::string_view value;
	if (reader.next_named(name_argument(fcinfo)) && reader.next_item(value))
		return text_datum(value);
	PG_RETURN_NULL();
}

/* Without a d tag, or if it has no value, it counts as empty. */
Datum
bigbrotr_d_tag(PG_FUNCTION_ARGS)
{
	archive::TagReader reader(PG_GETARG_JSONB_P(0));
	std::string_view value;
	if (reader.next_named("d"))
		reader.next_item(value);
	return text_datum(value);
}

Datum
bigbrotr_expiration(PG_FUNCTION_ARGS)
{
	archive::TagReader reader(PG_GETARG_JSONB_P(0));
	std::string_view value;
	if (reader.next_named("expiration") && reader.next_item(value))
		if (std::optional<int64_t> seconds = nostr::parse_expiration(value))
			PG_RETURN_INT64(*seconds);
	PG_RETURN_NULL();
}
