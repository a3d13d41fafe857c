#include "pg/cycle/settings.h"

extern "C" {
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/varlena.h"
}

namespace pg::settings {

bool enabled;
char *databases;
char *services;
char *log_level;
int health_check_interval_s;
bool warmup;
int restart_delay_ms;
int net_memory_limit_kb;
char *sandbox;

char *
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
check_sandbox(char **value, void **, GucSource)
{
	if (strcmp(*value, "require") == 0 || strcmp(*value, "prefer") == 0)
		return true;
	GUC_check_errdetail("There is no mode \"%s\".", *value);
	GUC_check_errhint("Modes are: require, prefer.");
	return false;
}

/* The services of which the entry says so. */
static char default_services[256];

static constexpr Setting frame[] = {
	{.name = "enabled",
	 .meaning = "Runs the services; off stops all of them.",
	 .variable = &enabled,
	 .standard = "on"},
	{.name = "databases",
	 .meaning = "Databases to serve, comma-separated; bigbrotr is installed in each of them.",
	 .variable = &databases,
	 .standard = "",
	 .flags = GUC_LIST_INPUT | GUC_SUPERUSER_ONLY,
	 .check = check_databases},
	{.name = "services",
	 .meaning = "Services to run in each database, comma-separated.",
	 .variable = &services,
	 .standard = default_services,
	 .flags = GUC_LIST_INPUT,
	 .check = check_services},
	{.name = "log_level",
	 .meaning = "Least level of what services log: debug, info or warning, for all services or for "
				"single ones as in \"info, synchronizer=debug\".",
	 .variable = &log_level,
	 .standard = "info",
	 .check = check_log_level},
	{.name = "health_check_interval",
	 .meaning = "Time between two health checks of a service.",
	 .variable = &health_check_interval_s,
	 .standard = "1min",
	 .least = "1s",
	 .most = "1d",
	 .flags = GUC_UNIT_S},
	{.name = "warmup",
	 .meaning = "Warms a service up before the first cycle of its worker.",
	 .variable = &warmup,
	 .standard = "off"},
	{.name = "batch_timeout",
	 .meaning = "Longest time of one transaction of a service, and of an SQL function for batches.",
	 .variable = &batch_timeout_ms,
	 .standard = "2min",
	 .least = "1s",
	 .flags = GUC_UNIT_MS},
	{.name = "restart_delay",
	 .meaning = "First delay before a failed service starts again; it doubles up to 5 minutes.",
	 .variable = &restart_delay_ms,
	 .standard = "5s",
	 .least = "10ms",
	 .most = "5min",
	 .flags = GUC_UNIT_MS},
	{.name = "net_memory_limit",
	 .meaning = "Address space of one net process, which is far more than its memory in use; a "
				"change restarts the net process.",
	 .variable = &net_memory_limit_kb,
	 .standard = "4GB",
	 .least = "256MB",
	 .flags = GUC_UNIT_KB | GUC_SUPERUSER_ONLY},
	{.name = "sandbox",
	 .meaning =
		 "What a net process does where the kernel lacks Landlock or seccomp: require: it does "
		 "not run; prefer: it runs without, and warns; a change restarts it.",
	 .variable = &sandbox,
	 .standard = "require",
	 .flags = GUC_SUPERUSER_ONLY,
	 .check = check_sandbox},
	{.name = "allow_local_relays",
	 .meaning = "Allows connections to addresses that are not public, by name or by DNS answer.",
	 .variable = &allow_local_relays,
	 .standard = "off",
	 .flags = GUC_SUPERUSER_ONLY},
	{.name = "max_event_size",
	 .meaning = "Largest event taken from a relay or an import.",
	 .variable = &max_event_size_kb,
	 .standard = "1MB",
	 .least = "4kB",
	 .most = "8MB",
	 .flags = GUC_UNIT_KB},
	{.name = "max_event_tags",
	 .meaning = "Most tags of one event.",
	 .variable = &max_event_tags,
	 .standard = "10000",
	 .least = "1",
	 .most = "1000000"},
};

std::span<const Setting>
of_frame()
{
	return frame;
}

static void
list_default_services()
{
	for (const ServiceEntry *entry : pg::services())
		if (entry->by_default) {
			if (default_services[0])
				strlcat(default_services, ", ", sizeof default_services);
			strlcat(default_services, entry->name, sizeof default_services);
		}
}

void
define()
{
	static bool defined = false;
	if (defined)
		return;
	defined = true;
	list_default_services();
	for_each_part([](const Part &part) { define_settings(part.settings); });
	compat::reserve_setting_prefix("bigbrotr");
}

} // namespace pg::settings
