/*
 * The results of a visit as JSON: facts, which the history stores once as long as they do not
 * change, and the story of the visit. docs/monitor.md describes both.
 */
#pragma once

#include <string>

#include "wire/probe.h"

/* Returns an object, also of a relay that did not answer. Its content does not change from visit to
 * visit while the relay stays the same. */
std::string facts_of(const wire::Visited &visited);
/* Returns an object with the array "steps" of results, and values that differ from visit to visit.
 */
std::string story_of(const wire::Visited &visited);
