#include <cstring>

#include "pg/cycle/service_entry.h"
#include "workers/dvm/settings.h"

constinit DvmSettings dvm_settings{};

using pg::integer;
using pg::string;

static bool
check_zapper(char **value, void **, GucSource)
{
	constexpr size_t digits = 64;
	const size_t size = strlen(*value);
	if (size == 0 || (size == digits && strspn(*value, "0123456789abcdef") == digits))
		return true;
	GUC_check_errdetail("It is no public key of 64 lower-case hexadecimal digits.");
	GUC_check_errhint("It is called nostrPubkey in the document of the LNURL service.");
	return false;
}

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
			"Price of a job in millisatoshi: it waits for a zap, or bigbrotr.pay_job; 0: free."),
	string("dvm_zapper", &dvm_settings.zapper, "",
		   "Public key of who receives payments of jobs for us and signs their receipts (NIP-57), "
		   "64 hexadecimal digits; empty: payments are not watched.",
		   0, check_zapper),
	string("dvm_lightning_address", &dvm_settings.address, "",
		   "Where payments are sent (lud16), told in the profile and the announcement; empty: not "
		   "told."),
	integer("dvm_timeout", &dvm_settings.timeout_ms, "10s", {"100ms", "10min"},
			"How long the work on a job may take.", GUC_UNIT_MS),
};

static constexpr const char *after[] = {"initializer"};

static constexpr std::string_view columns[] = {
	"_bigbrotr.job_requests request_id bytea", "_bigbrotr.job_requests state text",
	"_bigbrotr.job_requests answer text",      "_bigbrotr.job_requests feedback text",
	"_bigbrotr.job_provider pubkey bytea",
};

static constexpr std::string_view functions[] = {
	"_bigbrotr.take_job(text,text,bytea,integer,boolean,bigint)",
	"_bigbrotr.note_job_provider(bytea,integer[])",
	"_bigbrotr.next_job(bigint)",
	"_bigbrotr.price_job(bytea,text,bigint,bigint)",
	"_bigbrotr.take_zap(text,bytea,bytea)",
	"_bigbrotr.answer_job(bytea,text,text,bigint)",
	"_bigbrotr.answers_to_send(integer,bigint)",
	"_bigbrotr.answer_sent(bytea,bytea,boolean)",
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
