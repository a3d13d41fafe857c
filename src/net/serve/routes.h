/* The routes that there are, and what a request asks of them. */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/serve/client_request.h"
#include "net/serve/target.h"
#include "wire/serve.h"

namespace net {

/* What becomes the body of an answer that is no success (RFC 9457). */
struct Problem
{
	int status = 500;
	std::string code;   // of ours, or an SQLSTATE
	std::string detail; // a sentence or two
	std::string hint;
	std::string allow; // 405: the methods that there are
};

/* One value for each parameter of the route's function; nothing: NULL. */
using Arguments = std::vector<std::optional<std::string>>;

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
	bool matches(const std::vector<std::string> &path,
				 std::vector<std::pair<std::string, std::string>> &values) const;
	/*
	 * The arguments of a call; a Problem if a parameter is missing, unknown, named twice or of
	 * another form. `fingerprint` is set to that of the question without its cursor.
	 */
	std::optional<Problem> read(const ClientRequest &request, const Target &target,
								std::vector<std::pair<std::string, std::string>> values,
								Arguments &arguments, uint32_t &fingerprint) const;
	/* The cursor of the page behind a row's position. */
	static std::string cursor(std::string_view position, uint32_t fingerprint);
	/* The arguments in their order, of those that a call of our own names. */
	Arguments named(std::vector<std::pair<std::string, std::string>> values) const;

	/* How many rows a page has, by the arguments; nothing if it has no pages. */
	std::optional<int32_t> row_limit(const Arguments &arguments) const;
	/* Segments of its path that stand for any text. */
	size_t names() const;

	uint16_t number;
	std::string name;
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
	const ApiRoute *find(const ClientRequest &request, const Target &target,
						 std::vector<std::pair<std::string, std::string>> &values,
						 Problem &problem) const;
	/* The route of that name; null if there is none. */
	const ApiRoute *named(std::string_view name) const;

  private:
	std::vector<ApiRoute> routes_;
};

} // namespace net
