/* Relays that an operator names in a setting. */
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pg {

class Worker;

/*
 * The normalised URLs of a list with commas or blanks, without duplicates, at most 50. Unusable
 * elements are logged with the name `setting`.
 */
std::vector<std::string> relay_list(Worker &worker, std::string_view setting,
									std::string_view list);

} // namespace pg
