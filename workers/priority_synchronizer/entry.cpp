#include "pg/cycle/service_entry.h"

static constexpr const char *after[] = {"initializer"};

/* Beside those of the synchronizer, whose settings it reads, too. */
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
