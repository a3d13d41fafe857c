#include "pg/cycle/service_entry.h"
#include "workers/initializer/settings.h"

constinit InitializerSettings initializer_settings{};

static constexpr pg::Setting settings[] = {
	pg::string(
		"seed_file", &initializer_settings.seed_file, "",
		"File with relays to begin with, one URL a line, # begins a comment; empty: the shipped "
		"list.",
		GUC_SUPERUSER_ONLY, pg::check_file_path),
	pg::string(
		"priority_file", &initializer_settings.priority_file, "",
		"File with relays that are priority relays, one URL a line, # begins a comment; they "
		"are read every minute.",
		GUC_SUPERUSER_ONLY, pg::check_file_path),
};

static constexpr std::string_view columns[] = {
	"bigbrotr.seed_rejects source text",
	"bigbrotr.health_report detail text",
};

static constexpr std::string_view functions[] = {
	"bigbrotr.normalise_relay_url(text,boolean)", "bigbrotr.load_seeds(text,text)",
	"_bigbrotr.reject_seeds(text,text)",          "_bigbrotr.warn_of_size()",
	"_bigbrotr.list_priority_relays(text,text)",
};

extern constinit const pg::ServiceEntry initializer_entry = {
	.name = "initializer",
	.description = "checks the schema against the library, loads the seed relays and reports how "
				   "the archive is",
	.once = true,
	.settings = settings,
	.columns = columns,
	.functions = functions,
};
