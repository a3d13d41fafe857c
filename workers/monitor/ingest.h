/*
 * How a batch of visits becomes rows.
 */
#pragma once

#include <string>

#include "pg/work/worker.h"
#include "wire/probe.h"
#include "workers/monitor/visit_book.h"

/*
 * Throws pg::NetFault if the batch cannot be true: it tells of visits that were not handed out, or
 * contradicts itself. What it tells of visits that were broken off is no fault.
 */
void check_visits(const wire::VisitBatch &batch, const VisitBook &book);

/*
 * Stores what a batch that check_visits let through tells of the visits of the book, in one
 * transaction, which is tried again until it succeeds. Returns how many were stored.
 */
int64_t store_visits(pg::Worker &worker, const wire::VisitBatch &batch, const VisitBook &book,
					 const std::string &owner);
