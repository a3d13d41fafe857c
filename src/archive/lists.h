/* Limits the length of lists that are given to functions. */
#pragma once

#include "pg/border/compat.h"

extern "C" {
#include "utils/array.h"
}

namespace archive {

/* The same limit as in _bigbrotr.check_elements(). An element takes about 200 bytes of memory. */
constexpr int kMostElements = 100000;

/* Returns the number of elements of `array`, or of groups of `each` elements. Raises an error if
 * there are too many. `name` returns a C string for the error, such as "argument 1 of
 * bigbrotr.known_events". */
template <class Name>
int
count_elements(ArrayType *array, Name &&name, int each = 1)
{
	int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) / each;
	if (count > kMostElements)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s has %d elements", name(), count),
						errdetail("A list may have %d elements.", kMostElements),
						errhint("Call the function several times, each time with a part of the "
								"list.")));
	return count;
}

} // namespace archive
