#include "workers/publisher/settings.h"

#include "pg/cycle/service_entry.h"

constinit PublisherSettings publisher_settings{};

using pg::string;

static constexpr pg::Setting settings[] = {
	string("publish_relays", &publisher_settings.relays, "",
		   "Relays that the publisher sends its events to: URLs, separated by commas or blanks; "
		   "empty: it sends none."),
	string("publish_name", &publisher_settings.name, "",
		   "Name of the monitor in its profile (kind 0); empty: no profile is published."),
	string("alert_secret_file", &publisher_settings.alert_secret_file, "",
		   "File with the secret (whsec_… of Standard Webhooks) that signs what is sent to "
		   "receivers of alerts; only its owner, the server's user, may have access.",
		   GUC_SUPERUSER_ONLY, pg::check_file_path),
};

static constexpr const char *after[] = {"initializer"};

static constexpr std::string_view columns[] = {
	"_bigbrotr.relay_publications relay_url text",
	"_bigbrotr.relay_publications outcome text",
	"_bigbrotr.relay_publications next_attempt bigint",
	"_bigbrotr.relay_watches receiver text",
	"_bigbrotr.relay_alerts document text",
};

static constexpr std::string_view functions[] = {
	"_bigbrotr.announcement(bigint)",
	"_bigbrotr.publication_due(text,integer,bytea,bigint,bigint)",
	"_bigbrotr.relays_to_publish(text,boolean,bigint,bigint,integer,bigint)",
	"_bigbrotr.record_publications(text,bytea,integer[],text[],bytea[],bigint[],bytea[],text[],"
	"text[],bigint)",
	"_bigbrotr.trim_publications(bigint)",
	"_bigbrotr.due_alerts(integer[],integer,boolean,bigint)",
	"_bigbrotr.record_alert(integer,text,text,bigint)",
};

extern constinit const pg::ServiceEntry publisher_entry = {
	.name = "publisher",
	.description = "publishes what the monitor found (NIP-66) and sends alerts",
	.net_role = wire::Role::Publish,
	.after = after,
	.by_default = false,
	.settings = settings,
	.columns = columns,
	.functions = functions,
};
