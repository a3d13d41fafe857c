/*
 * Settings that SQL functions and transactions read. Globals written by the server's setting
 * machinery; read them, never write them. Units: _ms milliseconds; the names users see carry no
 * unit.
 */
#pragma once

#include <span>

namespace pg {
struct Setting;
}

namespace pg::settings {

extern bool allow_local_relays;  // bigbrotr.allow_local_relays
extern int batch_timeout_ms;     // bigbrotr.batch_timeout
extern int query_timeout_ms;     // bigbrotr.query_timeout
extern int procedure_timeout_ms; // bigbrotr.procedure_timeout
extern bool verify_events;       // bigbrotr.verify_events
extern int default_batch_size;   // bigbrotr.default_batch_size
extern int max_batch_size;       // bigbrotr.max_batch_size

/* Of the initializer and the synchronizer. */
extern char *seed_file;               // bigbrotr.seed_file: empty: the shipped list
extern int sync_connections;          // bigbrotr.sync_connections: relays open at the same time
extern int sync_connections_per_host; // bigbrotr.sync_connections_per_host
extern int sync_connections_per_site; // bigbrotr.sync_connections_per_site
extern int sync_interval_s;       // bigbrotr.sync_interval: a live relay is paged again this often
extern int sync_relay_quota;      // bigbrotr.sync_relay_quota: new events in an hour; 0: no bound
extern int verify_sample;         // bigbrotr.verify_sample: one in so many; 0: none
extern int min_free_disk_mb;      // bigbrotr.min_free_disk; 0: no bound
extern int sync_page_limit;       // bigbrotr.sync_page_limit
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

/* The settings that only SQL functions read. */
std::span<const Setting> of_functions();

} // namespace pg::settings
