/* Variables of the settings of the api service (entry.cpp). */
#pragma once

#include "wire/serve.h"

struct ApiSettings
{
	char *listen;   // bigbrotr.api_listen
	int executors;  // bigbrotr.api_executors
	int timeout_ms; // bigbrotr.api_timeout: of a call with all its rows
	/* What the net process reads: the numbers, and the texts apart. */
	wire::ServeSettings net;
	char *tls_certificate, *tls_key; // files
	char *trusted_proxies, *metrics_networks, *public_urls, *name, *description, *contact;
	char *anonymous_scopes;
};

extern ApiSettings api_settings;
