/*
 * The type bigbrotr.tags for SQL: input, output, casts. Its external form is JSON.
 */
#include "tags.h"

extern "C" {
#include "libpq/pqformat.h"
#include "utils/jsonb.h"
}

namespace {

/* Version of the binary form, which is that of jsonb: this byte, then JSON text. */
constexpr int kBinaryVersion = 1;

Datum
from_json(std::string_view json)
{
	return pg::boundary([&] { return archive::packed_tags(json); });
}

/* Calls make(JSON text) and returns its result. */
template <class F>
Datum
as_json(Datum tags, F make)
{
	return pg::boundary([&] {
		std::string json;
		archive::append_tags_json(tags, json);
		return pg::call([&] { return make(std::string_view(json)); });
	});
}

} // namespace

SQL_FUNCTION(bigbrotr_tags_in)
{
	return from_json(PG_GETARG_CSTRING(0));
}

SQL_FUNCTION(bigbrotr_tags_out)
{
	return as_json(PG_GETARG_DATUM(0), [](std::string_view json) {
		return CStringGetDatum(pnstrdup(json.data(), json.size()));
	});
}

SQL_FUNCTION(bigbrotr_tags_recv)
{
	auto *message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
	int version = pq_getmsgint(message, 1);
	if (version != kBinaryVersion)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("unsupported version %d of tags", version),
						errdetail("It is %d, followed by JSON text.", kBinaryVersion),
						errhint("Send them as jsonb, or as text.")));
	int size;
	char *json = pq_getmsgtext(message, message->len - message->cursor, &size);
	return from_json({json, static_cast<size_t>(size)});
}

SQL_FUNCTION(bigbrotr_tags_send)
{
	return as_json(PG_GETARG_DATUM(0), [](std::string_view json) {
		StringInfoData message;
		pq_begintypsend(&message);
		pq_sendint8(&message, kBinaryVersion);
		pq_sendtext(&message, json.data(), static_cast<int>(json.size()));
		return PointerGetDatum(pq_endtypsend(&message));
	});
}

SQL_FUNCTION(bigbrotr_tags_to_json)
{
	return as_json(PG_GETARG_DATUM(0), archive::text_datum);
}

SQL_FUNCTION(bigbrotr_tags_to_jsonb)
{
	std::string_view tags = archive::tags_view(PG_GETARG_DATUM(0));
	auto *digits = static_cast<nostr::HexText *>(palloc(2 * tags.size() + 1)); // for all hex items
	pg::compat::JsonbBuilder builder{};
	pg::compat::push_jsonb(&builder, WJB_BEGIN_ARRAY);
	nostr::TagReader reader(tags);
	nostr::PackedItem item;
	while (reader.next_tag()) {
		pg::compat::push_jsonb(&builder, WJB_BEGIN_ARRAY);
		while (reader.next_item(item)) {
			std::string_view text = item.hex ? nostr::item_text(item, *digits++) : item.bytes;
			JsonbValue value;
			value.type = jbvString;
			value.val.string.val = const_cast<char *>(text.data());
			value.val.string.len = static_cast<int>(text.size());
			pg::compat::push_jsonb(&builder, WJB_ELEM, &value);
		}
		pg::compat::push_jsonb(&builder, WJB_END_ARRAY);
	}
	if (reader.corrupt())
		archive::refuse_corrupt_tags();
	pg::compat::push_jsonb(&builder, WJB_END_ARRAY);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(builder.result));
}

SQL_FUNCTION(bigbrotr_jsonb_to_tags)
{
	Jsonb *tags = PG_GETARG_JSONB_P(0);
	return from_json(JsonbToCString(nullptr, &tags->root, VARSIZE(tags)));
}
