#include "pg/cycle/service_entry.h"
#include "workers/finder/settings.h"

constinit FinderSettings finder_settings{};

using pg::integer;

static constexpr pg::Setting settings[] = {
	integer("finder_min_authors", &finder_settings.min_authors, "3", {"1", "10000"},
			"Authors who must name a relay before it becomes one."),
	integer(
		"finder_relays_per_site", &finder_settings.relays_per_site, "20", {"1", "100000"},
		"Relays of one registered domain beyond which no more become relays because authors name "
		"them."),
	integer("finder_names_per_author", &finder_settings.names_per_author, "1000", {"1", "100000"},
			"Relays that one author can name; others of the author count for nothing."),
	integer("finder_names_per_site", &finder_settings.names_per_site, "100", {"1", "100000"},
			"Candidates of one registered domain; others are refused."),
};

static constexpr const char *after[] = {"initializer"};

static constexpr std::string_view columns[] = {
	"_bigbrotr.finder_queue eids int8multirange",
	"_bigbrotr.named_relays author_count integer",
	"_bigbrotr.naming_authors name_ids integer[]",
	"_bigbrotr.naming_deltas counts bigint[]",
	"_bigbrotr.added_sources url text",
	"_bigbrotr.relay_fetches next_fetch bigint",
};

static constexpr std::string_view functions[] = {
	"_bigbrotr.find_relays(integer,integer,integer)",
	"_bigbrotr.admit_relays(integer,integer,integer)",
	"_bigbrotr.take_relay_sources(integer,bigint,bigint)",
	"_bigbrotr.record_fetch(text,bigint,integer,text,text,text,text,text[],bigint,integer)",
};

extern constinit const pg::ServiceEntry finder_entry = {
	.name = "finder",
	.description = "finds relays that events and lists name",
	.net_role = wire::Role::Fetch,
	.after = after,
	.by_default = false,
	.settings = settings,
	.columns = columns,
	.functions = functions,
};
