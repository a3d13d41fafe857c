/* Formats rows as the body of an answer: JSON, NDJSON, CSV, or an HTML page with a table. */
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
 * The format that the parameter "format" names (json, ndjson, csv, html); nothing if the parameter
 * has another value. Without the parameter: the one of JSON, NDJSON and CSV that Accept names
 * first, and JSON if Accept names none, as browsers do.
 */
std::optional<Format> format_of(std::string_view accept, std::optional<std::string_view> parameter);
const char *content_type(Format format);

/* The text as a JSON string. */
std::string json_string(std::string_view text);

class RowFormat
{
  public:
	RowFormat(wire::Shape shape, Format format) : shape_(shape), format_(format) {}

	/* The text of one more row. `item` is JSON. */
	std::string row(std::string_view item);
	/* The end of the body; without rows, also its begin. `next`: cursor of the next page; `query`:
	 * query string for it; "" if there is no next page. */
	std::string end(std::string_view next, std::string_view query);

  private:
	std::string begin();
	std::string csv_row(std::string_view item);
	std::string html_row(std::string_view item);

	const wire::Shape shape_;
	const Format format_;
	bool begun_ = false;
	std::vector<std::string> columns_; // members of the first row, for CSV and HTML
};

} // namespace net
