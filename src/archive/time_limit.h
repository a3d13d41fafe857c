/*
 * The time limit of queries.
 */
#pragma once

namespace archive {

/*
 * Limits the current statement to bigbrotr.query_timeout, counted from the first call in the
 * statement. Queries in one statement share this time. Throws pg::Error.
 */
void limit_query_time();

} // namespace archive
