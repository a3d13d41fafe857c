/* The routes of the API, and what a request asks of its route. */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/serve/client_request.h"
#include "net/serve/request_target.h"
#include "net/serve/row_format.h"
#include "wire/serve.h"

namespace net {

/* The content of an error answer (RFC 9457). */
struct Problem
{
	int status = 500;
	std::string type = "about:blank";
	std::string code;   // our own code or an SQLSTATE
	std::string detail; // a sentence or two
	std::string hint;
	std::string allow;   // for status 405: the methods allowed
	int retry_after = 0; // seconds; 0: not sent
	std::string members; // more members of the body as JSON, each after a comma
};

/* Named values: parameters of a path or of our own call. */
using Values = std::vector<std::pair<std::string, std::string>>;
/* One value per parameter of the route's function; nothing means NULL. */
using Arguments = std::vector<std::optional<std::string>>;

/* The call that a request makes. */
struct RouteCall
{
	Arguments arguments;
	std::string fingerprint; // hash of the question without the position of its page
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

	/* Whether the route has this path. Segments in braces become named values. */
	bool matches(const std::vector<std::string> &path, Values &values) const;
	/* Reads the parameters. Returns a Problem if one is missing, unknown, repeated or malformed.
	 * `values`: those of the path. */
	std::optional<Problem> read(const ClientRequest &request, const RequestTarget &target,
								Values values, RouteCall &call) const;
	/* The cursor of the page after the row with this position. */
	static std::string cursor(std::string_view position, const std::string &fingerprint);
	/* The arguments in the order of the function, from named values of our own call. */
	Arguments named(Values values) const;

	/* The number of rows in a page; nothing if the route has no pages. */
	std::optional<int32_t> row_limit(const Arguments &arguments) const;
	/* Number of path segments in braces. */
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

	std::vector<std::string> segments_; // a segment "{id}" matches any text
	std::vector<Parameter> parameters_;
};

class RouteTable
{
  public:
	void take(const wire::Routes &routes);

	/* The route of a request; null with a Problem (404 or 405) if there is none. HEAD uses the
	 * route of GET. */
	const ApiRoute *find(const ClientRequest &request, const RequestTarget &target, Values &values,
						 Problem &problem) const;
	/* The route with this name; null if there is none. */
	const ApiRoute *named(std::string_view name) const;

  private:
	std::vector<ApiRoute> routes_;
};

} // namespace net
