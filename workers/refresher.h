#pragma once

#include "pg/worker.h"

std::unique_ptr<pg::Service> make_refresher();
