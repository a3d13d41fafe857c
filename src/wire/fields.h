/* Fields that several messages have in common, and their limits. */
#pragma once

#include "codec.h"

namespace wire {

constexpr size_t kMaxUrl = 2048;  // bytes
constexpr size_t kMaxPath = 4096; // bytes

inline void
relay_id_field(auto &c, auto &relay_id)
{
	c.number(relay_id, 1, INT32_MAX, "relay id out of range");
}

/* How other hosts are reached; part of the settings of each desk with outgoing connections. Fields
 * have the names and units of the server's settings. */
struct DialSettings
{
	bool allow_local_relays = false;
	int connect_timeout_ms = 10 * 1000;                // for name, TCP, TLS and handshake together
	std::string_view tor_proxy, i2p_proxy, loki_proxy; // URLs; empty: no proxy
	std::string_view tls_ca_file;                      // empty: the system's certificates
	std::string_view user_agent;                       // with the contact of the operator

	static void fields(auto &c, auto &m)
	{
		c.flag(m.allow_local_relays);
		c.number(m.connect_timeout_ms, 1, INT32_MAX, "setting out of range");
		c.ascii(m.tor_proxy, kMaxUrl);
		c.ascii(m.i2p_proxy, kMaxUrl);
		c.ascii(m.loki_proxy, kMaxUrl);
		c.utf8(m.tls_ca_file, kMaxPath);
		c.detail(m.user_agent);
	}
};

/* Inclusive Unix seconds. */
inline void
range_fields(auto &c, auto &range)
{
	c.number(range.lower);
	c.number(range.upper);
	c.demand([&] { return range.lower >= 0 && range.lower <= range.upper; },
			 "time range out of order");
}

} // namespace wire
