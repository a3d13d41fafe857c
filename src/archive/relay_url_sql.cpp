/*
 * Relay URLs for SQL: bigbrotr.normalise_relay_url(text, lenient), _bigbrotr.relay_site(text), and
 * the policy beside them, _bigbrotr.allow_local_relays() (the setting itself only superusers may
 * read).
 */
#include <arpa/inet.h>
#include <libpsl.h>

#include "nostr/relay_url.h"
#include "pg/border/settings.h"

#include "pg/border/error.h"

extern "C" {
#include "funcapi.h"
#include "utils/builtins.h"

PGDLLEXPORT Datum bigbrotr_normalise_relay_url(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(bigbrotr_normalise_relay_url);
PGDLLEXPORT Datum bigbrotr_relay_site(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(bigbrotr_relay_site);
PGDLLEXPORT Datum bigbrotr_allow_local_relays(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(bigbrotr_allow_local_relays);
}

namespace {

bool
is_address(const std::string &host)
{
	in_addr address;
	return host.find(':') != host.npos || inet_pton(AF_INET, host.c_str(), &address) == 1;
}

/* The domain that somebody registered; of an address, or of a host that is a public suffix, `host`.
 */
std::string
site_of(const std::string &host)
{
	if (is_address(host))
		return host;
	const char *site = psl_registrable_domain(psl_builtin(), host.c_str());
	return site ? site : host;
}

} // namespace

Datum
bigbrotr_relay_site(PG_FUNCTION_ARGS)
{
	text *url = PG_GETARG_TEXT_PP(0);
	TupleDesc shape;
	if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	return pg::boundary([&] {
		std::string_view given(VARDATA_ANY(url), VARSIZE_ANY_EXHDR(url));
		nostr::RelayUrl normalised = nostr::normalise_relay_url(given);
		if (!normalised.ok() || normalised.url != given)
			throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "not a normalised relay URL",
							"The site is that of the host of a relay.",
							"Use the result of bigbrotr.normalise_relay_url.");
		std::string host = nostr::relay_endpoint(given).host;
		std::string site = site_of(host);
		return pg::call([&] {
			Datum values[] = {CStringGetTextDatum(host.c_str()), CStringGetTextDatum(site.c_str())};
			bool nulls[] = {false, false};
			return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls));
		});
	});
}

Datum
bigbrotr_normalise_relay_url(PG_FUNCTION_ARGS)
{
	text *input = PG_GETARG_TEXT_PP(0);
	bool lenient = PG_GETARG_BOOL(1);
	TupleDesc shape;
	if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	return pg::boundary([&] {
		nostr::RelayUrl relay = nostr::normalise_relay_url(
			{VARDATA_ANY(input), static_cast<size_t>(VARSIZE_ANY_EXHDR(input))},
			lenient ? nostr::UrlMode::Lenient : nostr::UrlMode::Strict);
		return pg::call([&] {
			Datum values[3] = {};
			bool nulls[3] = {!relay.ok(), !relay.ok(), relay.ok()};
			if (relay.ok()) {
				values[0] = PointerGetDatum(
					cstring_to_text_with_len(relay.url.data(), static_cast<int>(relay.url.size())));
				values[1] = CStringGetTextDatum(nostr::network_name(relay.network));
			} else
				values[2] = CStringGetTextDatum(relay.reason);
			return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls));
		});
	});
}

Datum
bigbrotr_allow_local_relays(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pg::settings::allow_local_relays);
}
