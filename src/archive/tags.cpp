#include "tags.h"

extern "C" {
#include "catalog/pg_type.h"
#include "utils/syscache.h"
}

namespace archive {

namespace {

/* Largest tags: below the server's limit for one value, both packed and as text. */
constexpr size_t kMaxBytes = 256 << 20;

constexpr const char *kDetails[] = {"",
									"They are not one JSON text.",
									"An item holds U+0000, which no text can hold.",
									"They are not an array.",
									"A tag is not an array.",
									"A tag is an empty array.",
									"An item of a tag is not a string."};

[[noreturn]] void
refuse(nostr::TagsFault fault)
{
	bool nul = fault == nostr::TagsFault::HoldsNul;
	throw pg::Error(nul                                  ? ERRCODE_UNTRANSLATABLE_CHARACTER
					: fault == nostr::TagsFault::NotJson ? ERRCODE_INVALID_TEXT_REPRESENTATION
														 : ERRCODE_INVALID_PARAMETER_VALUE,
					"invalid tags", kDetails[static_cast<size_t>(fault)],
					nul ? "bigbrotr.parse_event puts U+FFFD in its place."
						: "Tags are an array of non-empty arrays of strings (NIP-01), such as "
						  "[[\"t\", \"nostr\"]].");
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
