#include "retention.h"

#include "pg/border/spi.h"
#include "shapes.h"

namespace archive {

namespace {

pg::Statement rules_statement(
	"SELECT coalesce(lower(k.kinds), 0), coalesce(upper(k.kinds) - 1, 65535), "
	"r.deletes_before "
	"FROM bigbrotr.retention_rules AS r LEFT JOIN LATERAL unnest(r.kinds) AS k (kinds) ON true "
	"WHERE r.enabled");

} // namespace

RetentionRules
RetentionRules::load()
{
	RetentionRules rules;
	if (is_empty(kRetentionRules))
		return rules;
	pg::Rows rows = rules_statement.run();
	for (uint64_t row = 0; row < rows.count(); row++)
		rules.rules_.push_back({static_cast<int32_t>(rows.integer(row, 1)),
								static_cast<int32_t>(rows.integer(row, 2)), rows.integer(row, 3)});
	return rules;
}

} // namespace archive
