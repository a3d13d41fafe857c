#include "pg/cycle/service_entry.h"

static constexpr const char *after[] = {"initializer"};

static constexpr std::string_view columns[] = {
	"_bigbrotr.statistics count bigint",
	"_bigbrotr.statistics_deltas counts bigint[]",
	"bigbrotr.retention_rules deletes_before bigint",
};

static constexpr std::string_view functions[] = {
	"_bigbrotr.fold_statistics(integer)", "_bigbrotr.fold_finder_queue(integer)",
	"_bigbrotr.count_archive()",          "_bigbrotr.advance_retention()",
	"_bigbrotr.expired_kinds()",          "_bigbrotr.delete_expired(integer,bigint,integer)",
};

extern constinit const pg::ServiceEntry refresher_entry = {
	.name = "refresher",
	.description = "folds what was counted into the totals, counts for the metrics, and deletes "
				   "what retention rules do not keep",
	.after = after,
	.columns = columns,
	.functions = functions,
};
