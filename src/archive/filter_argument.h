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

} // namespace archive
