/* Relays that an operator names in a setting. */
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pg {

class Worker;

/*
 * The normalised URLs of a list with commas or blanks, each once, 50 at most. What cannot be used
 * goes to the log; `setting`: its name, for that.
 */
std::vector<std::string> relay_list(Worker &worker, std::string_view setting,
									std::string_view list);

} // namespace pg
