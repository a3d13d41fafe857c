/*
 * The refresher: adds the rows that writers append to _bigbrotr.statistics_deltas to the totals.
 * The views are exact without the refresher, and faster with it. If no finder runs, the refresher
 * keeps the finder's queue small. It counts those figures of the metrics that take long to count.
 * It deletes the events that the retention rules do not keep, a slice in each cycle; after a crash
 * it searches for the remaining events again.
 */
#include <vector>

#include "pg/border/spi.h"
#include "pg/work/worker.h"

namespace {

constexpr std::chrono::seconds kCycle{10};
constexpr std::chrono::seconds kCountEvery{30};
constexpr int32_t kMostRows = 10000; // of one transaction; a batch of a writer adds a few rows
constexpr int32_t kSlice = 1000;     // events that one transaction deletes

pg::Statement fold_statement("SELECT _bigbrotr.fold_statistics($1)");
pg::Statement fold_queue_statement("SELECT _bigbrotr.fold_finder_queue($1)");
pg::Statement count_statement("SELECT _bigbrotr.count_archive()");
pg::Statement advance_statement("SELECT _bigbrotr.advance_retention()");
pg::Statement expired_statement("SELECT kind, first_second FROM _bigbrotr.expired_kinds()");
pg::Statement
	delete_statement("SELECT deleted, next_second FROM _bigbrotr.delete_expired($1, $2, $3)");

class Refresher : public pg::Service
{
  public:
	pg::Next cycle(pg::Worker &worker, std::chrono::milliseconds &delay) override
	{
		int64_t folded = 0;
		worker.transaction_with_retries("folding statistics", {.durable = false}, [&] {
			folded = fold_statement.run({pg::value(kMostRows)}).integer(0, 1);
			fold_queue_statement.run({pg::value(kMostRows)});
		});
		worker.count("deltas_folded", folded);
		if (worker.steady_now() >= count_at_) {
			worker.transaction_with_retries("counting for the metrics", {.durable = false},
											[] { count_statement.run({}); });
			count_at_ = worker.steady_now() + kCountEvery;
		}
		if (expired_.empty() && worker.steady_now() >= look_at_)
			look_for_expired(worker);
		if (!expired_.empty())
			delete_expired(worker);
		delay = folded == kMostRows || !expired_.empty() ? std::chrono::milliseconds(0) : kCycle;
		return pg::Next::Continue;
	}

  private:
	struct Expired
	{
		int32_t kind;
		int64_t second; // created_at at which the next slice begins, Unix seconds
	};

	void look_for_expired(pg::Worker &worker)
	{
		worker.transaction_with_retries("looking for expired events", {.durable = false}, [&] {
			expired_.clear();
			advance_statement.run({});
			pg::Rows rows = expired_statement.run();
			for (uint64_t row = 0; row < rows.count(); row++)
				expired_.push_back(
					{static_cast<int32_t>(rows.integer(row, 1)), rows.integer(row, 2)});
		});
		look_at_ = worker.steady_now() + kCycle;
	}

	/* Each slice begins where the slice before it ended, because index entries of deleted rows
	 * remain for a while and would be read again. */
	void delete_expired(pg::Worker &worker)
	{
		Expired next{};
		bool more = false;
		int64_t deleted = 0;
		/* A client may hold an event for long; statistics are kept up to date meanwhile. */
		if (!worker.transaction_or_later("deleting expired events", {.durable = false}, [&] {
				next = expired_.back();
				pg::Rows rows = delete_statement.run(
					{pg::value(next.kind), pg::value(next.second), pg::value(kSlice)});
				deleted = rows.integer(0, 1);
				more = !rows.null(0, 2);
				if (more)
					next.second = rows.integer(0, 2);
			}))
			return;
		worker.count("events_expired", deleted);
		expired_.pop_back();
		if (more)
			expired_.push_back(next);
	}

	std::vector<Expired> expired_; // kinds that may still have expired events
	std::chrono::steady_clock::time_point look_at_{};
	std::chrono::steady_clock::time_point count_at_{};
};

} // namespace

std::unique_ptr<pg::Service>
make_refresher()
{
	return std::make_unique<Refresher>();
}
