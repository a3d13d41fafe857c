#include "pg/cycle/service_entry.h"
#include "workers/monitor/settings.h"

constinit MonitorSettings monitor_settings{};

static constexpr pg::Setting settings[] = {
	pg::integer("monitor_retention", &monitor_settings.retention_s, "365d", {"0"},
				"Age from which on measurements and changes of relays are deleted; 0: never.",
				GUC_UNIT_S),
	pg::boolean("monitor_write_check", &monitor_settings.write_check, "off",
				"Writes an event to each relay that answers, once a day, and reads it back; it is "
				"signed with bigbrotr.key_file."),
	pg::string("geoip_database", &monitor_settings.geoip_database, "",
			   "Files (.mmdb), separated by commas, that say in which country, city and network an "
			   "address is; empty: that is not measured."),
};

static constexpr const char *after[] = {"initializer"};

static constexpr std::string_view columns[] = {
	"bigbrotr.relays relay_id integer",
	"bigbrotr.relays url text",
	"bigbrotr.relays network text",
	"bigbrotr.relays status text",
	"_bigbrotr.relay_health relay_id integer",
	"_bigbrotr.relay_outages began bigint",
	"_bigbrotr.relay_history aspect text",
	"_bigbrotr.relay_visits owner text",
	"_bigbrotr.relay_stories story jsonb",
	"_bigbrotr.relay_checks generated_at bigint",
	"_bigbrotr.relay_series week integer",
	"_bigbrotr.nip11_documents nip11_id integer",
	"_bigbrotr.nip66_facts nip66_id integer",
};

static constexpr std::string_view functions[] = {
	"_bigbrotr.adopt_visits()",
	"_bigbrotr.visits_clock_set_back(bigint,bigint)",
	"_bigbrotr.release_visits(text,bigint)",
	"_bigbrotr.take_visits(text,integer,integer,integer,integer,text[],bigint,bigint)",
	"_bigbrotr.record_visits(text,integer[],bigint[],text[],text[],boolean[],boolean[],boolean[],"
	"integer[],integer[],integer[],text[],text[],text[],boolean[],text)",
	"_bigbrotr.pack_checks(bigint,integer)",
	"_bigbrotr.trim_history(bigint,integer)",
};

extern constinit const pg::ServiceEntry monitor_entry = {
	.name = "monitor",
	.description = "visits relays and notes which are up and what they can do",
	.net_role = wire::Role::Probe,
	.after = after,
	.by_default = false,
	.settings = settings,
	.columns = columns,
	.functions = functions,
};
