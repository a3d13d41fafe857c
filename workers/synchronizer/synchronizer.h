/* The two services that archive relays: one for the priority relays, one for all others. */
#pragma once

#include <memory>

#include "pg/work/worker.h"
#include "workers/synchronizer/leases.h"

std::unique_ptr<pg::Service> make_synchronizer_of(Share share);
