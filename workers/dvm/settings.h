/* Variables of the settings of the dvm service (entry.cpp). */
#pragma once

struct DvmSettings
{
	char *relays;        // bigbrotr.dvm_relays
	char *name;          // bigbrotr.dvm_name
	int kind;            // bigbrotr.dvm_kind
	int jobs_per_author; // bigbrotr.dvm_jobs_per_author, per hour
	int price_msat;      // bigbrotr.dvm_price
	char *zapper;        // bigbrotr.dvm_zapper
	char *address;       // bigbrotr.dvm_lightning_address
	int timeout_ms;      // bigbrotr.dvm_timeout
};

extern DvmSettings dvm_settings;
