#include "filter_argument.h"

namespace archive {

nostr::Filter
filter_argument(Jsonb *filter)
{
	std::string_view text = pg::call([&] {
		StringInfoData out;
		initStringInfo(&out);
		JsonbToCString(&out, &filter->root, VARSIZE(filter));
		return std::string_view(out.data, static_cast<size_t>(out.len));
	});
	nostr::Filter parsed;
	std::string fault = nostr::parse_filter(text, parsed, nostr::KeyText::HexOrNip19);
	if (!fault.empty())
		throw pg::Error(
			ERRCODE_INVALID_PARAMETER_VALUE, "invalid filter", fault,
			"A filter is an object such as {\"kinds\": [1], \"authors\": [\"…\"], \"limit\": 100} "
			"(NIP-01).");
	return parsed;
}

nostr::Filter
condition_argument(Jsonb *filter)
{
	nostr::Filter parsed = filter_argument(filter);
	if (parsed.limit)
		throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "invalid filter",
						"limit: here the filter is a condition on single events.",
						"Write LIMIT in the statement, or call bigbrotr.query_events(filters).");
	return parsed;
}

} // namespace archive
