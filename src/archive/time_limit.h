/*
 * How long questions may take.
 */
#pragma once

namespace archive {

/*
 * The statement that runs now has bigbrotr.query_timeout from its first call of this on: many
 * questions in one statement have no more time than one. Throws pg::Error.
 */
void limit_query_time();

} // namespace archive
