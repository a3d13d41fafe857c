/* Variables of the settings of the api service (entry.cpp). */
#pragma once

#include "wire/serve.h"

struct ApiSettings
{
	char *listen;   // bigbrotr.api_listen
	int executors;  // bigbrotr.api_executors
	int timeout_ms; // bigbrotr.api_timeout: limit for a call with all its rows
	/* The settings of the net process: numbers in `net`, texts in separate variables. */
	wire::ServeSettings net;
	char *tls_certificate, *tls_key; // file names
	char *trusted_proxies, *metrics_networks, *public_urls, *name, *description, *contact;
	char *anonymous_scopes;
};

extern ApiSettings api_settings;
