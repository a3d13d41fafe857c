/*
 * _bigbrotr.insert_verified_events, insert_sightings, known_events, hold_events and take_events:
 * the functions of insert.h and event_lock.h for SQL.
 */
#include "block_list.h"
#include "bytes.h"
#include "event_lock.h"
#include "insert.h"
#include "lists.h"
#include "pg/border/spi.h"

namespace {

/* The elements of an argument that is an array. */
class ArrayArgument
{
  public:
	ArrayArgument(FunctionCallInfo fcinfo, int argument, Oid type, bool nullable = false)
	{
		ArrayType *array = pg::call([&] { return PG_GETARG_ARRAYTYPE_P(argument); });
		auto name = [&] {
			Oid id = fcinfo->flinfo->fn_oid;
			return psprintf("argument %d of %s.%s", argument + 1,
							get_namespace_name(get_func_namespace(id)), get_func_name(id));
		};
		count_ = pg::call([&] { return archive::count_elements(array, name); });
		pg::call([&] {
			int16 length;
			bool by_value;
			char alignment;
			get_typlenbyvalalign(type, &length, &by_value, &alignment);
			deconstruct_array(array, type, length, by_value, alignment, &values_, &nulls_, &count_);
		});
		for (int i = 0; i < count_ && !nullable; i++)
			if (nulls_[i])
				throw pg::Error(ERRCODE_NULL_VALUE_NOT_ALLOWED,
								pg::call(name) + std::string(" has a null as element ") +
									std::to_string(i + 1),
								"Only raws of _bigbrotr.insert_verified_events may hold nulls.",
								"Nothing of the batch was stored.");
	}

	int64_t bigint(int i) const { return DatumGetInt64(values_[i]); }
	int32_t integer(int i) const { return DatumGetInt32(values_[i]); }
	std::string_view bytes(int i) const // empty for null
	{
		if (nulls_[i])
			return {};
		return archive::view(reinterpret_cast<const varlena *>(DatumGetPointer(values_[i])));
	}
	bool is_null(int i) const { return nulls_[i]; }
	int count() const { return count_; }

  private:
	Datum *values_;
	bool *nulls_;
	int count_;
};

/* The number of elements, which must be equal for all arrays. */
int
common_count(std::initializer_list<const ArrayArgument *> arrays)
{
	for (const ArrayArgument *array : arrays)
		if (array->count() != (*arrays.begin())->count())
			throw pg::Error(
				ERRCODE_ARRAY_SUBSCRIPT_ERROR, "the arrays differ in length",
				"Their n-th elements belong together.",
				"All arrays about events have one length, and all arrays about sightings.");
	return (*arrays.begin())->count();
}

std::string_view
event_id(const ArrayArgument &ids, int i, const char *hint)
{
	std::string_view id = ids.bytes(i);
	if (id.size() != sizeof(nostr::Id))
		throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE,
						"element " + std::to_string(i + 1) + " of event_ids has " +
							std::to_string(id.size()) + (id.size() == 1 ? " byte" : " bytes"),
						"An event id has 32 bytes.", hint);
	return id;
}

/* The ids in the first argument, an array. A null becomes an empty id, which no event has. */
std::vector<std::string_view>
read_ids(FunctionCallInfo fcinfo)
{
	ArrayArgument ids(fcinfo, 0, BYTEAOID, true);
	std::vector<std::string_view> views;
	views.reserve(static_cast<size_t>(ids.count()));
	for (int i = 0; i < ids.count(); i++)
		views.push_back(ids.is_null(i) ? std::string_view{}
									   : event_id(ids, i,
												  "bigbrotr.event_id(text) reads ids as "
												  "they are written: hex, note1…, nevent1…"));
	return views;
}

std::vector<archive::VerifiedEvent>
read_events(FunctionCallInfo fcinfo)
{
	ArrayArgument ids(fcinfo, 0, BYTEAOID), pubkeys(fcinfo, 1, BYTEAOID),
		created_ats(fcinfo, 2, INT8OID), kinds(fcinfo, 3, INT4OID), tags(fcinfo, 4, TEXTOID),
		contents(fcinfo, 5, TEXTOID), sigs(fcinfo, 6, BYTEAOID), raws(fcinfo, 7, BYTEAOID, true);
	int count =
		common_count({&ids, &pubkeys, &created_ats, &kinds, &tags, &contents, &sigs, &raws});
	std::vector<archive::VerifiedEvent> events;
	events.reserve(static_cast<size_t>(count));
	for (int i = 0; i < count; i++) {
		std::string_view id = event_id(ids, i, "Nothing of the batch was stored.");
		events.push_back({id, pubkeys.bytes(i), sigs.bytes(i), created_ats.bigint(i),
						  kinds.integer(i), tags.bytes(i), contents.bytes(i), false,
						  raws.bytes(i)});
	}
	return events;
}

/* The sightings in three arguments from `first` on: ids, relays, times. */
std::vector<archive::NewSighting>
read_sightings(FunctionCallInfo fcinfo, int first)
{
	ArrayArgument ids(fcinfo, first, BYTEAOID), relays(fcinfo, first + 1, INT4OID),
		seen_ats(fcinfo, first + 2, INT8OID);
	int count = common_count({&ids, &relays, &seen_ats});
	std::vector<archive::NewSighting> sightings;
	sightings.reserve(static_cast<size_t>(count));
	for (int i = 0; i < count; i++)
		sightings.push_back({ids.bytes(i), relays.integer(i), seen_ats.bigint(i)});
	return sightings;
}

int64_t
sum(const std::vector<archive::RelaySightings> &sightings)
{
	int64_t sum = 0;
	for (const archive::RelaySightings &s : sightings)
		sum += s.count;
	return sum;
}

Datum
boolean_array(const std::vector<uint8_t> &values)
{
	return pg::bool_array(values.size(), [&](size_t i) { return values[i] != 0; }).datum;
}

Datum
id_array(const archive::IdSet &ids)
{
	auto id = ids.begin();
	return pg::bytea_array(ids.size(), [&](size_t) { return *id++; }).datum;
}

/* An array of the eids, with NULL instead of 0. */
Datum
eid_array(const std::vector<int64_t> &eids)
{
	auto eid = [&](size_t i) { return eids[i] == 0 ? std::nullopt : std::optional(eids[i]); };
	return pg::int8_array(eids.size(), eid).datum;
}

/* Runs `body` with SPI connected and returns its result. */
template <class F>
auto
with_spi(F body) -> decltype(body())
{
	pg::call([] { SPI_connect(); });
	auto result = body();
	pg::call([] { SPI_finish(); });
	return result;
}

} // namespace

SQL_FUNCTION(bigbrotr_insert_verified_events)
{
	TupleDesc shape = archive::result_row(fcinfo);
	Datum values[4] = {};
	bool nulls[4] = {};
	pg::boundary([&] {
		std::vector<archive::VerifiedEvent> events = read_events(fcinfo);
		std::vector<archive::NewSighting> sightings = read_sightings(fcinfo, 8);
		// The schema 0.1.0 has no such argument.
		const bool screened = PG_NARGS() > 12 && PG_GETARG_BOOL(12);
		archive::Inserted inserted = with_spi([&] {
			archive::Inserted result = archive::insert_verified_events(
				events, sightings, PG_GETARG_INT64(11), archive::RelayLocks::Unknown,
				screened ? archive::Screening::Done : archive::Screening::Needed);
			archive::note_missing(result.blocked);
			return result;
		});
		values[0] = Int64GetDatum(static_cast<int64_t>(inserted.events.size()));
		values[1] = Int64GetDatum(sum(inserted.sightings));
		values[2] = Int64GetDatum(static_cast<int64_t>(inserted.rejected.size()));
		values[3] = id_array(inserted.missing);
	});
	return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
}

SQL_FUNCTION(bigbrotr_insert_sightings)
{
	TupleDesc shape = archive::result_row(fcinfo);
	Datum values[2] = {};
	bool nulls[2] = {};
	pg::boundary([&] {
		std::vector<archive::NewSighting> sightings = read_sightings(fcinfo, 0);
		archive::Recorded recorded = with_spi([&] { return archive::insert_sightings(sightings); });
		values[0] = boolean_array(recorded.known);
		values[1] = Int64GetDatum(sum(recorded.sightings));
	});
	return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
}

SQL_FUNCTION(bigbrotr_known_events)
{
	return pg::boundary([&] {
		std::vector<std::string_view> ids = read_ids(fcinfo);
		return boolean_array(with_spi([&] { return archive::known_events(ids); }));
	});
}

SQL_FUNCTION(bigbrotr_hold_events)
{
	return pg::boundary([&] {
		std::vector<std::string_view> ids = read_ids(fcinfo);
		return eid_array(with_spi([&] { return archive::hold_events(ids); }));
	});
}

SQL_FUNCTION(bigbrotr_take_events)
{
	return pg::boundary([&] {
		std::vector<std::string_view> ids = read_ids(fcinfo);
		return eid_array(with_spi([&] { return archive::take_events(ids); }));
	});
}
