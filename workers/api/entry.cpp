#include "pg/cycle/service_entry.h"
#include "workers/api/listen_address.h"
#include "workers/api/settings.h"

extern "C" {
#include "mb/pg_wchar.h"
}

constinit ApiSettings api_settings{};

using pg::integer;
using pg::string;

/* For check hooks: whether fault_of(element) finds no fault in any element. The hook's detail
 * becomes the fault that was found. */
template <class F>
static bool
check_elements(const char *list, F fault_of)
{
	std::string_view rest = list, element;
	while (pg::next_element(rest, element))
		if (const char *fault = fault_of(element)) {
			GUC_check_errdetail("\"%.*s\": %s", static_cast<int>(element.size()), element.data(),
								fault);
			return false;
		}
	return true;
}

static bool
check_listen(char **value, void **, GucSource)
{
	if (check_elements(*value, [](std::string_view element) {
			ListenAddress address;
			return parse_listen_address(element, address);
		}))
		return true;
	GUC_check_errhint(
		"Give a list such as 127.0.0.1:8080, tls:[::]:8443, unix:/run/bigbrotr.sock.");
	return false;
}

static bool
check_length(const char *value, size_t most)
{
	if (strlen(value) <= most)
		return true;
	GUC_check_errdetail("It has %zu bytes and may have %zu.", strlen(value), most);
	return false;
}

/* A list is sent to the net process as one line of ASCII. */
static bool
check_ascii(const char *value, size_t most)
{
	if (!check_length(value, most))
		return false;
	for (const char *c = value; *c != '\0'; c++)
		if (*c < ' ' || *c > '~') {
			GUC_check_errdetail("It has a control character, or one that is not ASCII.");
			return false;
		}
	return true;
}

static bool
check_networks(char **value, void **, GucSource)
{
	if (!check_ascii(*value, wire::kMaxPath))
		return false;
	if (check_elements(*value, [](std::string_view element) -> const char * {
			sockaddr_storage address;
			socklen_t size;
			unsigned bits;
			size_t slash = element.find('/');
			if (!parse_ip(element.substr(0, slash), address, size))
				return "It is not an address.";
			if (slash != std::string_view::npos &&
				!parse_number(pg::behind(element, slash + 1),
							  address.ss_family == AF_INET ? 32 : 128, bits))
				return "The length of its prefix is wrong.";
			return nullptr;
		}))
		return true;
	GUC_check_errhint("Give a list of addresses and networks such as 10.0.0.0/8, ::1.");
	return false;
}

static bool
check_public_urls(char **value, void **, GucSource)
{
	if (!check_ascii(*value, wire::kMaxPath))
		return false;
	if (check_elements(*value, [](std::string_view element) -> const char * {
			for (unsigned char c : element)
				if (c <= ' ' || c > '~')
					return "It has a character that no URL has.";
			if (element.substr(0, 7) != "http://" && element.substr(0, 8) != "https://")
				return "It does not begin with http:// or https://.";
			return nullptr;
		}))
		return true;
	GUC_check_errhint("Give a list such as https://archive.example.com.");
	return false;
}

static bool
check_scopes(char **value, void **, GucSource)
{
	if (!check_ascii(*value, wire::kMaxScopes))
		return false;
	if (check_elements(*value, [](std::string_view element) -> const char * {
			for (char c : element)
				if (c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9'))
					return "It has a character that no scope has.";
			return nullptr;
		}))
		return true;
	GUC_check_errhint("Give a list such as relays, lists, statistics.");
	return false;
}

static bool
check_text(const char *value, size_t most)
{
	if (!check_length(value, most))
		return false;
	if (pg_verify_mbstr(PG_UTF8, value, static_cast<int>(strlen(value)), true))
		return true;
	GUC_check_errdetail("It is not valid UTF-8.");
	return false;
}

static bool
check_line(char **value, void **, GucSource)
{
	return check_text(*value, wire::kMaxDetail);
}

static bool
check_description(char **value, void **, GucSource)
{
	return check_text(*value, wire::kMaxPath);
}

static constexpr pg::Setting settings[] = {
	string("api_listen", &api_settings.listen, "127.0.0.1:8080",
		   "Where the API is served: addresses with ports, and Unix sockets as unix:/path, "
		   "comma-separated; with tls: before those that speak TLS.",
		   GUC_SUPERUSER_ONLY, check_listen),
	string("api_tls_certificate", &api_settings.tls_certificate, "",
		   "File with the certificate of the sockets with TLS (PEM), followed by those between it "
		   "and a root; read again at each reload.",
		   GUC_SUPERUSER_ONLY, pg::check_file_path),
	string("api_tls_key", &api_settings.tls_key, "",
		   "File with the private key of that certificate (PEM, without a password); only its "
		   "owner, the server's user, may have access.",
		   GUC_SUPERUSER_ONLY, pg::check_file_path),
	integer("api_executors", &api_settings.executors, "4", {"1", "64"},
			"Processes that answer the questions of the API; each takes one of "
			"max_worker_processes."),
	integer("api_timeout", &api_settings.timeout_ms, "10s", {"10ms", "1h"},
			"Longest time of an answer of the API, with the time that the client takes to read it.",
			GUC_UNIT_MS),
	integer("api_max_connections", &api_settings.net.max_connections, "1000", {"1", "60000"},
			"Connections of clients at the same time."),
	integer("api_max_connections_per_address", &api_settings.net.max_connections_per_address, "50",
			{"1", "60000"}, "Connections of one address at the same time."),
	integer("api_requests_per_minute", &api_settings.net.anonymous.requests_per_minute, "600",
			{"0"}, "Requests of one address without a key in a minute; 0: no limit."),
	integer("api_traffic_per_minute", &api_settings.net.anonymous.kilobytes_per_minute, "512MB",
			{"0"}, "Bytes of answers to one address without a key in a minute; 0: no limit.",
			GUC_UNIT_KB),
	integer("api_cost_limit", &api_settings.net.anonymous.cost_limit, "50000", {"0"},
			"Cost of one question without a key, as the planner estimates it; 0: no limit."),
	integer("api_cost_per_minute", &api_settings.net.anonymous.cost_per_minute, "1000000", {"0"},
			"Cost of the questions of one address without a key in a minute; 0: no limit."),
	string("api_anonymous_scopes", &api_settings.anonymous_scopes,
		   "events, relays, statistics, lists, nostr, jobs",
		   "What is open without a key: scopes or names of routes (bigbrotr.api_routes), "
		   "comma-separated.",
		   0, check_scopes),
	integer("api_max_subscriptions", &api_settings.net.max_subscriptions, "20", {"1", "1000"},
			"Subscriptions (REQ) of one WebSocket."),
	string("api_trusted_proxies", &api_settings.trusted_proxies, "",
		   "Reverse proxies whose X-Forwarded-For is believed: addresses and networks, "
		   "comma-separated.",
		   GUC_SUPERUSER_ONLY, check_networks),
	string("api_metrics_networks", &api_settings.metrics_networks, "127.0.0.0/8, ::1",
		   "Who may read /metrics: addresses and networks, comma-separated.", GUC_SUPERUSER_ONLY,
		   check_networks),
	string("api_public_urls", &api_settings.public_urls, "",
		   "URLs under which clients reach the API, comma-separated; the first one is named in the "
		   "API's own description.",
		   0, check_public_urls),
	string("api_name", &api_settings.name, "bigbrotr",
		   "Name of this archive, for clients (NIP-11).", 0, check_line),
	string("api_description", &api_settings.description, "",
		   "Description of this archive, for clients (NIP-11).", 0, check_description),
	string("api_contact", &api_settings.contact, "",
		   "Where its operator can be reached, for clients (NIP-11).", 0, check_line),
};

static constexpr std::string_view columns[] = {
	"_bigbrotr.api_calls statement text", "_bigbrotr.api_calls parameter_kind text",
	"_bigbrotr.api_calls scope text",     "_bigbrotr.issued_keys digest bytea",
	"_bigbrotr.key_usage used_at bigint",
};

static constexpr std::string_view functions[] = {"_bigbrotr.post_job(json)"};

extern constinit const pg::ServiceEntry api_entry = {
	.name = "api",
	.description = "serves the archive over HTTP",
	.net_role = wire::Role::Serve,
	.executor_role = "bigbrotr_api",
	.on_standby = true,
	.by_default = false,
	.settings = settings,
	.columns = columns,
	.functions = functions,
};
