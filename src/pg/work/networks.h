/* The networks whose relays can be reached with the settings. */
#pragma once

#include <string>

#include "pg/border/settings.h"

namespace pg {

/* Their names, separated by commas. */
inline std::string
reachable_networks()
{
	std::string names = "clearnet";
	if (settings::allow_local_relays)
		names += ",local";
	if (*settings::tor_proxy)
		names += ",tor";
	if (*settings::i2p_proxy)
		names += ",i2p";
	if (*settings::loki_proxy)
		names += ",loki";
	return names;
}

} // namespace pg
