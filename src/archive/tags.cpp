#include "tags.h"

#include "nostr/event.h"

namespace archive {

namespace {

[[noreturn]] void
refuse(const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid tags"),
					errdetail("%s", detail),
					errhint("Tags are an array of non-empty arrays of strings (NIP-01), such as "
							"[[\"t\", \"nostr\"]].")));
	pg_unreachable();
}

} // namespace

TagReader::TagReader(Jsonb *tags) : iterator_(JsonbIteratorInit(&tags->root))
{
	JsonbValue value;
	if (JsonbIteratorNext(&iterator_, &value, false) != WJB_BEGIN_ARRAY ||
		value.val.array.rawScalar)
		refuse("They are no array.");
}

bool
TagReader::next_tag()
{
	std::string_view rest;
	while (next_item(rest))
		;
	JsonbValue value;
	switch (JsonbIteratorNext(&iterator_, &value, false)) {
	case WJB_BEGIN_ARRAY:
		if (value.val.array.nElems == 0)
			refuse("A tag is an empty array.");
		inside_ = true;
		return true;
	case WJB_END_ARRAY:
		return false;
	default:
		refuse("A tag is no array.");
	}
}

bool
TagReader::next_item(std::string_view &item)
{
	if (!inside_)
		return false;
	JsonbValue value;
	switch (JsonbIteratorNext(&iterator_, &value, false)) {
	case WJB_ELEM:
		if (value.type != jbvString)
			refuse("An item of a tag is no string.");
		item = {value.val.string.val, static_cast<size_t>(value.val.string.len)};
		return true;
	case WJB_END_ARRAY:
		inside_ = false;
		return false;
	default:
		refuse("An item of a tag is no string.");
	}
}

bool
TagReader::next_named(std::string_view name)
{
	std::string_view item;
	while (next_tag())
		if (next_item(item) && item == name)
			return true;
	return false;
}

void
append_canonical_tags(Jsonb *tags, std::string &out)
{
	TagReader reader(tags);
	std::string_view item;
	char before_tag = '[';
	bool empty = true;
	while (reader.next_tag()) {
		out += before_tag;
		char before_item = '[';
		while (reader.next_item(item)) {
			out += before_item;
			nostr::append_json_string(item, out);
			before_item = ',';
		}
		out += ']';
		before_tag = ',';
		empty = false;
	}
	out += empty ? "[]" : "]";
}

} // namespace archive
