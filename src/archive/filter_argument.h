/*
 * Filters that SQL functions are given, and the rows that they are about.
 */
#pragma once

#include "nostr/filter.h"

#include "pg/border/error.h"

extern "C" {
#include "utils/jsonb.h"
}

namespace archive {

/* The column of that name, or null. */
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

/* Throws pg::Error (22023), with the reason in the detail. */
nostr::Filter filter_argument(Jsonb *filter);

/* The same for a condition on one event, which can have no limit. */
nostr::Filter condition_argument(Jsonb *filter);

} // namespace archive
