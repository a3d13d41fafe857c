/*
 * Settings that several parts read, and settings of the SQL functions. The server's settings code
 * writes these globals; other code must only read them. Units: _ms milliseconds, _kb kilobytes. The
 * names that users see have no unit.
 */
#pragma once

#include <span>

namespace pg {
struct Setting;
}

namespace pg::settings {

extern bool allow_local_relays;  // bigbrotr.allow_local_relays
extern int connect_timeout_ms;   // bigbrotr.connect_timeout
extern char *contact;            // bigbrotr.contact: for the User-Agent header; empty: none
extern char *tls_ca_file;        // bigbrotr.tls_ca_file; empty: the system's certificates
extern char *tor_proxy;          // bigbrotr.tor_proxy: URL of the proxy for Tor's relays, or empty
extern char *i2p_proxy;          // bigbrotr.i2p_proxy
extern char *loki_proxy;         // bigbrotr.loki_proxy
extern int politeness;           // bigbrotr.politeness: a wire::Politeness
extern char *key_file;           // bigbrotr.key_file: file of the secret key, or empty
extern int max_event_size_kb;    // bigbrotr.max_event_size
extern int max_event_tags;       // bigbrotr.max_event_tags
extern int batch_timeout_ms;     // bigbrotr.batch_timeout
extern int query_timeout_ms;     // bigbrotr.query_timeout
extern int procedure_timeout_ms; // bigbrotr.procedure_timeout
extern bool verify_events;       // bigbrotr.verify_events
extern int default_batch_size;   // bigbrotr.default_batch_size
extern int max_batch_size;       // bigbrotr.max_batch_size

/* The settings that only SQL functions read. */
std::span<const Setting> of_functions();

} // namespace pg::settings
