/*
 * What the frame must know about a service before a worker of it exists. A ServiceEntry is plain
 * data, in workers/<service>/entry.cpp. Only workers/services.h lists the services.
 *
 * The entries belong to the preload library. The code of the services (pg/work/worker.h) belongs to
 * the core library.
 */
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "pg/border/setting.h"
#include "wire/link.h"

namespace pg {

/* The database role as which all workers connect. */
inline constexpr const char kWorkerRole[] = "bigbrotr_worker";

struct ServiceEntry
{
	const char *name; // "synchronizer"
	const char *description;
	std::optional<wire::Role> net_role = {}; // of the net process of each worker; empty: none
	/* The database role as which the service's executors connect; null: no executors. */
	const char *executor_role = nullptr;
	/* The setting with the number of workers in each database; null: one worker. */
	const int *instances = nullptr;
	/*
	 * Services of the same database that must start before this one. Of these, a service that runs
	 * once must be done, and any other must be running. A service that must not run is not waited
	 * for.
	 */
	std::span<const char *const> after = {};
	bool once = false;       // runs to its end and is then done
	bool on_standby = false; // also runs during recovery
	bool by_default = true;  // is in the default of bigbrotr.services
	std::span<const Setting> settings = {};
	/* The SQL objects that the service needs: "table column type", "function(types)". */
	std::span<const std::string_view> columns = {};
	std::span<const std::string_view> functions = {};
};

/* All entries, in the order of workers/services.h. */
std::span<const ServiceEntry *const> services();

/* The entry with this name; null if there is none. */
const ServiceEntry *find_service(std::string_view name);

} // namespace pg
