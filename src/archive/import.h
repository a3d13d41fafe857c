/*
 * Imports events from lines of JSON, one event each. A bad line is recorded and does not affect
 * other lines. The position of an import is a row of _bigbrotr.imports, which the transaction that
 * stores the events updates; so an interrupted import continues at the right line.
 */
#pragma once

#include <cstdint>
#include <string_view>

namespace archive {

/*
 * Takes the complete lines at the start of `data` and, if `last`, the unfinished line too. Not all
 * lines are taken if there are very many and `last` is false. Returns the size of the lines taken,
 * in bytes; the caller passes the remaining bytes again, followed by more data.
 * `position`: where `data` begins. `now`: Unix seconds. Must be called inside a transaction with
 * SPI connected and a snapshot pushed. Throws pg::Error: 55000 if the import is not at this
 * position, 54000 if `last` is true and there are more than 100,000 events.
 */
size_t import_lines(int64_t import_id, int64_t position, std::string_view data, bool last,
					int64_t now);

} // namespace archive
