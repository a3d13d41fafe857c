/*
 * bigbrotr.relay_mentions(kind, tags, content): where relays are named in an event.
 */
#include "nostr/relay_mentions.h"

#include <algorithm>

#include "bytes.h"
#include "tags.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "utils/tuplestore.h"
}

namespace {

/* A refused name may hold any bytes that an escape can write; text cannot hold U+0000 and halves of
 * characters. */
std::string
storable(std::string_view name)
{
	std::string out(name);
	std::replace(out.begin(), out.end(), '\0', ' ');
	return pg::call([&] { return pg_verify_mbstr(PG_UTF8, out.data(), int(out.size()), true); })
			   ? out
			   : std::string();
}

void
put(ReturnSetInfo *result, const nostr::RelayMention &mention)
{
	Datum values[5] = {};
	bool ok = mention.relay.ok();
	bool nulls[5] = {false, !ok, !ok, ok, ok};
	std::string name = ok ? std::string() : storable(mention.name);
	pg::call([&] {
		auto text = [](std::string_view value) { return pg::text_datum(value); };
		values[0] = text(nostr::mention_place_name(mention.place));
		if (ok) {
			values[1] = text(mention.relay.url);
			values[2] = text(nostr::network_name(mention.relay.network));
		} else {
			values[3] = text(name);
			values[4] = text(mention.relay.reason);
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	});
}

} // namespace

SQL_FUNCTION(bigbrotr_relay_mentions)
{
	pg::compat::begin_rows(fcinfo);
	return pg::boundary([&] {
		static nostr::RelayMentions finder;
		std::string_view tags = pg::call([&] { return archive::tags_view(PG_GETARG_DATUM(1)); });
		std::string_view content = archive::varlena_view(PG_GETARG_DATUM(2));
		auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
		for (const nostr::RelayMention &mention : finder.of(PG_GETARG_INT32(0), tags, content))
			put(result, mention);
		return Datum(0);
	});
}
