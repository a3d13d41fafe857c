#include "net/serve/routes.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include <simdjson.h>

#include "net/core/json.h"
#include "net/serve/text.h"
#include "nostr/base64.h"

namespace net {
namespace {

constexpr std::string_view kLimit = "row_limit", kAfter = "after"; // names of the function
constexpr std::string_view kBody = "body";
constexpr std::string_view kFormat = "format"; // a parameter of the server (row_format.h)
constexpr size_t kMaxValue = 8 << 10;          // size limit of one parameter, bytes
constexpr int kMaxDepth = 16;                  // nesting limit of JSON

/* The name of a parameter as clients see it. */
std::string_view
public_name(std::string_view name)
{
	return name == kLimit ? "limit" : name == kAfter ? "cursor" : name;
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

/* The JSON in one canonical spelling; "" if it is not JSON or nested too deeply. jansson refuses
 * more than 2048 levels, which bounds the recursion of depth(). */
std::string
same_json(std::string_view text)
{
	Json value(
		json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, nullptr));
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
			.hint = "/openapi.json describes each parameter."};
}

} // namespace

ApiRoute::ApiRoute(const wire::Route &route)
	: number(route.number), name(route.name), scope(route.scope), post(route.post),
	  shape(route.shape), content_type(route.content_type), cache_seconds(route.cache_seconds),
	  default_rows(route.default_rows), most_rows(route.most_rows)
{
	if (auto target = parse_target(route.path))
		segments_ = std::move(target->path);
	for (const wire::RouteParameter &parameter : route.parameters)
		parameters_.push_back({.name = std::string(parameter.name),
							   .kind = parameter.kind,
							   .required = parameter.required});
}

bool
ApiRoute::matches(const std::vector<std::string> &path, Values &values) const
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
	if (!simdjson::validate_utf8(text.data(), text.size()))
		return bad(shown, "is not UTF-8.");
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
		/* A number like 1e15 grows. */
		if (value.size() > wire::kMaxArgument)
			return bad(shown, "is too long.");
		break;
	}
	return std::nullopt;
}

std::optional<Problem>
ApiRoute::read(const ClientRequest &request, const RequestTarget &target, Values values,
			   RouteCall &call) const
{
	std::optional<std::string_view> format;
	for (const auto &[key, value] : target.query) {
		if (std::ranges::find(values, key, &Values::value_type::first) != values.end() ||
			(key == kFormat && format))
			return bad(key, "is there twice.");
		if (key == kFormat && shape == wire::Shape::List)
			format = value;
		else
			values.emplace_back(key, value);
	}
	if (post)
		values.emplace_back(kBody, request.body);
	if (shape == wire::Shape::List) {
		auto wanted = format_of(request.header("accept"), format);
		if (!wanted)
			return bad(kFormat, "is none of json, ndjson, csv and html.");
		call.format = *wanted;
	}
	call.arguments.assign(parameters_.size(), std::nullopt);
	std::string all = name; // the question without the page's position
	std::optional<std::string> cursor;
	size_t after = 0;
	for (size_t i = 0; i < parameters_.size(); i++) {
		const Parameter &parameter = parameters_[i];
		std::string_view shown = public_name(parameter.name);
		auto found = std::ranges::find(values, shown, &Values::value_type::first);
		std::optional<std::string> text;
		if (found != values.end()) {
			text = std::move(found->second);
			values.erase(found);
		} else if (parameter.required) {
			return bad(shown, "is missing.");
		}
		if (parameter.name == kAfter) {
			cursor = std::move(text);
			after = i;
			continue;
		}
		auto &argument = call.arguments[i];
		if (text) {
			argument.emplace();
			if (auto problem = read_value(parameter, *text, *argument))
				return problem;
		} else if (parameter.name == kLimit) {
			argument = std::to_string(default_rows);
		}
		if (parameter.name != kLimit)
			all += '\0' + argument.value_or("\1");
	}
	if (!values.empty())
		return bad(values.front().first, "is not one of this path.");
	call.fingerprint = digest(all);
	if (!cursor)
		return std::nullopt;
	auto decoded = nostr::base64_url_decode(*cursor);
	std::string position;
	if (decoded && decoded->starts_with(call.fingerprint))
		position = same_json(std::string_view(*decoded).substr(call.fingerprint.size()));
	if (position.empty())
		return bad("cursor", "does not belong to this call.");
	call.arguments[after] = std::move(position);
	return std::nullopt;
}

std::string
ApiRoute::cursor(std::string_view position, const std::string &fingerprint)
{
	return nostr::base64_url(fingerprint + std::string(position));
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
ApiRoute::named(Values values) const
{
	Arguments arguments;
	for (const Parameter &parameter : parameters_) {
		auto found = std::ranges::find(values, parameter.name, &Values::value_type::first);
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
	/* If two routes match a path, the one with fewer segments in braces is used. */
	std::ranges::stable_sort(routes_, {}, [](const ApiRoute &route) { return route.names(); });
}

const ApiRoute *
RouteTable::find(const ClientRequest &request, const RequestTarget &target, Values &values,
				 Problem &problem) const
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
				   .hint = "/openapi.json lists the paths."};
	else
		problem = {.status = 405,
				   .code = "method_not_allowed",
				   .detail = "This path does not know the method " + request.method + ".",
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
