/*
 * Any bytes as a list of relays, and as JSON of strangers. The first line is the path to the names.
 * What was JSON before it was prepared is JSON afterwards; all that is read is bounded.
 */
#include <cstring>

#include <jansson.h>
#include <simdjson.h>

#include "net/job/json_text.h"
#include "net/job/relay_list.h"
#include "require.h"
#include "wire/fetch.h"

static json_t *
parse(std::string_view text)
{
	return json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, nullptr);
}

/* No text in them has U+0000. */
static size_t
count_values(const json_t *value)
{
	if (json_is_string(value))
		require(!memchr(json_string_value(value), 0, json_string_length(value)));
	size_t count = 1, i;
	const char *key;
	json_t *item;
	if (json_is_array(value))
		json_array_foreach(value, i, item) count += count_values(item);
	if (json_is_object(value))
		json_object_foreach(const_cast<json_t *>(value), key, item) count += count_values(item);
	return count;
}

static void
check_json(std::string_view text)
{
	const net::JsonText prepared = net::prepare_json(text);
	if (prepared.reason)
		return;
	json_t *before = parse(text), *after = parse(prepared.text);
	require(!before || after);
	if (after)
		require(net::prepare_json(prepared.text).text == prepared.text &&
				count_values(after) <= prepared.values);
	json_decref(before);
	json_decref(after);
}

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	constexpr size_t most = 5;
	std::string_view input(reinterpret_cast<const char *>(data), size);
	const size_t end = std::min(input.find('\n'), input.size());
	const std::string_view path = input.substr(0, end),
						   text = input.substr(std::min(end + 1, size));
	const net::RelayList list = net::read_relay_list(text, path, most);
	require(list.names.size() <= most && (list.reason != nullptr) == !list.detail.empty());
	require(!list.reason || (list.names.empty() && !list.cut));
	for (const std::string &name : list.names)
		require(name.size() <= wire::kMaxListName && simdjson::validate_utf8(name) &&
				name.find('\0') == name.npos);
	check_json(text);
	return 0;
}
