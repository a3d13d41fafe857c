#include "pg/border/settings.h"

#include "pg/border/setting.h"

namespace pg::settings {

bool allow_local_relays;
int connect_timeout_ms;
char *contact;
char *tls_ca_file;
char *tor_proxy;
char *i2p_proxy;
char *loki_proxy;
int politeness;
char *key_file;
int max_event_size_kb;
int max_event_tags;
int batch_timeout_ms;
int query_timeout_ms;
int procedure_timeout_ms;
bool verify_events;
int default_batch_size;
int max_batch_size;

static constexpr Setting functions[] = {
	integer("query_timeout", &query_timeout_ms, "1min", {"10ms"},
			"Longest time of a statement that calls query_events or count_events, from its first "
			"call on; the shorter of it and statement_timeout counts.",
			GUC_UNIT_MS, PGC_USERSET),
	integer("procedure_timeout", &procedure_timeout_ms, "90s", {"10ms"},
			"Longest time of a function that inserts or deletes, such as insert_event or "
			"delete_orphan_events; the shorter of it and statement_timeout counts.",
			GUC_UNIT_MS, PGC_USERSET),
	integer("default_batch_size", &default_batch_size, "100", {"1", "1000000"},
			"Elements of a batch of insert_events_batch and the like if none are asked for.", 0,
			PGC_USERSET),
	integer("max_batch_size", &max_batch_size, "1000", {"1", "1000000"},
			"Most elements of a batch; a call that asks for more fails.", 0, PGC_SUSET),
	boolean("verify_events", &verify_events, "on",
			"Checks ids and signatures of the events that SQL functions bring; off is for events "
			"that were checked elsewhere.",
			0, PGC_SUSET),
};

std::span<const Setting>
of_functions()
{
	return functions;
}

} // namespace pg::settings
