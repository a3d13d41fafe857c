/*
 * The settings of the frame, and the list of all settings. The server's settings code writes these
 * globals; other code must only read them. Units: _s seconds, _ms milliseconds, _kb kilobytes. The
 * names that users see have no unit.
 */
#pragma once

#include <string_view>

#include "pg/border/setting.h"
#include "pg/border/settings.h"
#include "pg/cycle/service_entry.h"
#include "wire/link.h"

extern "C" {
#include "nodes/pg_list.h"
}

namespace pg::settings {

extern bool enabled;                // bigbrotr.enabled: false stops all services
extern char *databases;             // bigbrotr.databases: databases to serve, comma-separated
extern char *services;              // bigbrotr.services: services to run, comma-separated
extern char *log_level;             // bigbrotr.log_level: "info, synchronizer=debug"
extern int health_check_interval_s; // bigbrotr.health_check_interval
extern bool warmup;                 // bigbrotr.warmup
extern int restart_delay_ms; // bigbrotr.restart_delay: first back-off of a worker or net process
extern int sandbox;          // bigbrotr.sandbox: a Sandbox
extern bool allow_drop_extension; // bigbrotr.allow_drop_extension
extern int net_memory_limit_kb;   // bigbrotr.net_memory_limit: address space of a net process

enum class Sandbox : int
{
	Require,
	Prefer
};

/* Defines the settings of all parts. A second call does nothing. */
void define();

/* The settings of one part of bigbrotr: "frame", "functions" or a service. */
struct Part
{
	const char *name;
	std::span<const Setting> settings;
};

std::span<const Setting> of_frame();

template <class F>
void
for_each_part(F visit)
{
	visit(Part{.name = "frame", .settings = of_frame()});
	visit(Part{.name = "functions", .settings = of_functions()});
	for (const ServiceEntry *entry : pg::services())
		visit(Part{.name = entry->name, .settings = entry->settings});
}

/* The lowest level at which messages of `service` are logged, by bigbrotr.log_level. */
wire::LogLevel log_level_of(std::string_view service);

/* Check hook of bigbrotr.log_level. */
bool check_log_level(char **value, void **, GucSource);

/* Whether the name is in a list from SplitIdentifierString(). */
bool is_in_list(List *names, const char *name);

/* For hints: the names of all services, such as "initializer, synchronizer", palloc'd. */
char *service_names();

} // namespace pg::settings
