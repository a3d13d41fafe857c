/* The work of a net process for its worker: one desk per role. Only desks handle messages of the
 * wire. */
#pragma once

#include <vector>

#include "net/core/config.h"
#include "net/core/link.h"
#include "wire/fields.h"
#include "wire/link.h"

namespace net {

class Desk
{
  public:
	virtual ~Desk() = default;
	/* Throws LinkError if the worker may not send this message to this desk. */
	virtual void handle(const wire::Frame &frame) = 0;
	/* Must be called every 100 ms. */
	virtual void tick() = 0;
	/* Must be called after each round of the event loop. Sends collected events to the worker. */
	virtual void end_of_turn() = 0;
	/* The names are string literals. */
	virtual std::vector<wire::Gauge> gauges() const = 0;
	/* Whether all threads of the desk have been created. */
	virtual bool threads_made() const = 0;
};

/*
 * Decodes the message of a frame as one of the types of `Messages`. Throws LinkError if the frame
 * has another type, or if the first message is not of type Settings.
 */
template <class Messages, class Settings>
Messages
desk_message(const wire::Frame &frame, bool has_settings)
{
	std::string fault;
	auto message = wire::decode<Messages>(frame, fault);
	if (!message)
		throw LinkError(fault);
	if (!has_settings && !std::holds_alternative<Settings>(*message))
		throw LinkError("no settings yet");
	return *std::move(message);
}

/* Copies the settings that all desks with outgoing connections share. */
inline void
set_dialling(Config &config, const wire::DialSettings &settings)
{
	config.allow_local = settings.allow_local_relays;
	config.connect_timeout = std::chrono::milliseconds(settings.connect_timeout_ms);
	config.proxies[size_t(nostr::Network::Tor)] = settings.tor_proxy;
	config.proxies[size_t(nostr::Network::I2p)] = settings.i2p_proxy;
	config.proxies[size_t(nostr::Network::Loki)] = settings.loki_proxy;
	config.tls_ca_file = settings.tls_ca_file;
	config.user_agent = settings.user_agent;
}

} // namespace net
