#include "pg/cycle/service_entry.h"

static constexpr const char *after[] = {"initializer"};

/* Columns needed in addition to those of the synchronizer. This service also reads the
 * synchronizer's settings. */
static constexpr std::string_view columns[] = {
	"_bigbrotr.relay_priorities relay_id integer",
	"_bigbrotr.relay_priorities read_interval integer",
};

static constexpr std::string_view functions[] = {
	"_bigbrotr.read_after(integer)",
};

extern constinit const pg::ServiceEntry priority_synchronizer_entry = {
	.name = "priority_synchronizer",
	.description = "archives the priority relays, each within its interval",
	.net_role = wire::Role::Sync,
	.after = after,
	.columns = columns,
	.functions = functions,
};
