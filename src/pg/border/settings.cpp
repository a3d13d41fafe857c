#include "pg/border/settings.h"

#include <climits>
#include <optional>

#include "pg/cycle/service_entry.h"

#include "pg/border/compat.h"

extern "C" {
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/varlena.h"
}

namespace pg::settings {

bool enabled;
char *databases;
char *services;
char *worker_role;
char *log_level;
int health_check_interval_s;
bool warmup;
int query_timeout_ms;
int procedure_timeout_ms;
int batch_timeout_ms;
bool verify_events;
int default_batch_size;
int max_batch_size;
int restart_delay_ms;
int net_memory_limit_kb;
char *seed_file;
bool allow_local_relays;
int sync_connections;
int sync_interval_s;
int sync_page_limit;
int sync_verifier_threads;
int sync_buffer_kb;
int retry_delay_ms;
int retry_delay_max_s;
int connect_timeout_ms;
int response_timeout_ms;
int max_message_size_kb;
int max_event_size_kb;
int max_event_tags;
char *tls_ca_file;

/* For hints: "initializer, synchronizer". */
static char *
service_names()
{
	StringInfoData names;
	initStringInfo(&names);
	for (const ServiceEntry *entry : pg::services())
		appendStringInfo(&names, "%s%s", names.len ? ", " : "", entry->name);
	return names.data;
}

/* A list of names without repetition; nothing if it is none (the detail says why). */
static bool
check_name_list(const char *value, List **names)
{
	if (!SplitIdentifierString(pstrdup(value), ',', names)) {
		GUC_check_errdetail("The list is not a comma-separated list of names.");
		GUC_check_errhint("Put names with capitals or special characters in double quotes.");
		return false;
	}
	ListCell *one;
	foreach (one, *names)
		for (int i = 0; i < foreach_current_index(one); i++)
			if (strcmp((char *) lfirst(one), (char *) list_nth(*names, i)) == 0) {
				GUC_check_errdetail("\"%s\" is listed twice.", (char *) lfirst(one));
				return false;
			}
	return true;
}

static bool
check_databases(char **value, void **, GucSource)
{
	List *names;
	if (!check_name_list(*value, &names))
		return false;
	ListCell *one;
	foreach (one, names)
		if (strcmp((char *) lfirst(one), "template0") == 0) {
			GUC_check_errdetail("\"template0\" takes no connections.");
			GUC_check_errhint("List the databases in which bigbrotr is installed.");
			return false;
		}
	return true;
}

static bool
check_services(char **value, void **, GucSource)
{
	List *names;
	if (!check_name_list(*value, &names))
		return false;
	ListCell *one;
	foreach (one, names)
		if (!find_service((char *) lfirst(one))) {
			GUC_check_errdetail("There is no service \"%s\".", (char *) lfirst(one));
			GUC_check_errhint("Services are: %s.", service_names());
			return false;
		}
	return true;
}

static bool
check_role(char **value, void **, GucSource)
{
	if (**value != '\0' && strlen(*value) < NAMEDATALEN)
		return true;
	GUC_check_errdetail("A role name has 1 to %d bytes.", NAMEDATALEN - 1);
	GUC_check_errhint("CREATE EXTENSION bigbrotr makes the role \"bigbrotr_worker\".");
	return false;
}

static bool
check_absolute_path(char **value, void **, GucSource)
{
	if (**value == '\0' || **value == '/')
		return true;
	GUC_check_errdetail("\"%s\" is not an absolute path.", *value);
	GUC_check_errhint("Give a path that begins with \"/\", or nothing for the default.");
	return false;
}

/* One item of bigbrotr.log_level: a level for all (service empty) or for one service. */
struct LevelItem
{
	std::string_view service, level;
};

static std::string_view
trim(std::string_view text)
{
	while (!text.empty() && isspace((unsigned char) text.front()))
		text.remove_prefix(1);
	while (!text.empty() && isspace((unsigned char) text.back()))
		text.remove_suffix(1);
	return text;
}

/* Cuts the first item off `rest`. */
static LevelItem
next_level(std::string_view &rest)
{
	size_t end = rest.find(',');
	std::string_view item = rest.substr(0, end);
	rest = end == rest.npos ? std::string_view() : rest.substr(end + 1);
	size_t equals = item.find('=');
	if (equals == item.npos)
		return {{}, trim(item)};
	return {trim(item.substr(0, equals)), trim(item.substr(equals + 1))};
}

static std::optional<wire::LogLevel>
level_named(std::string_view name)
{
	if (name == "debug")
		return wire::LogLevel::Debug;
	if (name == "info")
		return wire::LogLevel::Info;
	if (name == "warning")
		return wire::LogLevel::Warning;
	return std::nullopt;
}

static bool
check_log_level(char **value, void **, GucSource)
{
	std::string_view rest = *value;
	do {
		LevelItem item = next_level(rest);
		if (!level_named(item.level)) {
			GUC_check_errdetail("\"%.*s\" is no level.", (int) item.level.size(),
								item.level.data());
			GUC_check_errhint("Levels are debug, info and warning, as in "
							  "\"info, synchronizer=debug\".");
			return false;
		}
		if (item.service.data() != nullptr && !find_service(item.service)) {
			GUC_check_errdetail("There is no service \"%.*s\".", (int) item.service.size(),
								item.service.data());
			GUC_check_errhint("Services are: %s.", service_names());
			return false;
		}
	} while (rest.data() != nullptr);
	return true;
}

wire::LogLevel
log_level_of(std::string_view service)
{
	wire::LogLevel common = wire::LogLevel::Info;
	std::string_view rest = log_level;
	while (!rest.empty()) {
		LevelItem item = next_level(rest);
		wire::LogLevel level = level_named(item.level).value_or(common);
		if (item.service == service)
			return level;
		if (item.service.empty())
			common = level;
	}
	return common;
}

static void
define_bool(const char *name, const char *meaning, bool *variable, bool standard, int flags = 0,
			GucContext context = PGC_SIGHUP)
{
	DefineCustomBoolVariable(name, meaning, nullptr, variable, standard, context, flags, nullptr,
							 nullptr, nullptr);
}

static void
define_int(const char *name, const char *meaning, int *variable, int standard, int least, int most,
		   int flags = 0, GucContext context = PGC_SIGHUP)
{
	DefineCustomIntVariable(name, meaning, nullptr, variable, standard, least, most, context, flags,
							nullptr, nullptr, nullptr);
}

static void
define_string(const char *name, const char *meaning, char **variable, const char *standard,
			  GucStringCheckHook check, int flags = 0)
{
	DefineCustomStringVariable(name, meaning, nullptr, variable, standard, PGC_SIGHUP, flags, check,
							   nullptr, nullptr);
}

static void
define_life_cycle()
{
	define_bool("bigbrotr.enabled", "Runs the services; off stops all of them.", &enabled, true);
	define_string("bigbrotr.databases", "Databases to serve.", &databases, "", check_databases,
				  GUC_LIST_INPUT | GUC_SUPERUSER_ONLY);
	define_string("bigbrotr.services", "Services to run in each database.", &services,
				  "initializer, synchronizer, refresher", check_services, GUC_LIST_INPUT);
	define_string("bigbrotr.worker_role", "Role as which the services connect.", &worker_role,
				  "bigbrotr_worker", check_role, GUC_SUPERUSER_ONLY);
	define_string("bigbrotr.log_level", "Level of the log, for all services or for single ones.",
				  &log_level, "info", check_log_level);
	define_int("bigbrotr.health_check_interval", "Time between two health checks of a service.",
			   &health_check_interval_s, 60, 1, 86400, GUC_UNIT_S);
	define_bool("bigbrotr.warmup", "Warms services up before their first cycle.", &warmup, false);
	define_int("bigbrotr.batch_timeout",
			   "Longest time of one transaction of a service, and of a function for batches.",
			   &batch_timeout_ms, 120 * 1000, 1000, INT_MAX, GUC_UNIT_MS);
	define_int("bigbrotr.restart_delay",
			   "First delay before a failed service starts again; doubles up to 5 minutes.",
			   &restart_delay_ms, 5 * 1000, 10, 300 * 1000, GUC_UNIT_MS);
	define_int("bigbrotr.net_memory_limit", "Address space of one net process.",
			   &net_memory_limit_kb, 4 * 1024 * 1024, 256 * 1024, INT_MAX,
			   GUC_UNIT_KB | GUC_SUPERUSER_ONLY);
	define_string("bigbrotr.seed_file", "File with relays to begin with; empty: the shipped list.",
				  &seed_file, "", check_absolute_path, GUC_SUPERUSER_ONLY);
}

static void
define_functions()
{
	define_int("bigbrotr.query_timeout",
			   "Longest time of a statement from its call of query or count on.", &query_timeout_ms,
			   60 * 1000, 10, INT_MAX, GUC_UNIT_MS, PGC_USERSET);
	define_int("bigbrotr.procedure_timeout", "Longest time of a function that changes something.",
			   &procedure_timeout_ms, 90 * 1000, 10, INT_MAX, GUC_UNIT_MS, PGC_USERSET);
	define_bool("bigbrotr.verify_events",
				"Checks ids and signatures of the events that SQL brings.", &verify_events, true, 0,
				PGC_SUSET);
	define_int("bigbrotr.default_batch_size", "Elements of a batch if none are asked for.",
			   &default_batch_size, 100, 1, 1000000, 0, PGC_USERSET);
	define_int("bigbrotr.max_batch_size", "Most elements of a batch that may be asked for.",
			   &max_batch_size, 1000, 1, 1000000, 0, PGC_SUSET);
}

static void
define_network()
{
	define_bool("bigbrotr.allow_local_relays",
				"Allows connections to addresses that are not public.", &allow_local_relays, false,
				GUC_SUPERUSER_ONLY);
	define_int("bigbrotr.sync_connections", "Relays open at the same time.", &sync_connections, 200,
			   1, 5000);
	define_int("bigbrotr.sync_interval", "Time after which a live relay is paged again.",
			   &sync_interval_s, 300, 1, 86400 * 7, GUC_UNIT_S);
	define_int("bigbrotr.sync_page_limit", "Events asked for with one page.", &sync_page_limit, 500,
			   1, 5000);
	define_int("bigbrotr.sync_verifier_threads",
			   "Threads that check signatures; a change restarts the net process.",
			   &sync_verifier_threads, 2, 1, 64);
	define_int("bigbrotr.sync_buffer",
			   "Events in flight in the net process; past it no socket is read.", &sync_buffer_kb,
			   32 * 1024, 1024, 1024 * 1024, GUC_UNIT_KB);
	define_int("bigbrotr.retry_delay",
			   "First delay before a failed relay is tried again; doubles up to "
			   "bigbrotr.retry_delay_max.",
			   &retry_delay_ms, 10 * 1000, 10, 3600 * 1000, GUC_UNIT_MS);
	define_int("bigbrotr.retry_delay_max", "Longest delay before a failed relay is tried again.",
			   &retry_delay_max_s, 3600, 1, 86400 * 7, GUC_UNIT_S);
	define_int("bigbrotr.connect_timeout",
			   "Longest time for DNS, TCP, TLS and the WebSocket handshake together.",
			   &connect_timeout_ms, 10 * 1000, 100, 600 * 1000, GUC_UNIT_MS);
	define_int("bigbrotr.response_timeout", "Longest silence while an answer is awaited.",
			   &response_timeout_ms, 30 * 1000, 100, 600 * 1000, GUC_UNIT_MS);
	define_int("bigbrotr.max_message_size", "Largest message taken from a relay, inflated.",
			   &max_message_size_kb, 2 * 1024, 16, 64 * 1024, GUC_UNIT_KB);
	define_int("bigbrotr.max_event_size", "Largest event taken from a relay.", &max_event_size_kb,
			   1024, 4, 8 * 1024, GUC_UNIT_KB);
	define_int("bigbrotr.max_event_tags", "Most tags of one event.", &max_event_tags, 10000, 1,
			   1000000);
	define_string("bigbrotr.tls_ca_file",
				  "Certificates to trust, in PEM form; empty: those of the system.", &tls_ca_file,
				  "", check_absolute_path, GUC_SUPERUSER_ONLY);
}

void
define()
{
	define_life_cycle();
	define_functions();
	define_network();
	compat::reserve_setting_prefix("bigbrotr");
}

} // namespace pg::settings
