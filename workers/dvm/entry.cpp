#include "pg/cycle/service_entry.h"
#include "workers/dvm/settings.h"

constinit DvmSettings dvm_settings{};

using pg::integer;
using pg::string;

static constexpr pg::Setting settings[] = {
	string("dvm_relays", &dvm_settings.relays, "",
		   "Relays where job requests (NIP-90) are heard and answered: URLs, separated by commas "
		   "or blanks; empty: none."),
	string("dvm_name", &dvm_settings.name, "bigbrotr", "Name in the announcement (NIP-89)."),
	integer("dvm_kind", &dvm_settings.kind, "5411", {"5000", "5999"},
			"Kind of the job requests that call routes of the API."),
	integer("dvm_jobs_per_author", &dvm_settings.jobs_per_author, "60", {"1", "100000"},
			"Jobs of one author in an hour at most."),
	integer("dvm_price", &dvm_settings.price_msat, "0", {"0"},
			"Price of a job in millisatoshi: it waits for bigbrotr.pay_job; 0: free."),
	integer("dvm_timeout", &dvm_settings.timeout_ms, "10s", {"100ms", "10min"},
			"How long the work on a job may take.", GUC_UNIT_MS),
};

static constexpr const char *after[] = {"initializer"};

static constexpr std::string_view columns[] = {
	"_bigbrotr.job_requests request_id bytea",
	"_bigbrotr.job_requests state text",
	"_bigbrotr.job_requests answer text",
};

static constexpr std::string_view functions[] = {
	"_bigbrotr.take_job(text,text,bytea,integer,boolean,bigint)",
	"_bigbrotr.next_job(bigint)",
	"_bigbrotr.answer_job(bytea,text,text,bigint)",
	"_bigbrotr.answers_to_send(integer,bigint)",
	"_bigbrotr.answer_sent(bytea,boolean)",
	"_bigbrotr.resume_jobs(bigint)",
	"_bigbrotr.forget_jobs(bigint)",
	"_bigbrotr.api_job(integer,integer,jsonb,text)",
};

extern constinit const pg::ServiceEntry dvm_entry = {
	.name = "dvm",
	.description = "answers jobs that others ask for by Nostr (NIP-90)",
	.net_role = wire::Role::Publish,
	.executor_role = "bigbrotr_api",
	.after = after,
	.by_default = false,
	.settings = settings,
	.columns = columns,
	.functions = functions,
};
