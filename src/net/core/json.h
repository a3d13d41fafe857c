/* The owner of a JSON document. */
#pragma once

#include <memory>

#include <jansson.h>

namespace net {

struct JsonRelease
{
	void operator()(json_t *value) const { json_decref(value); }
};
using Json = std::unique_ptr<json_t, JsonRelease>;

} // namespace net
