#include "pg/border/settings.h"

#include "pg/border/setting.h"

namespace pg::settings {

bool allow_local_relays;
int max_event_size_kb;
int max_event_tags;
int batch_timeout_ms;
int query_timeout_ms;
int procedure_timeout_ms;
bool verify_events;
int default_batch_size;
int max_batch_size;

static constexpr Setting functions[] = {
	{.name = "query_timeout",
	 .meaning =
		 "Longest time of a statement that calls query or count, from its first call on; the "
		 "shorter of it and statement_timeout counts.",
	 .variable = &query_timeout_ms,
	 .standard = "1min",
	 .least = "10ms",
	 .flags = GUC_UNIT_MS,
	 .context = PGC_USERSET},
	{.name = "procedure_timeout",
	 .meaning = "Longest time of a function that changes something; the shorter of it and "
				"statement_timeout counts.",
	 .variable = &procedure_timeout_ms,
	 .standard = "90s",
	 .least = "10ms",
	 .flags = GUC_UNIT_MS,
	 .context = PGC_USERSET},
	{.name = "default_batch_size",
	 .meaning = "Elements of a batch of insert_events_batch and the like if none are asked for.",
	 .variable = &default_batch_size,
	 .standard = "100",
	 .least = "1",
	 .most = "1000000",
	 .context = PGC_USERSET},
	{.name = "max_batch_size",
	 .meaning = "Most elements of a batch; a call that asks for more fails.",
	 .variable = &max_batch_size,
	 .standard = "1000",
	 .least = "1",
	 .most = "1000000",
	 .context = PGC_SUSET},
	{.name = "verify_events",
	 .meaning = "Checks ids and signatures of the events that SQL functions bring; off is for "
				"events that were checked elsewhere.",
	 .variable = &verify_events,
	 .standard = "on",
	 .context = PGC_SUSET},
};

std::span<const Setting>
of_functions()
{
	return functions;
}

} // namespace pg::settings
