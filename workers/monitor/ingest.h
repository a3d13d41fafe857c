/*
 * Turns a batch of visits into rows.
 */
#pragma once

#include <string>

#include "pg/work/worker.h"
#include "wire/probe.h"
#include "workers/monitor/visit_book.h"

/*
 * Throws pg::NetFault if the batch cannot be true: it reports visits that were not handed out, or
 * it contradicts itself. Reports of visits that were broken off are allowed.
 */
void check_visits(const wire::VisitBatch &batch, const VisitBook &book);

/*
 * Stores the visits of a batch that check_visits() accepted and that are still in the book. Uses
 * one transaction, which is repeated until it succeeds. Returns the number of visits stored.
 */
int64_t store_visits(pg::Worker &worker, const wire::VisitBatch &batch, const VisitBook &book,
					 const std::string &owner);
