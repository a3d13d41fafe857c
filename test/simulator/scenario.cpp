#include "scenario.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace simulator {
namespace {

/* What each relay holds: a part of the notes, and maybe some of the last days. */
void
fill(Scenario &scenario, Random &random, const Pool &pool)
{
	auto wanted =
		size_t(300 * std::exp(double(random.below(1000)) / 1000 * std::log(2500 / 300.0)));
	size_t width = std::min(pool.notes.size(), wanted * random.between(1, 8));
	size_t from = random.below(pool.notes.size() - width + 1);
	double share = double(wanted) / double(width);
	for (size_t i = from; i < from + width; i++)
		if (random.chance(share))
			scenario.events.push_back(pool.notes[i]);
	if (random.chance(0.5))
		for (uint32_t number : pool.recent)
			if (random.chance(0.5))
				scenario.events.push_back(number);
	// Several answers each.
	static constexpr size_t caps[] = {50, 100, 100, 250, 500, 500, 1000};
	do
		scenario.behaviour.cap = random.pick(caps);
	while (scenario.behaviour.cap * 5 / 2 > std::max<size_t>(wanted, 300));
}

} // namespace

Scenario
make_scenario(uint64_t seed, uint64_t number, const Pool &pool,
			  const std::vector<std::string> &only)
{
	Random random(seed * 1000003 + number);
	Scenario scenario;
	scenario.number = number;
	scenario.seed = random.next();
	fill(scenario, random, pool);
	std::span<const Switch> all = switches();
	std::vector<const Switch *> chosen;
	size_t count = number < all.size() ? 1 : 2 + random.below(3);
	while (only.empty() && chosen.size() < count) {
		const Switch *one = &all[count == 1 ? number : random.below(all.size())];
		if (std::find(chosen.begin(), chosen.end(), one) == chosen.end())
			chosen.push_back(one);
	}
	for (const std::string &name : only) {
		auto found = std::find_if(all.begin(), all.end(),
								  [&](const Switch &one) { return one.name == name; });
		if (found == all.end())
			throw std::invalid_argument("there is no switch " + name);
		chosen.push_back(&*found);
	}
	for (const Switch *one : chosen) {
		one->apply(scenario, random, pool);
		scenario.switches.push_back(one->name);
	}
	return scenario;
}

} // namespace simulator
