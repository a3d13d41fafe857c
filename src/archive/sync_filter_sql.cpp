/*
 * _bigbrotr.sync_filter: checks the filters that limit what is archived from relays.
 */
#include "filter_argument.h"

extern "C" {
#include "fmgr.h"
#include "utils/fmgrprotos.h"
}

namespace {

constexpr size_t kMaxBytes = 64 << 10; // the filter is part of each question to a relay

std::string
conditions(Jsonb *argument)
{
	nostr::Filter filter = archive::filter_argument(argument);
	const char *fault = nullptr;
	if (filter.since || filter.until || filter.limit)
		fault = "The synchronizer itself chooses since, until and limit.";
	else if (filter.search)
		fault = "What a relay finds by search depends on the relay: nothing can be proven of it.";
	else if (filter.matches_nothing())
		fault = "No event matches an empty list.";
	if (fault != nullptr)
		throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "no relay can be archived by this filter",
						fault, "Use ids, authors, kinds and tags.");
	std::string json = nostr::condition_json(filter);
	if (json.size() > kMaxBytes)
		throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE,
						"the filter has " + std::to_string(json.size()) + " bytes",
						"It may have " + std::to_string(kMaxBytes) +
							": relays refuse questions that are longer.",
						"Split it into several filters.");
	return json;
}

} // namespace

SQL_FUNCTION(bigbrotr_sync_filter)
{
	return pg::boundary([&] {
		std::string json = conditions(pg::call([&] { return PG_GETARG_JSONB_P(0); }));
		return pg::call(
			[&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.c_str())); });
	});
}
