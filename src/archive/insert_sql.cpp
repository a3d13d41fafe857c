/*
 * bigbrotr.insert_events(…), insert_sightings(…) and known_events(…): those of archive for SQL.
 */
#include "bytes.h"
#include "insert.h"
#include "pg/border/spi.h"

extern "C" {
#include "funcapi.h"
#include "utils/lsyscache.h"

PGDLLEXPORT Datum bigbrotr_insert_events(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_insert_sightings(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_known_events(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(bigbrotr_insert_events);
PG_FUNCTION_INFO_V1(bigbrotr_insert_sightings);
PG_FUNCTION_INFO_V1(bigbrotr_known_events);
}

namespace {

/* The elements of an array argument. */
class Elements
{
  public:
	Elements(FunctionCallInfo fcinfo, int argument, Oid type, bool nullable = false)
	{
		pg::call([&] {
			int16 length;
			bool by_value;
			char alignment;
			get_typlenbyvalalign(type, &length, &by_value, &alignment);
			deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), type, length, by_value, alignment,
							  &values_, &nulls_, &count_);
		});
		for (int i = 0; i < count_ && !nullable; i++)
			if (nulls_[i])
				throw pg::Error(ERRCODE_NULL_VALUE_NOT_ALLOWED,
								"argument " + std::to_string(argument + 1) + " of bigbrotr." +
									get_func_name(fcinfo->flinfo->fn_oid) +
									" has a null as element " + std::to_string(i + 1),
								"Only raws of bigbrotr.insert_events may hold nulls.",
								"Nothing of the batch was stored.");
	}

	int64_t bigint(int i) const { return DatumGetInt64(values_[i]); }
	int32_t integer(int i) const { return DatumGetInt32(values_[i]); }
	std::string_view bytes(int i) const // null: empty
	{
		if (nulls_[i])
			return {};
		return archive::view(reinterpret_cast<const varlena *>(DatumGetPointer(values_[i])));
	}
	int count() const { return count_; }

  private:
	Datum *values_;
	bool *nulls_;
	int count_;
};

/* How many elements each of them has. */
int
common_count(std::initializer_list<const Elements *> arrays)
{
	for (const Elements *array : arrays)
		if (array->count() != (*arrays.begin())->count())
			throw pg::Error(ERRCODE_ARRAY_SUBSCRIPT_ERROR, "the arrays differ in length",
							"Their n-th elements belong together.",
							"The first eight are about events, the next three about sightings.");
	return (*arrays.begin())->count();
}

std::vector<archive::Event>
read_events(FunctionCallInfo fcinfo)
{
	Elements ids(fcinfo, 0, BYTEAOID), pubkeys(fcinfo, 1, BYTEAOID),
		created_ats(fcinfo, 2, INT8OID), kinds(fcinfo, 3, INT4OID), tags(fcinfo, 4, TEXTOID),
		contents(fcinfo, 5, TEXTOID), sigs(fcinfo, 6, BYTEAOID), raws(fcinfo, 7, BYTEAOID, true);
	int count =
		common_count({&ids, &pubkeys, &created_ats, &kinds, &tags, &contents, &sigs, &raws});
	std::vector<archive::Event> events;
	events.reserve(static_cast<size_t>(count));
	for (int i = 0; i < count; i++) {
		if (ids.bytes(i).size() != sizeof(nostr::Id))
			throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE,
							"element " + std::to_string(i + 1) + " of event_ids has " +
								std::to_string(ids.bytes(i).size()) + " bytes",
							"An id has 32 bytes.", "Nothing of the batch was stored.");
		events.push_back({ids.bytes(i), pubkeys.bytes(i), sigs.bytes(i), created_ats.bigint(i),
						  kinds.integer(i), tags.bytes(i), contents.bytes(i), false,
						  raws.bytes(i)});
	}
	return events;
}

/* From the arguments `first` and following: ids, relays, times. */
std::vector<archive::Sighting>
read_sightings(FunctionCallInfo fcinfo, int first)
{
	Elements ids(fcinfo, first, BYTEAOID), relays(fcinfo, first + 1, INT4OID),
		seen_ats(fcinfo, first + 2, INT8OID);
	int count = common_count({&ids, &relays, &seen_ats});
	std::vector<archive::Sighting> sightings;
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

/* Inside pg::call. */
Datum
boolean_array(const std::vector<uint8_t> &values)
{
	auto *elements = static_cast<Datum *>(palloc(values.size() * sizeof(Datum) + 1));
	for (size_t i = 0; i < values.size(); i++)
		elements[i] = BoolGetDatum(values[i]);
	return PointerGetDatum(
		construct_array(elements, static_cast<int>(values.size()), BOOLOID, 1, true, 'c'));
}

} // namespace

Datum
bigbrotr_insert_events(PG_FUNCTION_ARGS)
{
	TupleDesc shape = archive::result_row(fcinfo);
	Datum values[3] = {};
	bool nulls[3] = {};
	pg::boundary([&] {
		std::vector<archive::Event> events = read_events(fcinfo);
		std::vector<archive::Sighting> sightings = read_sightings(fcinfo, 8);
		pg::call([] { SPI_connect(); });
		archive::Inserted inserted = archive::insert_events(events, sightings, PG_GETARG_INT64(11));
		pg::call([] { SPI_finish(); });
		values[0] = Int64GetDatum(static_cast<int64_t>(inserted.events.size()));
		values[1] = Int64GetDatum(sum(inserted.sightings));
		values[2] = Int64GetDatum(inserted.rejected);
	});
	return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
}

Datum
bigbrotr_insert_sightings(PG_FUNCTION_ARGS)
{
	TupleDesc shape = archive::result_row(fcinfo);
	Datum values[2] = {};
	bool nulls[2] = {};
	pg::boundary([&] {
		std::vector<archive::Sighting> sightings = read_sightings(fcinfo, 0);
		pg::call([] { SPI_connect(); });
		archive::Recorded recorded = archive::insert_sightings(sightings);
		pg::call([] { SPI_finish(); });
		values[0] = pg::call([&] { return boolean_array(recorded.known); });
		values[1] = Int64GetDatum(sum(recorded.sightings));
	});
	return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls));
}

Datum
bigbrotr_known_events(PG_FUNCTION_ARGS)
{
	return pg::boundary([&] {
		Elements ids(fcinfo, 0, BYTEAOID, true); // null is no event's id, and neither is nothing
		std::vector<std::string_view> views;
		for (int i = 0; i < ids.count(); i++)
			views.push_back(ids.bytes(i));
		pg::call([] { SPI_connect(); });
		std::vector<uint8_t> known = archive::known_events(views);
		pg::call([] { SPI_finish(); });
		return pg::call([&] { return boolean_array(known); });
	});
}
