#include "net/job/relay_list.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <simdjson.h>

#include "net/core/json.h"
#include "net/job/json_text.h"
#include "nostr/ascii.h"
#include "wire/fetch.h"

namespace net {

/* Bounds memory: an empty object takes 3 bytes of JSON and about 250 bytes of memory. */
constexpr size_t kMaxValues = 500'000;

namespace {

struct PathStep
{
	enum class Kind : uint8_t
	{
		Member,
		AnyMember,
		Element,
		AnyElement
	};
	Kind kind = Kind::Member;
	std::string name;
	size_t index = 0;
};
using Path = std::vector<PathStep>;

bool
is_name(char c)
{
	return nostr::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Removes the first step of the path from `rest` and returns it; nothing if `rest` does not begin
 * with a step. */
std::optional<PathStep>
take_step(std::string_view &rest)
{
	using Kind = PathStep::Kind;
	auto take = [&rest](size_t count) {
		std::string_view taken = rest.substr(0, count);
		rest.remove_prefix(taken.size());
		return taken;
	};
	if (rest.starts_with(".*")) {
		take(2);
		return PathStep{.kind = Kind::AnyMember};
	}
	if (rest.starts_with("[*]")) {
		take(3);
		return PathStep{.kind = Kind::AnyElement};
	}
	if (rest.starts_with(".\"")) {
		take(2);
		const size_t end = rest.find_first_of("\"\\");
		if (end == rest.npos || rest[end] != '"')
			return std::nullopt;
		PathStep step{.name = std::string(take(end))};
		take(1);
		return step;
	}
	if (rest.starts_with(".")) {
		take(1);
		const auto end = std::ranges::find_if_not(rest, is_name);
		PathStep step{.name = std::string(take(size_t(end - rest.begin())))};
		if (step.name.empty() || nostr::is_digit(step.name[0]))
			return std::nullopt;
		return step;
	}
	if (rest.starts_with("[")) {
		take(1);
		PathStep step{.kind = Kind::Element};
		const auto [end, error] =
			std::from_chars(rest.data(), rest.data() + rest.size(), step.index);
		take(size_t(end - rest.data()));
		if (error != std::errc() || take(1) != "]")
			return std::nullopt;
		return step;
	}
	return std::nullopt;
}

std::optional<Path>
parse_path(std::string_view text)
{
	if (!text.starts_with("$") || text.size() > wire::kMaxListPath)
		return std::nullopt;
	text.remove_prefix(1);
	Path path;
	while (!text.empty()) {
		auto step = take_step(text);
		if (!step)
			return std::nullopt;
		path.push_back(*std::move(step));
	}
	return path;
}

class PathReader
{
  public:
	PathReader(const Path &path, size_t max_names, RelayList &out)
		: path_(path), max_names_(max_names), out_(out)
	{
	}

	/* Follows the path from index `step` on. The depth of recursion is bounded by kMaxListPath. */
	void follow(json_t *value, size_t step)
	{
		using Kind = PathStep::Kind;
		if (step == path_.size())
			return found(value);
		const PathStep &now = path_[step];
		if (now.kind == Kind::AnyElement || now.kind == Kind::Element) {
			const bool all = now.kind == Kind::AnyElement;
			if (!json_is_array(value)) {
				if (all || now.index == 0)
					follow(value, step + 1);
				return;
			}
			for (size_t i = all ? 0 : now.index; i < json_array_size(value); i++) {
				follow(json_array_get(value, i), step + 1);
				if (!all)
					return;
			}
			return;
		}
		if (!json_is_array(value))
			return follow_members(value, step);
		for (size_t i = 0; i < json_array_size(value); i++)
			follow_members(json_array_get(value, i), step);
	}

  private:
	void follow_members(json_t *value, size_t step)
	{
		if (!json_is_object(value))
			return;
		const PathStep &now = path_[step];
		if (now.kind == PathStep::Kind::Member) {
			if (json_t *member = json_object_get(value, now.name.c_str()))
				follow(member, step + 1);
			return;
		}
		for (void *i = json_object_iter(value); i; i = json_object_iter_next(value, i))
			follow(json_object_iter_value(i), step + 1);
	}

	void found(const json_t *value)
	{
		if (!json_is_string(value))
			out_.other_values++;
		else if (out_.names.size() == max_names_)
			out_.cut = true;
		else
			out_.names.emplace_back(json_string_value(value), json_string_length(value));
	}

	const Path &path_;
	const size_t max_names_;
	RelayList &out_;
};

void
refuse(RelayList &list, const char *reason, std::string detail)
{
	list.reason = reason;
	list.detail = std::move(detail);
}

void
read_json(std::string_view text, std::string_view path_text, size_t max_names, RelayList &list)
{
	const std::optional<Path> path = parse_path(path_text);
	if (!path)
		return refuse(list, "bad_path", "the path is malformed");
	JsonText prepared = prepare_json(text);
	if (prepared.reason)
		return refuse(list, prepared.reason, "too many levels of nesting");
	if (prepared.values > kMaxValues)
		return refuse(list, "too_many_values",
					  "more than " + std::to_string(kMaxValues) + " values");
	json_error_t error{};
	Json document(json_loadb(prepared.text.data(), prepared.text.size(), JSON_DECODE_ANY, &error));
	if (!document)
		return refuse(list, "not_json",
					  std::string(error.text) + " at byte " + std::to_string(error.position));
	PathReader(*path, max_names, list).follow(document.get(), 0);
}

void
read_lines(std::string_view text, size_t max_names, RelayList &list)
{
	if (text.find('\0') != text.npos)
		return refuse(list, "bad_charset", "text with U+0000");
	constexpr std::string_view kEnds = "\r\n", kBlanks = " \t";
	while (!text.empty()) {
		std::string_view line = text.substr(0, text.find_first_of(kEnds));
		text.remove_prefix(std::min(line.size() + 1, text.size()));
		line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
		if (line.empty() || line[0] == '#')
			continue;
		if (list.names.size() == max_names) {
			list.cut = true;
			return;
		}
		list.names.emplace_back(line);
	}
}

/* Cuts a name that is too long, at the boundary of a character. The cut name is still too long to
 * be a relay's URL. */
void
cut(std::string &name)
{
	constexpr unsigned kContinuationMask = 0xc0, kContinuation = 0x80;
	size_t size = std::min(name.size(), wire::kMaxListName);
	while (size < name.size() && size > 0 &&
		   (static_cast<uint8_t>(name[size]) & kContinuationMask) == kContinuation)
		size--;
	name.resize(size);
}

} // namespace

RelayList
read_relay_list(std::string_view text, std::string_view path, size_t max_names)
{
	RelayList list;
	constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
	if (text.starts_with(kByteOrderMark))
		text.remove_prefix(kByteOrderMark.size());
	if (!simdjson::validate_utf8(text)) {
		refuse(list, "bad_charset", "no UTF-8");
		return list;
	}
	const size_t start = text.find_first_not_of(" \t\r\n");
	if (start != text.npos && text[start] == '<')
		refuse(list, "web_page", "a web page instead of a list");
	else if (path.empty())
		read_lines(text, max_names, list);
	else
		read_json(text, path, max_names, list);
	for (std::string &name : list.names)
		cut(name);
	return list;
}

} // namespace net
