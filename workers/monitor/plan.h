/*
 * Which relays are visited next. Reads the database and leases relays; the rest is done by the
 * caller, when that is committed.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workers/monitor/visit_book.h"

constexpr int64_t kVisitLease = 300; // seconds; a visit takes less

/* "normal": bigbrotr.politeness */
const char *monitor_pace();

struct PlannedVisit
{
	int32_t relay_id;
	std::string url;
	bool try_nips;
};

/* Inside a transaction. */
std::vector<PlannedVisit> plan_visits(const VisitBook &book, const std::string &owner, int64_t now);
/* Connections to one address at a time, for the net process. */
int visits_per_address();
