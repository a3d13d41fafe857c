/* How rows become the body of an answer: JSON, NDJSON, CSV, or a page with a table (HTML). */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/serve.h"

namespace net {

enum class Format : uint8_t
{
	Json,
	NdJson,
	Csv,
	Html
};

/*
 * What the parameter "format" says (json, ndjson, csv, html), or else which of JSON, NDJSON and CSV
 * Accept names first; JSON if it names none: a browser that opens the address of an answer shows
 * JSON. Nothing if the parameter says something else.
 */
std::optional<Format> format_of(std::string_view accept, std::optional<std::string_view> parameter);
const char *content_type(Format format);

/* The text as a JSON string. */
std::string json_string(std::string_view text);

class RowFormat
{
  public:
	RowFormat(wire::Shape shape, Format format) : shape_(shape), format_(format) {}

	/* The part of the body of one more row, which is JSON. */
	std::string row(std::string_view item);
	/* The end of the body, with what comes before the first row if there was none. `next` is the
	 * cursor of the next page, `query` the query string that asks for it; "" if there is none. */
	std::string end(std::string_view next, std::string_view query);

  private:
	std::string begin();
	std::string csv_row(std::string_view item);
	std::string html_row(std::string_view item);

	const wire::Shape shape_;
	const Format format_;
	bool begun_ = false;
	std::vector<std::string> columns_; // CSV, HTML: the members of the first row
};

} // namespace net
