#include "pg/cycle/settings.h"

#include "nostr/proxy_url.h"

extern "C" {
#include "lib/stringinfo.h"
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
int sandbox;
bool allow_drop_extension;

bool
is_in_list(List *names, const char *name)
{
	ListCell *one;
	foreach (one, names)
		if (strcmp(static_cast<char *>(lfirst(one)), name) == 0)
			return true;
	return false;
}

char *
service_names()
{
	StringInfoData names;
	initStringInfo(&names);
	for (const ServiceEntry *entry : pg::services())
		appendStringInfo(&names, "%s%s", names.len ? ", " : "", entry->name);
	return names.data;
}

/* For check hooks: whether the text is a list of names without duplicates for which is_good() is
 * true. Otherwise sets the hook's detail, as is_good() must. */
template <class F>
static bool
check_names(const char *list, F is_good)
{
	List *names;
	if (!SplitIdentifierString(pstrdup(list), ',', &names)) {
		GUC_check_errdetail("The list is not a comma-separated list of names.");
		GUC_check_errhint("Put names with capitals or special characters in double quotes.");
		return false;
	}
	while (names != NIL) {
		const char *name = static_cast<char *>(linitial(names));
		names = list_delete_first(names);
		if (is_in_list(names, name)) {
			GUC_check_errdetail("\"%s\" is listed twice.", name);
			return false;
		}
		if (!is_good(name))
			return false;
	}
	return true;
}

static bool
check_databases(char **value, void **, GucSource)
{
	return check_names(*value, [](const char *name) {
		if (strcmp(name, "template0") != 0)
			return true;
		GUC_check_errdetail("\"template0\" takes no connections.");
		GUC_check_errhint("List the databases in which bigbrotr is installed.");
		return false;
	});
}

static bool
check_services(char **value, void **, GucSource)
{
	return check_names(*value, [](const char *name) {
		if (find_service(name))
			return true;
		GUC_check_errdetail("There is no service \"%s\".", name);
		GUC_check_errhint("Services are: %s.", service_names());
		return false;
	});
}

static bool
check_proxy(char **value, void **, GucSource)
{
	if (**value == '\0')
		return true;
	const char *fault = nostr::parse_proxy_url(*value).fault;
	if (!fault)
		return true;
	GUC_check_errdetail("%s", fault);
	GUC_check_errhint("Give a URL such as socks5h://127.0.0.1:9050 or http://127.0.0.1:8118, or "
					  "nothing: then relays of the network are not reachable from here.");
	return false;
}

/* The contact becomes a comment in the User-Agent header (RFC 9110), so it must be one line without
 * parentheses. */
static bool
check_contact(char **value, void **, GucSource)
{
	constexpr size_t most = 100;
	const char *c = *value;
	while (*c >= ' ' && *c <= '~' && strchr("()\\", *c) == nullptr)
		c++;
	if (*c == '\0' && c - *value <= static_cast<ptrdiff_t>(most))
		return true;
	if (*c == '\0')
		GUC_check_errdetail("It has %zu characters and may have %zu.", strlen(*value), most);
	else
		GUC_check_errdetail("It may hold printable ASCII characters without parentheses and "
							"backslashes.");
	GUC_check_errhint("Give an address of the web, of mail or of Nostr (npub1...).");
	return false;
}

/* The services whose entry has by_default. */
static char default_services[256];

static constexpr config_enum_entry sandbox_modes[] = {
	{"require", static_cast<int>(Sandbox::Require), false},
	{"prefer", static_cast<int>(Sandbox::Prefer), false},
	{nullptr, 0, false},
};

static constexpr config_enum_entry politeness_levels[] = {
	{"quiet", static_cast<int>(wire::Politeness::Quiet), false},
	{"normal", static_cast<int>(wire::Politeness::Normal), false},
	{"sweep", static_cast<int>(wire::Politeness::Sweep), false},
	{nullptr, 0, false},
};

static constexpr Setting frame[] = {
	boolean("enabled", &enabled, "on", "Runs the services; off stops all of them."),
	string("databases", &databases, "",
		   "Databases to serve, comma-separated; bigbrotr is installed in each of them.",
		   GUC_LIST_INPUT | GUC_SUPERUSER_ONLY, check_databases),
	string("services", &services, default_services,
		   "Services to run in each database, comma-separated.", GUC_LIST_INPUT, check_services),
	string(
		"log_level", &log_level, "info",
		"Lowest level of messages that services log: debug, info or warning, for all services or "
		"for single ones as in \"info, synchronizer=debug\".",
		0, check_log_level),
	integer("health_check_interval", &health_check_interval_s, "1min", {"1s", "1d"},
			"Time between two health checks of a service.", GUC_UNIT_S),
	boolean("warmup", &warmup, "off", "Warms a service up before the first cycle of its worker."),
	integer("batch_timeout", &batch_timeout_ms, "2min", {"1s"},
			"Longest time of one transaction of a service, and of an SQL function for batches.",
			GUC_UNIT_MS),
	integer("restart_delay", &restart_delay_ms, "5s", {"10ms", "5min"},
			"First delay before a failed service starts again; it doubles up to 5 minutes.",
			GUC_UNIT_MS),
	integer("net_memory_limit", &net_memory_limit_kb, "4GB", {"256MB"},
			"Address space of one net process, which is far more than its memory in use; a change "
			"restarts the net process.",
			GUC_UNIT_KB | GUC_SUPERUSER_ONLY),
	choice(
		"sandbox", &sandbox, "require", sandbox_modes,
		"What a net process does where the kernel lacks Landlock or seccomp: require: it does not "
		"run; prefer: it runs without, and warns; a change restarts it.",
		GUC_SUPERUSER_ONLY),
	boolean("allow_drop_extension", &allow_drop_extension, "off",
			"Allows DROP EXTENSION bigbrotr to delete archived events.", 0, PGC_USERSET),
	boolean("allow_local_relays", &allow_local_relays, "off",
			"Allows connections to addresses that are not public, by name or by DNS answer.",
			GUC_SUPERUSER_ONLY),
	integer(
		"connect_timeout", &connect_timeout_ms, "10s", {"100ms", "10min"},
		"Longest time for DNS, TCP, TLS and the WebSocket handshake together; three times as long "
		"through a proxy.",
		GUC_UNIT_MS),
	string("contact", &contact, "",
		   "Where operators of relays can reach you; sent to relays in the User-Agent header.", 0,
		   check_contact),
	string("tls_ca_file", &tls_ca_file, "",
		   "Certificates to trust, in PEM form; empty: those of the system.", GUC_SUPERUSER_ONLY,
		   check_file_path),
	string("tor_proxy", &tor_proxy, "",
		   "Proxy that leads to relays of Tor (.onion): a URL with scheme socks5h, socks5 or http "
		   "(CONNECT); empty: they are not reachable from here.",
		   GUC_SUPERUSER_ONLY, check_proxy),
	string("i2p_proxy", &i2p_proxy, "",
		   "Proxy that leads to relays of I2P (.i2p); as bigbrotr.tor_proxy.", GUC_SUPERUSER_ONLY,
		   check_proxy),
	string("loki_proxy", &loki_proxy, "",
		   "Proxy that leads to relays of Lokinet (.loki); as bigbrotr.tor_proxy.",
		   GUC_SUPERUSER_ONLY, check_proxy),
	choice("politeness", &politeness, "normal", politeness_levels,
		   "How much the services ask of one relay: quiet: one question at a time, with pauses; "
		   "normal: a few at the same time; sweep: twice as many, to be done sooner."),
	string(
		"key_file", &key_file, "",
		"File with the secret key (nsec1… or 64 hex digits) that signs in to relays where "
		"bigbrotr.authenticate_at allows it, and signs what publisher and write check send; only "
		"its owner, the server's user, may have access.",
		GUC_SUPERUSER_ONLY, check_file_path),
	integer("max_event_size", &max_event_size_kb, "1MB", {"4kB", "8MB"},
			"Largest event taken from a relay or an import.", GUC_UNIT_KB),
	integer("max_event_tags", &max_event_tags, "10000", {"1", "1000000"},
			"Most tags of one event."),
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
