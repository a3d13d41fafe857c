/*
 * Filters that SQL functions are given.
 */
#pragma once

#include "nostr/filter.h"

#include "pg/border/error.h"

extern "C" {
#include "utils/jsonb.h"
}

namespace archive {

/* Throws pg::Error (22023), with the reason in the detail. */
nostr::Filter filter_argument(Jsonb *filter);

/* The same for a condition on one event, which can have no limit. */
nostr::Filter condition_argument(Jsonb *filter);

} // namespace archive
