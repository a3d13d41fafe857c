/*
 * Prepared statements: values in, rows out. For use inside Worker::transaction(), or wherever SPI
 * is connected; what is built and returned here lives until SPI_finish.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pg/border/error.h"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
}

namespace pg {

/* A parameter with its type. Text must be valid UTF-8 without NUL. */
struct Value
{
	Datum datum;
	Oid type;
	bool null = false;
};

inline Value
value(bool v)
{
	return {BoolGetDatum(v), BOOLOID};
}
inline Value
value(int32_t v)
{
	return {Int32GetDatum(v), INT4OID};
}
inline Value
value(int64_t v)
{
	return {Int64GetDatum(v), INT8OID};
}
Value value(std::string_view text);
Value bytea(std::string_view bytes);
inline Value
null(Oid type)
{
	return {0, type, true};
}

namespace detail {
Datum varlena(std::string_view bytes);
Value make_array(Datum *elements, bool *nulls, size_t count, Oid element, Oid array);
} // namespace detail

/*
 * Arrays of `count` elements; at(i) gives the i-th. Of text and bytea it gives a string_view, or an
 * optional one where an element may be NULL.
 */
template <class F>
Value
int4_array(size_t count, F at)
{
	return call([&] {
		auto *elements = static_cast<Datum *>(palloc(count * sizeof(Datum) + 1));
		for (size_t i = 0; i < count; i++)
			elements[i] = Int32GetDatum(at(i));
		return detail::make_array(elements, nullptr, count, INT4OID, INT4ARRAYOID);
	});
}

template <class F>
Value
int8_array(size_t count, F at)
{
	return call([&] {
		auto *elements = static_cast<Datum *>(palloc(count * sizeof(Datum) + 1));
		for (size_t i = 0; i < count; i++)
			elements[i] = Int64GetDatum(at(i));
		return detail::make_array(elements, nullptr, count, INT8OID, INT8ARRAYOID);
	});
}

namespace detail {
template <class F>
Value
varlena_array(size_t count, F at, Oid element, Oid array)
{
	return call([&] {
		auto *elements = static_cast<Datum *>(palloc(count * sizeof(Datum) + 1));
		auto *nulls = static_cast<bool *>(palloc(count + 1));
		for (size_t i = 0; i < count; i++) {
			std::optional<std::string_view> bytes = at(i);
			nulls[i] = !bytes;
			elements[i] = bytes ? varlena(*bytes) : 0;
		}
		return make_array(elements, nulls, count, element, array);
	});
}
} // namespace detail

template <class F>
Value
text_array(size_t count, F at)
{
	return detail::varlena_array(count, at, TEXTOID, TEXTARRAYOID);
}

template <class F>
Value
bytea_array(size_t count, F at)
{
	return detail::varlena_array(count, at, BYTEAOID, BYTEAARRAYOID);
}

/* The rows a statement returned. Columns count from 1, as everywhere in SPI. */
class Rows
{
  public:
	Rows(SPITupleTable *table, uint64_t count) : table_(table), count_(count) {}
	uint64_t count() const { return count_; }
	bool null(uint64_t row, int column) const;
	/* Of boolean, integer or bigint. */
	int64_t integer(uint64_t row, int column) const;
	/* Of text or bytea. */
	std::string_view bytes(uint64_t row, int column) const;
	/* Of an array without nulls: boolean[], bigint[] or bytea[]. */
	std::vector<uint8_t> booleans(uint64_t row, int column) const;
	std::vector<int64_t> bigints(uint64_t row, int column) const;
	std::vector<std::string_view> byteas(uint64_t row, int column) const;

  private:
	Datum datum(uint64_t row, int column, bool &null) const;
	SPITupleTable *table_;
	uint64_t count_;
};

/* One statement, prepared at its first run and kept for the session: make it static. */
class Statement
{
  public:
	constexpr explicit Statement(const char *sql) : sql_(sql) {}
	Statement(const Statement &) = delete;
	/* Parameters $1, $2, …; the same types at every run. */
	Rows run(std::initializer_list<Value> parameters = {});

  private:
	const char *sql_;
	SPIPlanPtr plan_ = nullptr;
};

} // namespace pg
