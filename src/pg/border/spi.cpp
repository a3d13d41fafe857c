#include "pg/border/spi.h"

#include <algorithm>

#include "pg/border/catalog.h"

extern "C" {
#include "access/xact.h"
}

namespace pg {

namespace detail {

/* Must be called inside pg::call. */
Value
make_array(Datum *elements, bool *nulls, size_t count, Oid element, Oid array)
{
	int16 length;
	bool by_value;
	char alignment;
	get_typlenbyvalalign(element, &length, &by_value, &alignment);
	int size = static_cast<int>(count), lower = 1;
	ArrayType *result = count == 0 ? construct_empty_array(element)
								   : construct_md_array(elements, nulls, 1, &size, &lower, element,
														length, by_value, alignment);
	return {PointerGetDatum(result), array};
}

} // namespace detail

Value
value(std::string_view text)
{
	return {call([&] { return text_datum(text); }), TEXTOID};
}

Value
bytea(std::string_view bytes)
{
	return {call([&] { return text_datum(bytes); }), BYTEAOID};
}

Datum
Rows::datum(uint64_t row, int column, bool &null) const
{
	return call([&] { return SPI_getbinval(table_->vals[row], table_->tupdesc, column, &null); });
}

bool
Rows::null(uint64_t row, int column) const
{
	bool null;
	datum(row, column, null);
	return null;
}

int64_t
Rows::integer(uint64_t row, int column) const
{
	bool null;
	Datum d = datum(row, column, null);
	switch (SPI_gettypeid(table_->tupdesc, column)) {
	case BOOLOID:
		return DatumGetBool(d);
	case INT4OID:
		return DatumGetInt32(d);
	default:
		return DatumGetInt64(d);
	}
}

std::string_view
Rows::bytes(uint64_t row, int column) const
{
	bool null;
	Datum d = datum(row, column, null);
	if (null)
		return {};
	return call([&] { return view(DatumGetTextPP(d)); });
}

/* Calls value(element) for each element of an array without nulls. */
template <class T, class F>
static std::vector<T>
elements_of(Datum array, Oid type, F value)
{
	Datum *elements;
	int count;
	call([&] {
		int16 length;
		bool by_value;
		char alignment;
		get_typlenbyvalalign(type, &length, &by_value, &alignment);
		deconstruct_array(DatumGetArrayTypeP(array), type, length, by_value, alignment, &elements,
						  nullptr, &count);
	});
	std::vector<T> out(static_cast<size_t>(count));
	std::transform(elements, elements + count, out.begin(), value);
	return out;
}

std::vector<uint8_t>
Rows::booleans(uint64_t row, int column) const
{
	bool null;
	return elements_of<uint8_t>(datum(row, column, null), BOOLOID,
								[](Datum d) { return DatumGetBool(d); });
}

std::vector<int64_t>
Rows::bigints(uint64_t row, int column) const
{
	bool null;
	return elements_of<int64_t>(datum(row, column, null), INT8OID,
								[](Datum d) { return DatumGetInt64(d); });
}

std::vector<std::string_view>
Rows::byteas(uint64_t row, int column) const
{
	bool null;
	return elements_of<std::string_view>(datum(row, column, null), BYTEAOID, [](Datum d) {
		return view(reinterpret_cast<const varlena *>(DatumGetPointer(d)));
	});
}

void
Statement::fail(const char *what, int code) const
{
	throw Error(ERRCODE_INTERNAL_ERROR, std::string("could not ") + what + " \"" + sql_ +
											"\": " + SPI_result_code_string(code));
}

Rows
Statement::run(std::initializer_list<Value> parameters)
{
	Assert(IsTransactionState());
	Datum values[16];
	char nulls[16];
	Oid types[16];
	int count = 0;
	if (parameters.size() > 16)
		throw Error(ERRCODE_INTERNAL_ERROR, "too many parameters");
	for (const Value &p : parameters) {
		values[count] = p.datum;
		nulls[count] = p.null ? 'n' : ' ';
		types[count++] = p.type;
	}
	if (!plan_) {
		plan_ = call([&] {
			require_schema();
			SPIPlanPtr plan = SPI_prepare(sql_, count, types);
			if (plan)
				SPI_keepplan(plan);
			return plan;
		});
		if (!plan_)
			fail("prepare", SPI_result);
	}
	int result = call([&] { return SPI_execute_plan(plan_, values, nulls, false, 0); });
	if (result < 0)
		fail("run", result);
	return {SPI_tuptable, SPI_tuptable ? SPI_processed : 0};
}

} // namespace pg
