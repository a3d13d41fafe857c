/*
 * All settings of bigbrotr, in one place (settings.cpp defines them; docs/settings.md describes
 * them). Plain globals written by the server's setting machinery; read them, never write them.
 * Units: _s seconds, _ms milliseconds, _kb kilobytes as the server stores them; the names users see
 * carry no unit. All of them take effect on reload; those of the SQL functions also in a session.
 */
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/link.h"

namespace pg::settings {

extern bool enabled;                // bigbrotr.enabled: false stops all services
extern char *databases;             // bigbrotr.databases: databases to serve, comma-separated
extern char *services;              // bigbrotr.services: services to run, comma-separated
extern char *worker_role;           // bigbrotr.worker_role
extern char *log_level;             // bigbrotr.log_level: "info, synchronizer=debug"
extern int health_check_interval_s; // bigbrotr.health_check_interval
extern bool warmup;                 // bigbrotr.warmup
extern int query_timeout_ms;        // bigbrotr.query_timeout
extern int procedure_timeout_ms;    // bigbrotr.procedure_timeout
extern int batch_timeout_ms;        // bigbrotr.batch_timeout
extern bool verify_events;          // bigbrotr.verify_events
extern int default_batch_size;      // bigbrotr.default_batch_size
extern int max_batch_size;          // bigbrotr.max_batch_size
extern int restart_delay_ms;    // bigbrotr.restart_delay: first back-off of a worker or net process
extern int net_memory_limit_kb; // bigbrotr.net_memory_limit: address space of a net process
extern char *seed_file;         // bigbrotr.seed_file: empty: the shipped list
extern bool allow_local_relays; // bigbrotr.allow_local_relays
extern int sync_connections;    // bigbrotr.sync_connections: relays open at the same time
extern int sync_interval_s;     // bigbrotr.sync_interval: a live relay is paged again this often
extern int sync_page_limit;     // bigbrotr.sync_page_limit
extern int sync_verifier_threads; // bigbrotr.sync_verifier_threads
extern int sync_buffer_kb;        // bigbrotr.sync_buffer: events in flight in the net process
extern int retry_delay_ms;        // bigbrotr.retry_delay: first back-off of a relay
extern int retry_delay_max_s;     // bigbrotr.retry_delay_max: the back-off doubles up to this
extern int connect_timeout_ms;    // bigbrotr.connect_timeout
extern int response_timeout_ms;   // bigbrotr.response_timeout
extern int max_message_size_kb;   // bigbrotr.max_message_size
extern int max_event_size_kb;     // bigbrotr.max_event_size
extern int max_event_tags;        // bigbrotr.max_event_tags
extern char *tls_ca_file;         // bigbrotr.tls_ca_file: empty: the system's certificates

/* Defines all settings. Called once, from _PG_init. */
void define();

/* The level from which on messages of `service` reach the log, as bigbrotr.log_level says. */
wire::LogLevel log_level_of(std::string_view service);

} // namespace pg::settings
