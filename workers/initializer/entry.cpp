#include "pg/cycle/service_entry.h"

static constexpr std::string_view columns[] = {
	"bigbrotr.seed_rejects source text",
};

static constexpr std::string_view functions[] = {
	"bigbrotr.normalise_relay_url(text,boolean)",
	"bigbrotr.load_seeds(text,text)",
	"bigbrotr.reject_seeds(text,text)",
};

extern constinit const pg::ServiceEntry initializer_entry = {
	.name = "initializer",
	.description = "checks the schema against the library and loads the seed relays",
	.once = true,
	.columns = columns,
	.functions = functions,
};
