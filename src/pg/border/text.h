/* Values of text and bytea: both are a varlena of bytes. */
#pragma once

#include <string_view>

#include "pg/border/compat.h"

extern "C" {
#include "utils/builtins.h"
}

namespace pg {

/* The bytes of a value that is neither compressed nor stored out of line. */
inline std::string_view
view(const varlena *value)
{
	return {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

/* A palloc'd value. May raise an ERROR. */
inline Datum
text_datum(std::string_view bytes)
{
	return PointerGetDatum(cstring_to_text_with_len(bytes.data(), static_cast<int>(bytes.size())));
}

} // namespace pg
