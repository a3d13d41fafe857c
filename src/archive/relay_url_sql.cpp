/*
 * Relay URLs for SQL: bigbrotr.normalise_relay_url(text, lenient), _bigbrotr.relay_site(text), and
 * _bigbrotr.allow_local_relays(), because only superusers may read the setting itself.
 */
#include <arpa/inet.h>
#include <libpsl.h>

#include "nostr/address.h"
#include "nostr/relay_url.h"

#include "bytes.h"
#include "pg/border/settings.h"

namespace {

bool
is_address(const std::string &host)
{
	in_addr address;
	return host.find(':') != host.npos || inet_pton(AF_INET, host.c_str(), &address) == 1;
}

/* The registered domain of a host; of an IPv6 address its /64 network; the host itself if it is an
 * IPv4 address or a public suffix. */
std::string
site_of(const std::string &host)
{
	/* The public suffix list does not know that names under b32.i2p belong to different
	 * services. */
	constexpr std::string_view keys = ".b32.i2p";
	if (is_address(host))
		return nostr::counted_host(host);
	if (host.ends_with(keys))
		return host.substr(host.rfind('.', host.size() - keys.size() - 1) + 1);
	const char *site = psl_registrable_domain(psl_builtin(), host.c_str());
	return site ? site : host;
}

} // namespace

SQL_FUNCTION(bigbrotr_relay_site)
{
	TupleDesc shape = archive::result_row(fcinfo);
	return pg::boundary([&] {
		std::string_view given = archive::varlena_view(PG_GETARG_DATUM(0));
		nostr::RelayUrl normalised = nostr::normalise_relay_url(given);
		if (!normalised.ok() || normalised.url != given)
			throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "not a normalised relay URL",
							"The site is that of the host of a relay.",
							"Use the result of bigbrotr.normalise_relay_url.");
		std::string host = nostr::relay_endpoint(given).host;
		Datum values[] = {archive::varlena_datum(host), archive::varlena_datum(site_of(host))};
		bool nulls[2] = {};
		return archive::row_datum(shape, values, nulls);
	});
}

SQL_FUNCTION(bigbrotr_normalise_relay_url)
{
	TupleDesc shape = archive::result_row(fcinfo);
	return pg::boundary([&] {
		nostr::RelayUrl relay = nostr::normalise_relay_url(
			archive::varlena_view(PG_GETARG_DATUM(0)),
			PG_GETARG_BOOL(1) ? nostr::UrlMode::Lenient : nostr::UrlMode::Strict);
		Datum values[3] = {};
		bool nulls[3] = {!relay.ok(), !relay.ok(), relay.ok()};
		if (relay.ok()) {
			values[0] = archive::varlena_datum(relay.url);
			values[1] = archive::varlena_datum(nostr::network_name(relay.network));
		} else
			values[2] = archive::varlena_datum(relay.reason);
		return archive::row_datum(shape, values, nulls);
	});
}

SQL_FUNCTION(bigbrotr_allow_local_relays)
{
	PG_RETURN_BOOL(pg::settings::allow_local_relays);
}
