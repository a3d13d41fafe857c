#include "net/serve/routes.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include <jansson.h>
#include <openssl/evp.h>

#include "nostr/ascii.h"

namespace net {
namespace {

constexpr std::string_view kLimit = "row_limit", kAfter = "after"; // names of the function
constexpr std::string_view kBody = "body";
constexpr size_t kMaxValue = 8 << 10; // bytes of one parameter in the target
constexpr int kMaxDepth = 16;         // of JSON

/* The name that a client uses. */
std::string_view
public_name(std::string_view name)
{
	return name == kLimit ? "limit" : name == kAfter ? "cursor" : name;
}

std::string
base64_url(std::string_view bytes)
{
	std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
	out.resize(static_cast<size_t>(
		EVP_EncodeBlock(reinterpret_cast<unsigned char *>(out.data()),
						reinterpret_cast<const unsigned char *>(bytes.data()), int(bytes.size()))));
	while (out.ends_with('='))
		out.pop_back();
	std::ranges::replace(out, '+', '-');
	std::ranges::replace(out, '/', '_');
	return out;
}

std::optional<std::string>
base64_url_decode(std::string text)
{
	std::ranges::replace(text, '-', '+');
	std::ranges::replace(text, '_', '/');
	const size_t padding = (4 - text.size() % 4) % 4;
	text.append(padding, '=');
	std::string out(text.size() / 4 * 3 + 1, '\0');
	int size = EVP_DecodeBlock(reinterpret_cast<unsigned char *>(out.data()),
							   reinterpret_cast<const unsigned char *>(text.data()),
							   static_cast<int>(text.size()));
	if (size < 0 || padding > 2)
		return std::nullopt;
	out.resize(size_t(size) - padding);
	return out;
}

uint32_t
mix(uint32_t hash, std::string_view text)
{
	for (char c : text)
		hash = (hash ^ static_cast<uint8_t>(c)) * 16777619U;
	return (hash ^ 0xff) * 16777619U;
}

std::string
hex8(uint32_t value)
{
	char text[9];
	std::snprintf(text, sizeof text, "%08x", value);
	return text;
}

int
depth(const json_t *value)
{
	int deepest = 0;
	if (json_is_array(value)) {
		size_t i;
		const json_t *item;
		json_array_foreach(value, i, item) deepest = std::max(deepest, depth(item));
		return deepest + 1;
	}
	if (!json_is_object(value))
		return 0;
	const char *key;
	json_t *item;
	json_object_foreach(const_cast<json_t *>(value), key, item) deepest =
		std::max(deepest, depth(item));
	return deepest + 1;
}

/* Written anew, so that the server reads JSON of one spelling; "" if it is none. jansson itself
 * refuses more than 2048 levels, before depth() calls itself. */
std::string
same_json(std::string_view text)
{
	std::unique_ptr<json_t, decltype(&json_decref)> value(
		json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, nullptr),
		json_decref);
	if (!value || depth(value.get()) > kMaxDepth)
		return "";
	std::unique_ptr<char, decltype(&free)> out(
		json_dumps(value.get(), JSON_ENCODE_ANY | JSON_COMPACT), free);
	return out ? out.get() : "";
}

Problem
bad(std::string_view name, const std::string &what)
{
	return {.status = 400,
			.code = "bad_parameter",
			.detail = "The parameter \"" + std::string(name) + "\" " + what,
			.hint = "/openapi.json describes each parameter.",
			.allow = ""};
}

} // namespace

ApiRoute::ApiRoute(const wire::Route &route)
	: number(route.number), name(route.name), post(route.post), shape(route.shape),
	  content_type(route.content_type), cache_seconds(route.cache_seconds),
	  default_rows(route.default_rows), most_rows(route.most_rows)
{
	if (auto target = parse_target(route.path))
		segments_ = std::move(target->path);
	for (const wire::Parameter &parameter : route.parameters)
		parameters_.push_back({.name = std::string(parameter.name),
							   .kind = parameter.kind,
							   .required = parameter.required});
}

bool
ApiRoute::matches(const std::vector<std::string> &path,
				  std::vector<std::pair<std::string, std::string>> &values) const
{
	if (path.size() != segments_.size())
		return false;
	values.clear();
	for (size_t i = 0; i < path.size(); i++) {
		std::string_view segment = segments_[i];
		if (segment.starts_with('{') && segment.ends_with('}') && !path[i].empty())
			values.emplace_back(segment.substr(1, segment.size() - 2), path[i]);
		else if (segment != path[i])
			return false;
	}
	return true;
}

size_t
ApiRoute::names() const
{
	return size_t(std::ranges::count_if(segments_, [](auto &s) { return s.starts_with('{'); }));
}

std::optional<Problem>
ApiRoute::read_value(const Parameter &parameter, const std::string &text, std::string &value) const
{
	std::string_view shown = public_name(parameter.name);
	value = text;
	if (parameter.name == kLimit) {
		int32_t rows = 0;
		auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rows);
		if (error != std::errc() || end != text.data() + text.size() || rows < 1)
			return bad(shown, "is not a number from 1 on.");
		value = std::to_string(std::min(rows, most_rows));
		return std::nullopt;
	}
	if (text.size() > (parameter.name == kBody ? wire::kMaxArgument : kMaxValue))
		return bad(shown, "is too long.");
	switch (parameter.kind) {
	case wire::Kind::Text:
		break;
	case wire::Kind::Integer: {
		int64_t integer = 0;
		auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer);
		if (error != std::errc() || end != text.data() + text.size())
			return bad(shown, "is not an integer of 64 bits.");
		break;
	}
	case wire::Kind::Flag:
		if (text != "true" && text != "false")
			return bad(shown, "is neither true nor false.");
		break;
	case wire::Kind::Json:
		value = same_json(text);
		if (value.empty())
			return bad(shown, "is not JSON, or is nested deeper than 16 levels, or names a member "
							  "twice.");
		break;
	}
	return std::nullopt;
}

std::optional<Problem>
ApiRoute::read(const ClientRequest &request, const Target &target,
			   std::vector<std::pair<std::string, std::string>> values, Arguments &arguments,
			   uint32_t &fingerprint) const
{
	for (const auto &[key, value] : target.query) {
		/* "format" is the server's own (row_format.h). */
		if (key == "format" && shape == wire::Shape::List)
			continue;
		for (const auto &[other, ignored] : values)
			if (other == key)
				return bad(key, "is there twice.");
		values.emplace_back(key, value);
	}
	if (post)
		values.emplace_back(kBody, request.body);
	arguments.assign(parameters_.size(), std::nullopt);
	fingerprint = mix(2166136261U, name);
	std::optional<std::string> cursor_text;
	for (size_t i = 0; i < parameters_.size(); i++) {
		const Parameter &parameter = parameters_[i];
		auto found = std::ranges::find(values, public_name(parameter.name),
									   &decltype(values)::value_type::first);
		if (found == values.end()) {
			if (parameter.required)
				return bad(public_name(parameter.name), "is missing.");
			if (parameter.name == kLimit)
				arguments[i] = std::to_string(default_rows);
			if (parameter.name != kLimit && parameter.name != kAfter)
				fingerprint = mix(fingerprint, "");
			continue;
		}
		std::string text = std::exchange(found->second, {});
		values.erase(found);
		if (parameter.name == kAfter) {
			cursor_text = std::move(text);
			continue;
		}
		std::string value;
		if (auto problem = read_value(parameter, text, value))
			return problem;
		if (parameter.name != kLimit)
			fingerprint = mix(fingerprint, value);
		arguments[i] = std::move(value);
	}
	if (!values.empty())
		return bad(values.front().first, "is not one of this path.");
	if (!cursor_text)
		return std::nullopt;
	auto decoded = base64_url_decode(*cursor_text);
	if (!decoded || !decoded->starts_with(hex8(fingerprint)))
		return bad("cursor", "does not belong to this question.");
	auto after = std::ranges::find(parameters_, kAfter, &Parameter::name);
	std::string position = same_json(std::string_view(*decoded).substr(8));
	if (position.empty())
		return bad("cursor", "does not belong to this question.");
	arguments[size_t(after - parameters_.begin())] = std::move(position);
	return std::nullopt;
}

std::string
ApiRoute::cursor(std::string_view position, uint32_t fingerprint)
{
	return base64_url(hex8(fingerprint) + std::string(position));
}

std::optional<int32_t>
ApiRoute::row_limit(const Arguments &arguments) const
{
	for (size_t i = 0; i < parameters_.size(); i++)
		if (parameters_[i].name == kLimit && arguments[i])
			return std::stoi(*arguments[i]);
	return std::nullopt;
}

Arguments
ApiRoute::named(std::vector<std::pair<std::string, std::string>> values) const
{
	Arguments arguments;
	for (const Parameter &parameter : parameters_) {
		auto found =
			std::ranges::find(values, parameter.name, &decltype(values)::value_type::first);
		arguments.push_back(found == values.end() ? std::nullopt
												  : std::optional(std::move(found->second)));
	}
	return arguments;
}

void
RouteTable::take(const wire::Routes &routes)
{
	routes_.clear();
	for (const wire::Route &route : routes.routes)
		routes_.emplace_back(route);
	/* Of two that match, the one with fewer names in braces is meant. */
	std::ranges::stable_sort(routes_, {}, [](const ApiRoute &route) { return route.names(); });
}

const ApiRoute *
RouteTable::find(const ClientRequest &request, const Target &target,
				 std::vector<std::pair<std::string, std::string>> &values, Problem &problem) const
{
	std::string allow;
	for (const ApiRoute &route : routes_) {
		if (route.shape == wire::Shape::Hidden || !route.matches(target.path, values))
			continue;
		if (route.post ? request.method == "POST"
					   : request.method == "GET" || request.method == "HEAD")
			return &route;
		allow += (allow.empty() ? "" : ", ") + std::string(route.post ? "POST" : "GET, HEAD");
	}
	if (allow.empty())
		problem = {.status = 404,
				   .code = "no_such_path",
				   .detail = "Nothing is served at this path.",
				   .hint = "/openapi.json lists the paths.",
				   .allow = ""};
	else
		problem = {.status = 405,
				   .code = "method_not_allowed",
				   .detail = "This path does not know the method " + request.method + ".",
				   .hint = "",
				   .allow = allow + ", OPTIONS"};
	return nullptr;
}

const ApiRoute *
RouteTable::named(std::string_view name) const
{
	auto found = std::ranges::find(routes_, name, &ApiRoute::name);
	return found == routes_.end() ? nullptr : &*found;
}

} // namespace net
