#include "pg/cycle/service_entry.h"

static constexpr const char *after[] = {"initializer"};

static constexpr std::string_view columns[] = {
	"_bigbrotr.statistics count bigint",
	"_bigbrotr.statistics_deltas counts bigint[]",
};

static constexpr std::string_view functions[] = {
	"_bigbrotr.fold_statistics(integer)",
	"_bigbrotr.fold_finder_queue(integer)",
	"_bigbrotr.count_archive()",
};

extern constinit const pg::ServiceEntry refresher_entry = {
	.name = "refresher",
	.description = "folds what was counted into the totals, and counts for the metrics",
	.after = after,
	.columns = columns,
	.functions = functions,
};
