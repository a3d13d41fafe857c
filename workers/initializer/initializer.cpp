/*
 * The initializer: runs once, before the other services. It checks that the schema is the one that
 * this library was built for, loads the seed relays and the list of priority relays, and logs the
 * health report.
 */
#include "archive/seed_file.h"
#include "pg/border/spi.h"
#include "pg/cycle/service_entry.h"
#include "pg/work/worker.h"
#include "workers/initializer/settings.h"

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
pg::Statement unreadable_statement("SELECT _bigbrotr.reject_seeds($1, $2)");
pg::Statement seeds_statement("SELECT added, known, refused FROM bigbrotr.load_seeds($1, $2)");
pg::Statement size_statement("SELECT _bigbrotr.warn_of_size()");
pg::Statement
	priority_statement("SELECT listed, refused FROM _bigbrotr.list_priority_relays($1, $2)");
pg::Statement report_statement("SELECT item, good, detail FROM bigbrotr.health_report");

void
demand(pg::Statement &statement, std::span<const std::string_view> names, const char *what)
{
	pg::Rows missing =
		statement.run({pg::text_array(names.size(), [&](size_t i) { return names[i]; })});
	if (missing.count() > 0)
		throw pg::Error(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						std::string("the schema lacks the ") + what + " \"" +
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
	for (const pg::ServiceEntry *service : pg::services()) {
		demand(columns_statement, service->columns, "column");
		demand(functions_statement, service->functions, "function");
	}
}

class Initializer : public pg::Service
{
  public:
	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &) override
	{
		worker.transaction_with_retries("checking the schema", {.read_only = true}, check_schema);
		archive::SeedFile seeds = archive::read_seed_file(initializer_settings.seed_file);
		if (seeds.problem.empty())
			load(worker, seeds);
		else
			give_up(worker, seeds,
					"no seeds are loaded: let bigbrotr.seed_file name a file that the server may "
					"read, or leave it empty for the shipped list");
		archive::SeedFile list;
		if (*initializer_settings.priority_file)
			list = archive::read_seed_file(initializer_settings.priority_file);
		if (list.problem.empty())
			load_priority(worker, list);
		else
			give_up(worker, list,
					"the priority relays stay as they are: let bigbrotr.priority_file name a file "
					"that the server may read, or leave it empty");
		report(worker);
		return pg::Next::Done;
	}

  private:
	static void load(pg::Worker &worker, const archive::SeedFile &seeds)
	{
		int64_t added = 0, known = 0, refused = 0;
		worker.transaction_with_retries("loading seeds", {}, [&] {
			pg::Rows rows = seeds_statement.run(
				{pg::value(std::string_view(seeds.name)), pg::value(std::string_view(seeds.text))});
			added = rows.integer(0, 1);
			known = rows.integer(0, 2);
			refused = rows.integer(0, 3);
		});
		worker.gauge("seeds_added", added);
		worker.gauge("seeds_known", known);
		worker.gauge("seeds_refused", refused);
		worker.log(wire::LogLevel::Info,
				   "seed list \"" + seeds.name + "\": " + std::to_string(added) + " added, " +
					   std::to_string(known) + " known, " + std::to_string(refused) +
					   " refused (see bigbrotr.seed_rejects)");
		/* CREATE EXTENSION could not warn if the database was not served yet. */
		if (added > 0)
			worker.transaction_with_retries("warning of the size", {.read_only = true},
											[] { size_statement.run(); });
	}

	/* Loads the list. An empty list removes the relays that an earlier list added. */
	static void load_priority(pg::Worker &worker, const archive::SeedFile &list)
	{
		int64_t listed = 0, refused = 0;
		worker.transaction_with_retries("loading priority relays", {}, [&] {
			pg::Rows rows = priority_statement.run(
				{pg::value(std::string_view(list.name)), pg::value(std::string_view(list.text))});
			listed = rows.integer(0, 1);
			refused = rows.integer(0, 2);
		});
		worker.gauge("priority_relays_listed", listed);
		if (!list.name.empty())
			worker.log(wire::LogLevel::Info, "list of priority relays \"" + list.name +
												 "\": " + std::to_string(listed) + " listed, " +
												 std::to_string(refused) +
												 " refused (see bigbrotr.seed_rejects)");
	}

	/* Writes the view bigbrotr.health_report to the log as one entry, a warning if a row needs
	 * attention. */
	static void report(pg::Worker &worker)
	{
		std::string good, bad;
		worker.transaction_with_retries("reporting on the archive", {.read_only = true}, [&] {
			good.clear();
			bad.clear();
			pg::Rows rows = report_statement.run();
			for (uint64_t row = 0; row < rows.count(); row++) {
				std::string &lines = rows.integer(row, 2) != 0 ? good : bad;
				lines.append(lines.empty() ? "" : "\n").append(rows.bytes(row, 1));
				lines.append(": ").append(rows.bytes(row, 3));
			}
		});
		if (bad.empty())
			worker.log(wire::LogLevel::Info, "health report: all is well\n" + good);
		else
			worker.log(wire::LogLevel::Warning,
					   "health report: not all is well\nTo be looked at:\n" + bad +
						   "\nAll is well with:\n" + good);
	}

	/* Warns about a list that cannot be read and continues, so that known relays are still
	 * archived. */
	static void give_up(pg::Worker &worker, const archive::SeedFile &seeds, const char *advice)
	{
		worker.transaction_with_retries("noting an unreadable seed list", {}, [&] {
			unreadable_statement.run({pg::value(std::string_view(seeds.name)),
									  pg::value(std::string_view(seeds.problem))});
		});
		worker.log(wire::LogLevel::Warning, seeds.problem + "; " + advice);
	}
};

} // namespace

std::unique_ptr<pg::Service>
make_initializer()
{
	return std::make_unique<Initializer>();
}
