/* How long a list may be that is given to a function. */
#pragma once

#include "pg/border/compat.h"

extern "C" {
#include "utils/array.h"
}

namespace archive {

/* The limit of _bigbrotr.check_elements(), too. An element costs some 200 bytes of memory. */
constexpr int kMostElements = 100000;

/* The number of elements of `array`, each of which may be `each` neighbours. Raises an error if
 * there are too many. `name`, called only then: a C string that says which list it is, such as
 * "argument 1 of bigbrotr.known_events". */
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
