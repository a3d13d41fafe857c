/*
 * SQL functions on tags: bigbrotr.tag_values, tag_value, d_tag, expiration.
 */
#include "nostr/facts.h"

#include "tags.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/array.h"
}

namespace {

Datum
item_datum(const nostr::PackedItem &item)
{
	nostr::HexText buffer;
	std::string_view text = nostr::item_text(item, buffer);
	return archive::text_datum(text);
}

nostr::PackedItem
name_argument(FunctionCallInfo fcinfo, nostr::HexBytes &buffer)
{
	return nostr::pack_item(archive::view(PG_GETARG_TEXT_PP(1)), buffer);
}

} // namespace

SQL_FUNCTION(bigbrotr_tag_values)
{
	nostr::HexBytes buffer;
	nostr::PackedItem wanted = name_argument(fcinfo, buffer);
	ArrayBuildState *values = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	archive::any_tag(archive::tags_view(PG_GETARG_DATUM(0)), [&](const nostr::PackedItem &name,
																 const nostr::PackedItem &value) {
		if (name == wanted && value.bytes.data() != nullptr)
			accumArrayResult(values, item_datum(value), false, TEXTOID, CurrentMemoryContext);
		return false;
	});
	return makeArrayResult(values, CurrentMemoryContext);
}

SQL_FUNCTION(bigbrotr_tag_value)
{
	nostr::HexBytes buffer;
	nostr::PackedItem value;
	if (archive::first_value(archive::tags_view(PG_GETARG_DATUM(0)), name_argument(fcinfo, buffer),
							 value))
		return item_datum(value);
	PG_RETURN_NULL();
}

/* A missing d tag, or one without a value, counts as empty. */
SQL_FUNCTION(bigbrotr_d_tag)
{
	nostr::PackedItem value;
	archive::first_value(archive::tags_view(PG_GETARG_DATUM(0)), {"d"}, value);
	return item_datum(value);
}

SQL_FUNCTION(bigbrotr_expiration)
{
	nostr::PackedItem value;
	nostr::HexText buffer;
	if (archive::first_value(archive::tags_view(PG_GETARG_DATUM(0)), {"expiration"}, value))
		if (auto seconds = nostr::parse_expiration(nostr::item_text(value, buffer)))
			PG_RETURN_INT64(*seconds);
	PG_RETURN_NULL();
}
