/*
 * text and bytea datums as views, and back. For use between C++ and PostgreSQL: errors are thrown
 * as pg::Error.
 */
#pragma once

#include <array>
#include <string_view>

#include "pg/border/error.h"

extern "C" {
#include "utils/builtins.h"
}

namespace archive {

/* Of a text or bytea that is not compressed or stored apart. */
inline std::string_view
view(const varlena *value)
{
	return {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

/* Of text or bytea; lives as long as the memory context of the call. */
inline std::string_view
varlena_view(Datum datum)
{
	return pg::call([&] { return view(DatumGetTextPP(datum)); });
}

/* text or bytea. */
inline Datum
varlena_datum(std::string_view bytes)
{
	return pg::call([&] {
		return PointerGetDatum(
			cstring_to_text_with_len(bytes.data(), static_cast<int>(bytes.size())));
	});
}

template <size_t N>
Datum
varlena_datum(const std::array<uint8_t, N> &bytes)
{
	return varlena_datum(std::string_view(reinterpret_cast<const char *>(bytes.data()), N));
}

/* The row type that the function returns. May raise: not inside pg::boundary. */
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
