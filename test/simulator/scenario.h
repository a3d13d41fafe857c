/*
 * Scenarios: which relay does what. Each switch alone in turn, then random combinations of them.
 */
#pragma once

#include <span>
#include <string>
#include <vector>

#include "behaviour.h"
#include "pool.h"

namespace simulator {

struct Scenario
{
	uint64_t number = 0;
	std::vector<std::string> switches;
	Behaviour behaviour;
	Numbers events;
	Numbers late; // what it gets when the first pass is over
	uint64_t seed = 0;
	bool poisoned = false; // a hostile relay serves the same events with wrong signatures
};

struct Switch
{
	const char *name;
	const char *meaning;
	void (*apply)(Scenario &scenario, Random &random, const Pool &pool);
};

std::span<const Switch> switches();

/* Scenario `number` of a seed. `only`: the switches it has, instead of those that are its turn. */
Scenario make_scenario(uint64_t seed, uint64_t number, const Pool &pool,
					   const std::vector<std::string> &only = {});

} // namespace simulator
