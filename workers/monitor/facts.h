/*
 * What a visit found, as JSON: facts that are kept as long as they do not change, and the story of
 * the visit. docs/monitor.md describes both.
 */
#pragma once

#include <string>

#include "wire/probe.h"

/* An object. Nothing in it changes from visit to visit while the relay stays the same. */
std::string facts_of(const wire::Visited &visited);
/* An object with the array "steps". */
std::string story_of(const wire::Visited &visited);
