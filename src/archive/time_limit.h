/*
 * The time limit of queries.
 */
#pragma once

namespace archive {

/*
 * Limits the current statement to bigbrotr.query_timeout, counted from its first call of this
 * function: many queries in one statement share the time. Throws pg::Error.
 */
void limit_query_time();

} // namespace archive
