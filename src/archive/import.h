/*
 * Imports: lines of JSON, one event each, become events of the archive. A bad line is recorded and
 * costs no other line. The position of an import is a row of _bigbrotr.imports, written in the
 * transaction that stores the events: an interrupted import goes on there.
 */
#pragma once

#include <cstdint>
#include <string_view>

namespace archive {

/*
 * Takes the whole lines at the front of `data` (and, if this is the last of it, the unfinished line
 * too), and returns how many bytes these were. The caller passes the remaining bytes again, with
 * more data behind them. `position` is where `data` begins. `now`: Unix seconds. Inside a
 * transaction with SPI connected and a snapshot pushed. Throws pg::Error (55000) if the import is
 * not at this position.
 */
size_t import_lines(int64_t import_id, int64_t position, std::string_view data, bool last,
					int64_t now);

} // namespace archive
