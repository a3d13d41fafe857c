#include "net/serve/row_format.h"

#include <memory>

#include <jansson.h>

namespace net {
namespace {

using Json = std::unique_ptr<json_t, decltype(&json_decref)>;

/* RFC 4180. */
std::string
csv_field(std::string_view text)
{
	if (text.find_first_of(",\"\r\n") == std::string_view::npos)
		return std::string(text);
	std::string out = "\"";
	for (char c : text)
		out.append(c == '"' ? 2 : 1, c);
	return out + '"';
}

/* A text as it is, null as nothing, everything else as JSON. */
std::string
csv_value(const json_t *value)
{
	if (!value || json_is_null(value))
		return "";
	if (json_is_string(value))
		return csv_field({json_string_value(value), json_string_length(value)});
	std::unique_ptr<char, decltype(&free)> text(json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT),
												free);
	return text ? csv_field(text.get()) : "";
}

} // namespace

std::string
json_string(std::string_view text)
{
	Json value(json_stringn(text.data(), text.size()), json_decref);
	std::unique_ptr<char, decltype(&free)> out(json_dumps(value.get(), JSON_ENCODE_ANY), free);
	return out ? out.get() : "\"\"";
}

std::optional<Format>
format_of(std::string_view accept, std::optional<std::string_view> parameter)
{
	if (parameter)
		return *parameter == "json"     ? std::optional(Format::Json)
			   : *parameter == "ndjson" ? std::optional(Format::NdJson)
			   : *parameter == "csv"    ? std::optional(Format::Csv)
										: std::nullopt;
	/* Clients that name several order them. */
	size_t json = accept.find("application/json"), csv = accept.find("text/csv");
	size_t nd_json =
		std::min(accept.find("application/x-ndjson"), accept.find("application/jsonl"));
	if (nd_json < std::min(json, csv))
		return Format::NdJson;
	return csv < json ? Format::Csv : Format::Json;
}

const char *
content_type(Format format)
{
	switch (format) {
	case Format::Json:
		break;
	case Format::NdJson:
		return "application/x-ndjson";
	case Format::Csv:
		return "text/csv; charset=utf-8; header=present";
	}
	return "application/json";
}

std::string
RowFormat::begin()
{
	begun_ = true;
	if (format_ != Format::Json)
		return "";
	return shape_ == wire::Shape::List ? "{\"items\":[" : "[";
}

std::string
RowFormat::row(std::string_view item)
{
	if (shape_ == wire::Shape::One)
		return std::string(item);
	if (format_ == Format::Csv)
		return csv_row(item);
	const bool first = !begun_;
	std::string out = first ? begin() : "";
	if (format_ == Format::Json && !first)
		out += ',';
	out += item;
	/* JSON of PostgreSQL's type json may have line ends between its tokens, and nowhere else. */
	if (format_ == Format::NdJson) {
		std::erase(out, '\n');
		out += '\n';
	}
	return out;
}

std::string
RowFormat::csv_row(std::string_view item)
{
	std::string out;
	Json row(json_loadb(item.data(), item.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, nullptr),
			 json_decref);
	if (!json_is_object(row.get()))
		return csv_value(row.get()) + "\r\n";
	if (!begun_) {
		begun_ = true;
		const char *key;
		json_t *value;
		json_object_foreach(row.get(), key, value)
		{
			out += (columns_.empty() ? "" : ",") + csv_field(key);
			columns_.emplace_back(key);
		}
		out += "\r\n";
	}
	for (size_t i = 0; i < columns_.size(); i++)
		out += (i > 0 ? "," : "") + csv_value(json_object_get(row.get(), columns_[i].c_str()));
	return out + "\r\n";
}

std::string
RowFormat::end(std::string_view next)
{
	if (shape_ == wire::Shape::One || format_ != Format::Json)
		return "";
	std::string out = begun_ ? "" : begin();
	out += ']';
	if (shape_ == wire::Shape::List)
		out += ",\"next\":" + (next.empty() ? "null" : json_string(next)) + "}";
	return out;
}

} // namespace net
