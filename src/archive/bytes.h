/*
 * Conversion between text or bytea datums and views, for C++ code: errors are thrown as pg::Error.
 */
#pragma once

#include <array>
#include <string_view>

#include "pg/border/error.h"
#include "pg/border/text.h"

namespace archive {

using pg::text_datum;
using pg::view;

/* The bytes of a text or bytea, valid as long as the memory context of the call. */
inline std::string_view
varlena_view(Datum datum)
{
	return pg::call([&] { return view(DatumGetTextPP(datum)); });
}

/* A text or bytea datum. */
inline Datum
varlena_datum(std::string_view bytes)
{
	return pg::call([&] { return text_datum(bytes); });
}

template <size_t N>
Datum
varlena_datum(const std::array<uint8_t, N> &bytes)
{
	return varlena_datum(std::string_view(reinterpret_cast<const char *>(bytes.data()), N));
}

/* The row type that the function returns. May raise an ERROR, so it must not be called inside
 * pg::boundary. */
inline TupleDesc
result_row(FunctionCallInfo fcinfo)
{
	TupleDesc shape;
	if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return BlessTupleDesc(shape);
}

/* A row as a datum. */
inline Datum
row_datum(TupleDesc shape, Datum *values, bool *nulls)
{
	return pg::call([&] { return HeapTupleGetDatum(heap_form_tuple(shape, values, nulls)); });
}

} // namespace archive
