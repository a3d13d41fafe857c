/*
 * Decides which relays are visited next. The plan reads the database and leases relays; the caller
 * hands out the visits after the commit.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workers/monitor/visit_book.h"

constexpr int64_t kVisitLease = 300; // seconds; a visit takes less time

/* Name of the current value of bigbrotr.politeness, such as "normal". */
const char *monitor_pace();

struct PlannedVisit
{
	int32_t relay_id;
	std::string url;
	bool try_nips;
};

/* Must be called inside a transaction. */
std::vector<PlannedVisit> plan_visits(const VisitBook &book, const std::string &owner, int64_t now);
/* Largest number of connections to one address at the same time, for the net process. */
int visits_per_address();
