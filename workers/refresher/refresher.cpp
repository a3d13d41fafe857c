/*
 * The refresher: folds what writers appended to _bigbrotr.statistics_deltas into the totals, so
 * that the views stay quick. They are exact without it. Where no finder runs, it keeps the queue of
 * the finder small. It counts for the metrics what takes long to count.
 */
#include "pg/border/spi.h"
#include "pg/work/worker.h"

namespace {

constexpr std::chrono::seconds kCycle{10};
constexpr std::chrono::seconds kCountEvery{30};
constexpr int32_t kMostRows = 10000; // of one transaction: a batch of the writers each

pg::Statement fold_statement("SELECT _bigbrotr.fold_statistics($1)");
pg::Statement fold_queue_statement("SELECT _bigbrotr.fold_finder_queue($1)");
pg::Statement count_statement("SELECT _bigbrotr.count_archive()");

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
		delay = folded == kMostRows ? std::chrono::milliseconds(0) : kCycle;
		return pg::Next::Continue;
	}

  private:
	std::chrono::steady_clock::time_point count_at_{};
};

} // namespace

std::unique_ptr<pg::Service>
make_refresher()
{
	return std::make_unique<Refresher>();
}
