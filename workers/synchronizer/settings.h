/*
 * Variables of the synchronizer's settings (entry.cpp), which the server's settings code writes. A
 * setting that the net process reads is a field of its message.
 */
#pragma once

#include "wire/archive.h"

struct SynchronizerSettings
{
	int instances;               // bigbrotr.sync_instances: workers that share the relays
	int connections;             // bigbrotr.sync_connections: relays open at the same time
	int connections_per_host;    // bigbrotr.sync_connections_per_host
	int connections_per_site;    // bigbrotr.sync_connections_per_site
	int connections_per_network; // bigbrotr.sync_connections_per_network
	int interval_s;              // bigbrotr.sync_interval: time until a live relay is read again
	int confirm_delay_s;         // bigbrotr.sync_confirm_delay
	int audit_interval_s;        // bigbrotr.sync_audit_interval
	int relay_quota;             // bigbrotr.sync_relay_quota: new events in an hour; 0: no limit
	int verify_sample;           // bigbrotr.verify_sample: one event in this many; 0: none
	int min_free_disk_mb;        // bigbrotr.min_free_disk; 0: no limit
	int max_database_size_mb;    // bigbrotr.max_database_size; 0: no limit
	int retry_delay_ms;          // bigbrotr.retry_delay: first back-off of a relay
	int retry_delay_max_s;       // bigbrotr.retry_delay_max: the back-off doubles up to this
	/* The settings message without its strings and without settings of other parts, which
	 * net_settings() adds. */
	wire::ArchiveSettings net;
};

extern SynchronizerSettings synchronizer_settings;
