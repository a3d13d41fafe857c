#include "net/serve/row_format.h"

#include "net/core/json.h"
#include "net/serve/request_target.h"

namespace net {
namespace {

/* A field of CSV (RFC 4180). */
std::string
csv_field(const std::string &text)
{
	if (text.find_first_of(",\"\r\n") == std::string::npos)
		return text;
	std::string out = "\"";
	for (char c : text)
		out.append(c == '"' ? 2 : 1, c);
	return out + '"';
}

constexpr size_t kLongestCell = 300; // bytes in a cell of HTML

constexpr std::string_view kHtmlHead =
	"<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
	"content=\"width=device-width\"><title>bigbrotr</title><link rel=\"stylesheet\" "
	"href=\"/web/page.css\"></head><body class=\"plain\"><p><a href=\"/\">bigbrotr</a></p>"
	"<div class=\"wide\"><table>";

std::string
html_text(std::string_view text)
{
	std::string out;
	for (char c : text)
		switch (c) {
		case '&':
			out += "&amp;";
			break;
		case '<':
			out += "&lt;";
			break;
		case '>':
			out += "&gt;";
			break;
		case '"':
			out += "&quot;";
			break;
		default:
			out += c;
		}
	return out;
}

/* Whether the text begins with a control character for the direction of writing (U+200E, U+200F,
 * U+202A to U+202E, U+2066 to U+2069). */
bool
turns_direction(std::string_view text)
{
	if (text.size() < 3 || text[0] != '\xE2')
		return false;
	const std::string_view rest = text.substr(1, 2);
	return (rest >= "\x80\x8E" && rest <= "\x80\x8F") ||
		   (rest >= "\x80\xAA" && rest <= "\x80\xAE") || (rest >= "\x81\xA6" && rest <= "\x81\xA9");
}

/* The text without controls for the direction; longer text is cut between two characters. */
std::string
cell_text(std::string_view text)
{
	std::string out;
	size_t last = 0; // begin of the last character
	for (size_t at = 0; at < text.size();) {
		if (turns_direction(text.substr(at))) {
			at += 3;
			continue;
		}
		if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80)
			last = out.size();
		out += text[at++];
		if (out.size() > kLongestCell)
			return out.substr(0, last) + "\u2026";
	}
	return out;
}

/* A string as it is, null as an empty text, other values as JSON. */
std::string
plain_value(const json_t *value)
{
	if (!value || json_is_null(value))
		return "";
	if (json_is_string(value))
		return {json_string_value(value), json_string_length(value)};
	std::unique_ptr<char, decltype(&free)> text(
		json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15)), free);
	return text ? text.get() : "";
}

/* A value as a field of CSV. Spreadsheets take a text that begins with one of these characters for
 * a formula, so an apostrophe precedes it. */
std::string
csv_value(const json_t *value)
{
	std::string text = plain_value(value);
	if (json_is_string(value) && !text.empty() &&
		std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos)
		text.insert(0, 1, '\'');
	return csv_field(text);
}

} // namespace

std::string
json_string(std::string_view text)
{
	Json value(json_stringn(text.data(), text.size()));
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
			   : *parameter == "html"   ? std::optional(Format::Html)
										: std::nullopt;
	/* The type that the header names first is used. */
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
	case Format::Html:
		return "text/html; charset=utf-8";
	}
	return "application/json";
}

std::string
RowFormat::begin()
{
	begun_ = true;
	if (format_ == Format::Html)
		return std::string(kHtmlHead);
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
	if (format_ == Format::Html)
		return html_row(item);
	const bool first = !begun_;
	std::string out = first ? begin() : "";
	if (format_ == Format::Json && !first)
		out += ',';
	out += item;
	/* PostgreSQL's type json may have line ends between tokens, which NDJSON forbids. */
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
	Json row(json_loadb(item.data(), item.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, nullptr));
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
RowFormat::html_row(std::string_view item)
{
	Json row(json_loadb(item.data(), item.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, nullptr));
	std::string out;
	if (!begun_) {
		out = begin();
		const char *key;
		json_t *value;
		json_object_foreach(row.get(), key, value) columns_.emplace_back(key);
		out += "<thead><tr>";
		for (const std::string &column : columns_)
			out += "<th scope=\"col\">" + html_text(column) + "</th>";
		out += "</tr></thead><tbody>";
	}
	auto cell = [&](const json_t *value, bool relay) {
		const std::string text = plain_value(value);
		const std::string shown = "<bdi>" + html_text(cell_text(text)) + "</bdi>";
		out += "<td dir=\"auto\">" +
			   (relay ? "<a href=\"/embed?url=" + percent_encode(text) + "\">" + shown + "</a>"
					  : shown) +
			   "</td>";
	};
	out += "<tr>";
	if (!json_is_object(row.get()))
		cell(row.get(), false);
	for (const std::string &column : columns_)
		cell(json_object_get(row.get(), column.c_str()), column == "relay_url");
	return out + "</tr>\n";
}

std::string
RowFormat::end(std::string_view next, std::string_view query)
{
	if (shape_ != wire::Shape::One && format_ == Format::Html) {
		std::string out = begun_ ? "" : begin() + "<tbody><tr><td>There is nothing.</td></tr>";
		out += "</tbody></table></div>";
		if (!query.empty())
			out += "<p><a rel=\"next\" href=\"" + html_text(query) + "\">next page</a></p>";
		return out + "</body></html>\n";
	}
	if (shape_ == wire::Shape::One || format_ != Format::Json)
		return "";
	std::string out = begun_ ? "" : begin();
	out += ']';
	if (shape_ == wire::Shape::List)
		out += ",\"next\":" + (next.empty() ? "null" : json_string(next)) + "}";
	return out;
}

} // namespace net
