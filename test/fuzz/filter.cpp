/* Any bytes as a filter: what is accepted must be in bounds and match in finite time. */
#include "nostr/filter.h"

#include <algorithm>
#include <cstdlib>

namespace {

template <class T>
bool
strictly_sorted(const std::vector<T> &values)
{
	return std::adjacent_find(values.begin(), values.end(),
							  [](auto &a, auto &b) { return !(a < b); }) == values.end();
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static nostr::Filter filter;
	static nostr::Event event;
	event.tags = R"([["e","x"],["t","a","b"],["d"]])";
	event.kind = 1;
	if (!nostr::parse_filter({reinterpret_cast<const char *>(data), size}, filter).empty())
		return 0;
	if ((filter.ids && !strictly_sorted(*filter.ids)) ||
		(filter.kinds && (!strictly_sorted(*filter.kinds) ||
						  (!filter.kinds->empty() &&
						   (filter.kinds->front() < 0 || filter.kinds->back() > 65535)))) ||
		(filter.limit && *filter.limit < 0))
		abort();
	static nostr::Filter again;
	std::string text = nostr::condition_json(filter);
	if (!nostr::parse_filter(text, again).empty() || nostr::condition_json(again) != text)
		abort();
	if (nostr::matches(filter, event) && filter.matches_nothing())
		abort();
	return 0;
}
