/*
 * What the frame must know about a service before a worker of it exists: plain data, one
 * ServiceEntry for each service, in workers/<service>/entry.cpp. Only workers/services.h lists the
 * services.
 *
 * The entries belong to the preload library; what a service does (pg/work/worker.h) belongs to the
 * core library.
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
	/* The database role as which its executors connect; null: it has none. */
	const char *executor_role = nullptr;
	/* The setting with the number of its workers in each database; null: one. */
	const int *instances = nullptr;
	/*
	 * Services of the same database that must be started before this one: those that run once must
	 * be done, the others running. A service that is not to run is not waited for.
	 */
	std::span<const char *const> after = {};
	bool once = false;       // runs to its end, and is then done
	bool on_standby = false; // runs during recovery, too
	bool by_default = true;  // is in the default of bigbrotr.services
	std::span<const Setting> settings = {};
	/* The SQL objects it needs: "table column type", "function(types)". */
	std::span<const std::string_view> columns = {};
	std::span<const std::string_view> functions = {};
};

/* All of them, in the order of workers/services.h. */
std::span<const ServiceEntry *const> services();

/* Null if there is none of that name. */
const ServiceEntry *find_service(std::string_view name);

} // namespace pg
