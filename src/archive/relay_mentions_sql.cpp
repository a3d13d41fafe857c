/*
 * bigbrotr.relay_mentions(kind, tags, content): the relays that an event names.
 * _bigbrotr.read_mentions(eids, most): counts the mentions in many events.
 */
#include "nostr/relay_mentions.h"

#include <algorithm>
#include <vector>

#include "bytes.h"
#include "mention_tally.h"
#include "pg/border/settings.h"
#include "pg/border/spi.h"
#include "tags.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "utils/tuplestore.h"
}

using archive::MentionTally;
using archive::Tally;

namespace {

/* The name in a form that text can store. A refused name may contain any bytes that an escape can
 * express; text cannot hold U+0000 or parts of characters. */
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

pg::Statement events_statement("SELECT e.eid, e.pubkey, e.inserted_at, e.kind, e.tags, e.content "
							   "FROM unnest($1) AS u (r) JOIN bigbrotr.events AS e "
							   "ON e.eid >= lower(u.r) AND e.eid < upper(u.r)");

struct EventsRead
{
	int64_t events = 0;
	std::vector<int64_t> left; // eids not read
};

/* Reads events until there are `most` mentions. Contents may be large, so each is freed at once. */
EventsRead
read_events(pg::Value eids, int64_t most, MentionTally &tally)
{
	static nostr::RelayMentions finder;
	EventsRead read;
	pg::Rows rows = events_statement.run({eids});
	MemoryContext event = pg::call([] {
		return AllocSetContextCreate(CurrentMemoryContext, "event", ALLOCSET_DEFAULT_SIZES);
	});
	MemoryContext outer = MemoryContextSwitchTo(event);
	for (uint64_t row = 0; row < rows.count(); row++) {
		if (tally.mentions() >= most) {
			read.left.push_back(rows.integer(row, 1));
			continue;
		}
		auto kind = static_cast<int32_t>(rows.integer(row, 4));
		tally.add(rows.bytes(row, 2), rows.integer(row, 3),
				  finder.of(kind, rows.bytes(row, 5), rows.bytes(row, 6)));
		read.events++;
		pg::call([&] { MemoryContextReset(event); });
		if (row % 1000 == 0)
			pg::call([] { CHECK_FOR_INTERRUPTS(); });
	}
	MemoryContextSwitchTo(outer);
	return read;
}

template <class Row, class F>
Datum
texts(const std::vector<Row> &rows, F at)
{
	return pg::text_array(rows.size(), [&](size_t i) { return std::string_view(at(rows[i])); })
		.datum;
}

/* Three columns (count, first, last) of a list whose rows have a `tally`. */
template <class Row>
void
put_tallies(const std::vector<Row> &rows, Datum *values)
{
	auto column = [&](int64_t Tally::*member) {
		return pg::int8_array(rows.size(), [&](size_t i) { return rows[i].tally.*member; }).datum;
	};
	values[0] = column(&Tally::count);
	values[1] = column(&Tally::first);
	values[2] = column(&Tally::last);
}

void
put_places(const MentionTally &seen, Datum *values)
{
	struct Row
	{
		std::string_view url;
		nostr::Network network;
		nostr::MentionPlace place;
		Tally tally;
	};
	std::vector<Row> rows;
	for (const auto &[url, relay] : seen.relays())
		for (size_t i = 0; i < relay.places.size(); i++)
			if (relay.places[i].count > 0)
				rows.push_back({url, relay.network, nostr::MentionPlace(i), relay.places[i]});
	values[0] = texts(rows, [](const Row &row) { return row.url; });
	values[1] = texts(rows, [](const Row &row) { return nostr::network_name(row.network); });
	values[2] = texts(rows, [](const Row &row) { return nostr::mention_place_name(row.place); });
	put_tallies(rows, values + 3);
}

void
put_authors(const MentionTally &seen, Datum *values)
{
	struct Row
	{
		std::string_view url, author;
	};
	std::vector<Row> rows;
	for (const auto &[author, relays] : seen.authors())
		for (const auto *relay : relays)
			rows.push_back({relay->first, author});
	values[0] = texts(rows, [](const Row &row) { return row.url; });
	values[1] = pg::bytea_array(rows.size(), [&](size_t i) { return rows[i].author; }).datum;
}

void
put_refused(const MentionTally &seen, Datum *values)
{
	struct Row
	{
		std::string_view reason;
		std::string name;
		Tally tally;
	};
	std::vector<Row> rows;
	for (const auto &[key, tally] : seen.refused())
		rows.push_back({key.first, storable(key.second), tally});
	values[0] = texts(rows, [](const Row &row) { return row.reason; });
	values[1] = texts(rows, [](const Row &row) { return std::string_view(row.name); });
	put_tallies(rows, values + 2);
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

SQL_FUNCTION(bigbrotr_read_mentions)
{
	TupleDesc shape = archive::result_row(fcinfo);
	Datum values[16] = {};
	bool nulls[16] = {};
	pg::boundary([&] {
		MentionTally seen(pg::settings::allow_local_relays);
		pg::Value eids{.datum = PG_GETARG_DATUM(0), .type = INT8MULTIRANGEOID};
		pg::call([] { SPI_connect(); });
		EventsRead read = read_events(eids, PG_GETARG_INT32(1), seen);
		pg::call([] { SPI_finish(); });
		values[0] = pg::int8_array(read.left.size(), [&](size_t i) { return read.left[i]; }).datum;
		values[1] = Int64GetDatum(read.events);
		values[2] = Int64GetDatum(seen.mentions());
		put_places(seen, values + 3);
		put_authors(seen, values + 9);
		put_refused(seen, values + 11);
	});
	return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
}
