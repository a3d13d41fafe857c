#include "probes.h"

#include <utility>

#include "facts.h"

namespace nostr {

/* Kinds of regular, replaceable and addressable events that are widely used. */
static constexpr int32_t kOpenKinds[] = {
	0,     1,     3,     5,     6,     7,     8,     16,    17,    20,    21,    22,    40,
	41,    42,    43,    44,    64,    78,    1018,  1063,  1068,  1111,  1311,  1337,  1617,
	1621,  1984,  1985,  1986,  4550,  5300,  6300,  7000,  7374,  7375,  7376,  9041,  9321,
	9734,  9735,  9802,  10000, 10001, 10002, 10003, 10004, 10005, 10006, 10007, 10009, 10013,
	10015, 10019, 10030, 10050, 10063, 10096, 10166, 13194, 17375, 30000, 30001, 30002, 30003,
	30004, 30005, 30007, 30008, 30009, 30015, 30017, 30018, 30023, 30024, 30030, 30040, 30041,
	30063, 30078, 30166, 30311, 30315, 30382, 30383, 30402, 30403, 30617, 30618, 30818, 31890,
	31922, 31923, 31924, 31925, 31989, 31990, 32123, 34235, 34236, 34550, 36787, 38383, 39089};

/* Steps below the top in seconds. Each is eight times as long as the one before, up to four
 * years. */
static constexpr int64_t kFirstStep = 60, kLastStep = 60 << 21;

template <class List>
static bool
contains(const List &list, int32_t kind)
{
	return std::find(std::begin(list), std::end(list), kind) != std::end(list);
}

std::vector<std::vector<int32_t>>
kind_groups(const Habits &habits)
{
	std::vector<int32_t> kinds;
	/* strfry and other relays hide private kinds and count them against the limit. */
	for (int32_t kind : habits.kinds)
		if (!is_private(kind))
			kinds.push_back(kind);
	for (int32_t kind : kOpenKinds)
		if (!contains(kinds, kind))
			kinds.push_back(kind);
	std::vector<std::vector<int32_t>> groups;
	for (size_t i = 0; i < kinds.size(); i += kMostKinds)
		groups.emplace_back(kinds.begin() + long(i),
							kinds.begin() + long(std::min(i + kMostKinds, kinds.size())));
	return groups;
}

std::vector<int32_t>
open_kinds(const Habits &habits)
{
	return kind_groups(habits).front();
}

std::vector<Window>
kinds_probes(std::optional<int64_t> since, int64_t until, const Conditions &conditions,
			 const Habits &habits)
{
	std::vector<Window> probes;
	if (conditions.kinds || !habits.takes_kinds)
		return probes;
	for (auto &group : kind_groups(habits))
		probes.push_back({.since = since,
						  .until = habits.until_of(until),
						  .limit = kFew,
						  .kinds = std::move(group)});
	return probes;
}

std::vector<Window>
probes_below(int64_t upper, const SeenSet &shown, int limit, const Conditions &conditions,
			 const Habits &habits)
{
	const int64_t below = shown.empty() ? upper : upper - 1;
	const int more = int(shown.size()) * 2 + kFew;
	std::vector<Window> probes;
	auto add = [&](int64_t until, int few) -> Window & {
		return probes.emplace_back(Window{.until = habits.until_of(until), .limit = few});
	};
	if (below >= 0)
		add(below, limit);
	for (Window &probe : kinds_probes(std::nullopt, upper, conditions, habits)) {
		probe.limit = more;
		probes.push_back(std::move(probe));
	}
	if (!conditions.authors && !habits.authors.empty())
		add(upper, more).authors = habits.authors;
	for (int64_t step = kFirstStep; step <= kLastStep && step < below; step *= 8)
		add(below - step, kFew);
	return probes;
}

Window
control_question(const Habits &habits)
{
	Window window{.limit = kFew};
	if (habits.known)
		window.until = habits.until_of(*habits.known);
	return window;
}

} // namespace nostr
