#pragma once

#include "pg/work/worker.h"

std::unique_ptr<pg::Service> make_refresher();
