/* The routes that there are, and what a request asks of them. */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/serve/client_request.h"
#include "net/serve/row_format.h"
#include "net/serve/target.h"
#include "wire/serve.h"

namespace net {

/* What becomes the body of an answer that is no success (RFC 9457). */
struct Problem
{
	int status = 500;
	std::string type = "about:blank";
	std::string code;   // of ours, or an SQLSTATE
	std::string detail; // a sentence or two
	std::string hint;
	std::string allow;   // 405: the methods that there are
	int retry_after = 0; // seconds; 0: not said
	std::string members; // further ones of the body, as JSON, each with a comma before it
};

/* Named values: of a path, of a call of our own. */
using Values = std::vector<std::pair<std::string, std::string>>;
/* One value for each parameter of the route's function; nothing: NULL. */
using Arguments = std::vector<std::optional<std::string>>;

/* What a request asks of its route. */
struct RouteCall
{
	Arguments arguments;
	std::string fingerprint; // of the question without the place of its page
	Format format = Format::Json;
};

struct Parameter
{
	std::string name;
	wire::Kind kind;
	bool required;
};

class ApiRoute
{
  public:
	explicit ApiRoute(const wire::Route &route);

	/* True if the route has that path; the segments in braces become named values. */
	bool matches(const std::vector<std::string> &path, Values &values) const;
	/* A Problem if a parameter is missing, unknown, named twice or of another form. `values` are
	 * those of the path. */
	std::optional<Problem> read(const ClientRequest &request, const Target &target, Values values,
								RouteCall &call) const;
	/* The cursor of the page behind a row's position. */
	static std::string cursor(std::string_view position, const std::string &fingerprint);
	/* The arguments in their order, of those that a call of our own names. */
	Arguments named(Values values) const;

	/* How many rows a page has, by the arguments; nothing if it has no pages. */
	std::optional<int32_t> row_limit(const Arguments &arguments) const;
	/* Segments of its path that stand for any text. */
	size_t names() const;

	uint16_t number;
	std::string name, scope;
	bool post;
	wire::Shape shape;
	std::string content_type;
	int32_t cache_seconds, default_rows, most_rows;

  private:
	std::optional<Problem> read_value(const Parameter &parameter, const std::string &text,
									  std::string &value) const;

	std::vector<std::string> segments_; // "{id}" stands for any one
	std::vector<Parameter> parameters_;
};

class RouteTable
{
  public:
	void take(const wire::Routes &routes);

	/* The route of a request; otherwise a Problem with 404 or 405. HEAD asks for what GET does. */
	const ApiRoute *find(const ClientRequest &request, const Target &target, Values &values,
						 Problem &problem) const;
	/* The route of that name; null if there is none. */
	const ApiRoute *named(std::string_view name) const;

  private:
	std::vector<ApiRoute> routes_;
};

} // namespace net
