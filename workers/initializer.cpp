/*
 * The initializer: runs once before the other services. Checks that the schema is the one this
 * library was built for, and loads the seed relays.
 */
#include "initializer.h"

#include <array>

#include "archive/seed_file.h"
#include "pg/settings.h"
#include "pg/spi.h"

namespace {

pg::Statement encoding_statement("SELECT pg_catalog.getdatabaseencoding() = 'UTF8'");
pg::Statement columns_statement(
	"SELECT w.name FROM pg_catalog.unnest($1) AS w (name) "
	"WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a "
	"WHERE a.attrelid = pg_catalog.to_regclass(pg_catalog.split_part(w.name, ' ', 1)) "
	"AND a.attnum > 0 AND NOT a.attisdropped AND a.attname = pg_catalog.split_part(w.name, ' ', 2) "
	"AND pg_catalog.format_type(a.atttypid, a.atttypmod) = pg_catalog.split_part(w.name, ' ', 3)) "
	"LIMIT 1");
pg::Statement functions_statement("SELECT w.name FROM pg_catalog.unnest($1) AS w (name) "
								  "WHERE pg_catalog.to_regprocedure(w.name) IS NULL LIMIT 1");
pg::Statement seeds_statement("SELECT added, known, refused FROM bigbrotr.load_seeds($1, $2)");

/* What the services read and write: table, column, type. */
constexpr std::string_view kColumns[] = {
	"bigbrotr.relays relay_id integer",
	"bigbrotr.relays url text",
	"bigbrotr.relays network text",
	"bigbrotr.relays inserted_at bigint",
	"bigbrotr.relays last_seen bigint",
	"bigbrotr.relays status text",
	"bigbrotr.events eid bigint",
	"bigbrotr.events event_id bytea",
	"bigbrotr.events pubkey bytea",
	"bigbrotr.events created_at bigint",
	"bigbrotr.events kind integer",
	"bigbrotr.events tags jsonb",
	"bigbrotr.events content text",
	"bigbrotr.events sig bytea",
	"bigbrotr.events inserted_at bigint",
	"bigbrotr.events raw bytea",
	"bigbrotr.sightings eid bigint",
	"bigbrotr.sightings relay_id integer",
	"bigbrotr.sightings seen_at bigint",
	"bigbrotr.coverage relay_id integer",
	"bigbrotr.coverage filter jsonb",
	"bigbrotr.coverage lower bigint",
	"bigbrotr.coverage upper bigint",
	"bigbrotr.coverage evidence text",
	"bigbrotr.coverage events bigint",
	"bigbrotr.coverage proven_at bigint",
	"bigbrotr.relay_sync relay_id integer",
	"bigbrotr.relay_sync phase text",
	"bigbrotr.relay_sync next_attempt bigint",
	"bigbrotr.relay_refusals relay_id integer",
	"bigbrotr.event_rejects event_id bytea",
	"bigbrotr.seed_rejects source text",
	"bigbrotr.statistics count bigint",
	"bigbrotr.statistics_deltas kinds bigint[]",
};

constexpr std::string_view kFunctions[] = {
	"bigbrotr.normalise_relay_url(text,boolean)",
	"bigbrotr.load_seeds(text,text)",
	"bigbrotr.known_events(bytea[])",
	"bigbrotr.store_events(bytea[],bytea[],bigint[],integer[],text[],text[],bytea[],bytea[],"
	"bigint)",
	"bigbrotr.lock_relays(integer[])",
	"bigbrotr.store_sightings(bytea[],integer[],bigint[])",
	"bigbrotr.fold_statistics(integer)",
	"bigbrotr.reject_event(bytea,integer,text,text,bytea,bigint)",
	"bigbrotr.claim_coverage(integer,bigint,bigint,text,bigint,bigint)",
	"bigbrotr.gaps(integer,bigint)",
	"bigbrotr.due_relays(boolean,bigint)",
	"bigbrotr.take_relays(integer,boolean,bigint)",
	"bigbrotr.report_relay(integer,text,text,text,bigint,bigint,bigint,bigint)",
	"bigbrotr.release_relays(bigint)",
	"bigbrotr.unwanted_relays(integer[],boolean)",
	"bigbrotr.count_traffic(integer[],bigint[],bigint[],bigint[],bigint[],bigint[],bigint)",
	"bigbrotr.count_refusals(integer[],text[],bigint[],text[],bigint)",
};

template <size_t N>
void
demand(pg::Statement &statement, const std::string_view (&names)[N], const char *what)
{
	pg::Rows missing = statement.run({pg::text_array(N, [&](size_t i) { return names[i]; })});
	if (missing.count() > 0)
		throw pg::Error(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						std::string("schema bigbrotr lacks the ") + what + " \"" +
							std::string(missing.bytes(0, 1)) + "\"",
						"The schema is not the one that the installed library needs.",
						"Run ALTER EXTENSION bigbrotr UPDATE, or undo the change to the schema.");
}

void
check_schema()
{
	if (!encoding_statement.run().integer(0, 1))
		throw pg::Error(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						"the encoding of the database is not UTF8", "Events are UTF-8 texts.",
						"Create the database with ENCODING 'UTF8' TEMPLATE template0.");
	demand(columns_statement, kColumns, "column");
	demand(functions_statement, kFunctions, "function");
}

class Initializer : public pg::Service
{
  public:
	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &) override
	{
		worker.transaction("checking the schema", false, check_schema);

		archive::SeedFile seeds = archive::read_seed_file(pg::settings::seed_file);
		std::array<int64_t, 3> counts; // added, known, refused
		worker.transaction("loading seeds", true, [&] {
			pg::Rows rows = seeds_statement.run(
				{pg::value(std::string_view(seeds.name)), pg::value(std::string_view(seeds.text))});
			for (int i = 0; i < 3; i++)
				counts[static_cast<size_t>(i)] = rows.integer(0, i + 1);
		});
		worker.gauge("seeds_added", counts[0]);
		worker.gauge("seeds_known", counts[1]);
		worker.gauge("seeds_refused", counts[2]);
		worker.log(wire::LogLevel::Info,
				   "seed list \"" + seeds.name + "\": " + std::to_string(counts[0]) + " added, " +
					   std::to_string(counts[1]) + " known, " + std::to_string(counts[2]) +
					   " refused (see bigbrotr.seed_rejects)");
		return pg::Next::Done;
	}
};

} // namespace

std::unique_ptr<pg::Service>
make_initializer()
{
	return std::make_unique<Initializer>();
}
