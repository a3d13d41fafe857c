/*
 * The finder: reads each new event once, counts which relays the events name, and adds relays that
 * enough authors name. Its net process fetches lists of relays (lists.cpp), if there are any.
 */
#include "pg/border/settings.h"
#include "pg/border/spi.h"
#include "pg/work/worker.h"
#include "wire/fetch.h"
#include "workers/finder/lists.h"
#include "workers/finder/settings.h"

namespace {

constexpr std::chrono::seconds kCycle{2};
constexpr std::chrono::seconds kAdmitEvery{10}; // while events wait to be read
constexpr int32_t kMostEvents = 10000; // of one transaction; fewer if they name many relays
constexpr int32_t kMostRelays = 1000;

pg::Statement find_statement(
	"SELECT events, mentions, named, refused, is_done FROM _bigbrotr.find_relays($1, $2, $3)");
pg::Statement admit_statement("SELECT _bigbrotr.admit_relays($1, $2, $3)");

class Finder : public pg::Service
{
  public:
	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &delay) override
	{
		const FinderSettings &settings = finder_settings;
		lists_.tend(worker);
		int64_t events = 0, mentions = 0, named = 0, refused = 0, admitted = 0;
		bool more = false, is_due = worker.steady_now() >= admit_at_;
		worker.transaction_with_retries("reading events", {}, [&] {
			pg::Rows rows = find_statement.run({pg::value(kMostEvents),
												pg::value(int32_t(settings.names_per_author)),
												pg::value(int32_t(settings.names_per_site))});
			events = rows.integer(0, 1);
			mentions = rows.integer(0, 2);
			named = rows.integer(0, 3);
			refused = rows.integer(0, 4);
			more = rows.integer(0, 5) == 0;
			admitted = !more || is_due ? admit(settings) : 0;
		});
		if (is_due)
			admit_at_ = worker.steady_now() + kAdmitEvery;
		worker.count("events_read", events);
		worker.count("mentions_found", mentions);
		worker.count("mentions_refused", refused);
		worker.count("candidates_found", named);
		worker.count("relays_added", admitted);
		if (admitted > 0)
			worker.log(wire::LogLevel::Info,
					   std::to_string(admitted) + " new relays, named by at least " +
						   std::to_string(settings.min_authors) + " authors each or by a list");
		delay = more ? std::chrono::milliseconds(0) : kCycle;
		return pg::Next::Continue;
	}

	bool needs_net() const override { return lists_.any(); }
	pg::NetSettings net_settings() const override
	{
		return pg::dialling_settings(wire::FetchSettings());
	}
	void on_net_lost(pg::Worker &worker) override { lists_.fail_all(worker); }
	void on_message(pg::Worker &worker, const wire::Frame &frame) override
	{
		auto message = pg::net_message<wire::FetchToWorker>(frame);
		lists_.take(worker, std::get<wire::Fetched>(message), finder_settings.names_per_site);
	}

  private:
	static int64_t admit(const FinderSettings &settings)
	{
		return admit_statement
			.run({pg::value(kMostRelays), pg::value(int32_t(settings.min_authors)),
				  pg::value(int32_t(settings.relays_per_site))})
			.integer(0, 1);
	}

	Lists lists_;
	std::chrono::steady_clock::time_point admit_at_{};
};

} // namespace

std::unique_ptr<pg::Service>
make_finder()
{
	return std::make_unique<Finder>();
}
