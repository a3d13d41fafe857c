#include "pg/border/spi.h"

extern "C" {
#include "utils/lsyscache.h"
}

namespace pg {

namespace detail {

/* Text and bytea have the same shape. May raise: only inside pg::call. */
Datum
varlena(std::string_view bytes)
{
	return PointerGetDatum(cstring_to_text_with_len(bytes.data(), static_cast<int>(bytes.size())));
}

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
	return {call([&] { return detail::varlena(text); }), TEXTOID};
}

Value
bytea(std::string_view bytes)
{
	return {call([&] { return detail::varlena(bytes); }), BYTEAOID};
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
	return call([&] {
		const text *t = DatumGetTextPP(d);
		return std::string_view(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
	});
}

namespace {

struct Elements
{
	Datum *values;
	int count;
};

/* The elements of an array without nulls. */
Elements
elements_of(Datum array, Oid type)
{
	return call([&] {
		int16 length;
		bool by_value;
		char alignment;
		Elements e;
		get_typlenbyvalalign(type, &length, &by_value, &alignment);
		deconstruct_array(DatumGetArrayTypeP(array), type, length, by_value, alignment, &e.values,
						  nullptr, &e.count);
		return e;
	});
}

} // namespace

std::vector<uint8_t>
Rows::booleans(uint64_t row, int column) const
{
	bool null;
	Elements e = elements_of(datum(row, column, null), BOOLOID);
	std::vector<uint8_t> out(static_cast<size_t>(e.count));
	for (size_t i = 0; i < out.size(); i++)
		out[i] = DatumGetBool(e.values[i]);
	return out;
}

std::vector<int64_t>
Rows::bigints(uint64_t row, int column) const
{
	bool null;
	Elements e = elements_of(datum(row, column, null), INT8OID);
	std::vector<int64_t> out(static_cast<size_t>(e.count));
	for (size_t i = 0; i < out.size(); i++)
		out[i] = DatumGetInt64(e.values[i]);
	return out;
}

std::vector<std::string_view>
Rows::byteas(uint64_t row, int column) const
{
	bool null;
	Elements e = elements_of(datum(row, column, null), BYTEAOID);
	std::vector<std::string_view> out;
	out.reserve(static_cast<size_t>(e.count));
	for (int i = 0; i < e.count; i++) {
		const auto *t = reinterpret_cast<const text *>(DatumGetPointer(e.values[i]));
		out.emplace_back(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
	}
	return out;
}

Rows
Statement::run(std::initializer_list<Value> parameters)
{
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
			SPIPlanPtr plan = SPI_prepare(sql_, count, types);
			if (plan)
				SPI_keepplan(plan);
			return plan;
		});
		if (!plan_)
			throw Error(ERRCODE_INTERNAL_ERROR, std::string("could not prepare \"") + sql_ +
													"\": " + SPI_result_code_string(SPI_result));
	}
	int result = call([&] { return SPI_execute_plan(plan_, values, nulls, false, 0); });
	if (result < 0)
		throw Error(ERRCODE_INTERNAL_ERROR, std::string("could not run \"") + sql_ +
												"\": " + SPI_result_code_string(result));
	return {SPI_tuptable, SPI_tuptable ? SPI_processed : 0};
}

} // namespace pg
