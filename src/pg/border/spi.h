/*
 * Prepared statements. To be used inside Worker::transaction(), or wherever SPI is connected.
 * Values and rows live until SPI_finish.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pg/border/error.h"
#include "pg/border/text.h"

extern "C" {
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
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
Value make_array(Datum *elements, bool *nulls, size_t count, Oid element, Oid array);

inline Datum
datum(bool v)
{
	return BoolGetDatum(v);
}
inline Datum
datum(int32_t v)
{
	return Int32GetDatum(v);
}
inline Datum
datum(int64_t v)
{
	return Int64GetDatum(v);
}
inline Datum
datum(std::string_view v)
{
	return text_datum(v);
}

/* Makes arrays of T. The members are the types of the element and of the array. */
template <class T> struct Array
{
	Oid element, array;

	template <class F> Value operator()(size_t count, F at) const
	{
		return call([&] {
			auto *elements = static_cast<Datum *>(palloc(count * sizeof(Datum) + 1));
			auto *nulls = static_cast<bool *>(palloc(count + 1));
			for (size_t i = 0; i < count; i++) {
				std::optional<T> value = at(i);
				nulls[i] = !value;
				elements[i] = value ? datum(*value) : 0;
			}
			return make_array(elements, nulls, count, element, array);
		});
	}
};
} // namespace detail

/* Functions (count, at): return an array of `count` elements. at(i) gives the i-th element; an
 * empty optional means NULL. */
inline constexpr detail::Array<bool> bool_array{.element = BOOLOID, .array = BOOLARRAYOID};
inline constexpr detail::Array<int32_t> int4_array{.element = INT4OID, .array = INT4ARRAYOID};
inline constexpr detail::Array<int64_t> int8_array{.element = INT8OID, .array = INT8ARRAYOID};
inline constexpr detail::Array<std::string_view> text_array{.element = TEXTOID,
															.array = TEXTARRAYOID};
inline constexpr detail::Array<std::string_view> bytea_array{.element = BYTEAOID,
															 .array = BYTEAARRAYOID};

/* The rows that a statement returned. Columns count from 1, as everywhere in SPI. */
class Rows
{
  public:
	Rows(SPITupleTable *table, uint64_t count) : table_(table), count_(count) {}
	uint64_t count() const { return count_; }
	bool null(uint64_t row, int column) const;
	/* The value of a boolean, integer or bigint column. */
	int64_t integer(uint64_t row, int column) const;
	/* The bytes of a text or bytea column. */
	std::string_view bytes(uint64_t row, int column) const;
	/* The elements of an array column without nulls: boolean[], bigint[] or bytea[]. */
	std::vector<uint8_t> booleans(uint64_t row, int column) const;
	std::vector<int64_t> bigints(uint64_t row, int column) const;
	std::vector<std::string_view> byteas(uint64_t row, int column) const;

  private:
	Datum datum(uint64_t row, int column, bool &null) const;
	SPITupleTable *table_;
	uint64_t count_;
};

/* One statement, prepared at its first run and kept for the session. It must be a static object. */
class Statement
{
  public:
	constexpr explicit Statement(const char *sql) : sql_(sql) {}
	Statement(const Statement &) = delete;
	/* `parameters`: $1, $2, … with the same types in every run. */
	Rows run(std::initializer_list<Value> parameters = {});

  private:
	[[noreturn]] void fail(const char *what, int code) const;

	const char *sql_;
	SPIPlanPtr plan_ = nullptr;
};

} // namespace pg
