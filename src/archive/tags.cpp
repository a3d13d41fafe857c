#include "tags.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/syscache.h"
}

namespace archive {

namespace {

/* No JSON of this size makes a value, or gets a text again, that is too large for the server. */
constexpr size_t kMaxBytes = 256 << 20;

[[noreturn]] void
refuse(nostr::TagsFault fault)
{
	int code = ERRCODE_INVALID_PARAMETER_VALUE;
	const char *detail = nullptr;
	const char *hint = "Tags are an array of non-empty arrays of strings (NIP-01), such as "
					   "[[\"t\", \"nostr\"]].";
	switch (fault) {
	case nostr::TagsFault::None:
		break;
	case nostr::TagsFault::NotJson:
		code = ERRCODE_INVALID_TEXT_REPRESENTATION;
		detail = "They are not one JSON text.";
		break;
	case nostr::TagsFault::HoldsNul:
		code = ERRCODE_UNTRANSLATABLE_CHARACTER;
		detail = "An item holds U+0000, which no text can hold.";
		hint = "bigbrotr.parse_event puts U+FFFD in its place.";
		break;
	case nostr::TagsFault::NotAnArray:
		detail = "They are no array.";
		break;
	case nostr::TagsFault::TagNotAnArray:
		detail = "A tag is no array.";
		break;
	case nostr::TagsFault::EmptyTag:
		detail = "A tag is an empty array.";
		break;
	case nostr::TagsFault::ItemNotAString:
		detail = "An item of a tag is no string.";
		break;
	}
	throw pg::Error(code, "invalid tags", detail, hint);
}

} // namespace

Oid
tags_type(Oid schema)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("tags"),
						   ObjectIdGetDatum(schema));
}

Datum
packed_tags(std::string_view json)
{
	if (json.size() > kMaxBytes)
		throw pg::Error(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "tags are too large",
						"They have " + std::to_string(json.size()) + " bytes as JSON; " +
							std::to_string(kMaxBytes) + " are allowed.",
						"An event has far less.");
	auto *value = pg::call([&] {
		return static_cast<char *>(palloc(VARHDRSZ + nostr::packed_size_bound(json.size())));
	});
	size_t size;
	if (auto fault = nostr::pack_tags(json, value + VARHDRSZ, size);
		fault != nostr::TagsFault::None)
		refuse(fault);
	SET_VARSIZE(value, VARHDRSZ + size);
	return PointerGetDatum(value);
}

void
append_tags_json(Datum tags, std::string &out)
{
	if (!nostr::append_tags_json(pg::call([&] { return tags_view(tags); }), out))
		pg::call([] { refuse_corrupt_tags(); });
}

void
refuse_corrupt_tags()
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("tags are corrupt"),
					errdetail("The stored bytes are no packed tags.")));
	pg_unreachable();
}

} // namespace archive
