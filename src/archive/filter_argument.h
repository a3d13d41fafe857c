/*
 * Filters as arguments of SQL functions, and columns of the rows that they concern.
 */
#pragma once

#include "nostr/filter.h"

#include "pg/border/error.h"

extern "C" {
#include "utils/jsonb.h"
}

namespace archive {

/* The column with this name, or null. */
inline Form_pg_attribute
find_column(TupleDesc shape, const char *name)
{
	for (int i = 0; i < shape->natts; i++) {
		Form_pg_attribute column = TupleDescAttr(shape, i);
		if (!column->attisdropped && strcmp(NameStr(column->attname), name) == 0)
			return column;
	}
	return nullptr;
}

/* Parses a filter. Throws pg::Error (22023) with the reason in the detail. */
nostr::Filter filter_argument(Jsonb *filter);

/* Parses a condition on one event, which cannot have a limit. */
nostr::Filter condition_argument(Jsonb *filter);

} // namespace archive
