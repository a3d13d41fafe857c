#include "workers/api/routes.h"

#include "pg/border/spi.h"

/* One row for each parameter of each route; a route without parameters has one row with nulls. */
static pg::Statement read_statement(
	"SELECT number, name, path, is_post, shape, content_type, cache_seconds, default_rows, "
	"most_rows, statement, parameter, parameter_kind, is_required, coalesce(scope, '') "
	"FROM _bigbrotr.api_calls ORDER BY number, place");

template <class Enum>
static Enum
named(std::string_view name, std::initializer_list<std::pair<std::string_view, Enum>> names)
{
	for (const auto &[known, value] : names)
		if (known == name)
			return value;
	throw pg::Error(ERRCODE_INTERNAL_ERROR, "a route has the unknown word " + std::string(name));
}

static wire::Shape
shape_of(std::string_view name)
{
	using wire::Shape;
	return named<Shape>(name, {{"one", Shape::One},
							   {"list", Shape::List},
							   {"array", Shape::Array},
							   {"accepted", Shape::Accepted},
							   {"stream", Shape::Stream},
							   {"hidden", Shape::Hidden}});
}

static wire::Kind
kind_of(std::string_view name)
{
	using wire::Kind;
	return named<Kind>(name, {{"text", Kind::Text},
							  {"integer", Kind::Integer},
							  {"flag", Kind::Flag},
							  {"json", Kind::Json}});
}

void
RouteBook::read(pg::Worker &worker)
{
	worker.transaction_with_retries("reading the routes", {.read_only = true}, [this] {
		routes_.clear();
		wire::Routes message;
		pg::Rows rows = read_statement.run();
		for (uint64_t i = 0; i < rows.count(); i++) {
			auto number = static_cast<uint16_t>(rows.integer(i, 1));
			if (!routes_.contains(number)) {
				routes_[number].statement = rows.bytes(i, 10);
				routes_[number].notes = shape_of(rows.bytes(i, 5)) == wire::Shape::Accepted;
				routes_[number].first = rows.bytes(i, 2) == "news";
				message.routes.push_back({
					.number = number,
					.name = rows.bytes(i, 2),
					.path = rows.bytes(i, 3),
					.scope = rows.bytes(i, 14),
					.post = rows.integer(i, 4) != 0,
					.shape = shape_of(rows.bytes(i, 5)),
					.content_type = rows.bytes(i, 6),
					.cache_seconds = static_cast<int32_t>(rows.integer(i, 7)),
					.default_rows = static_cast<int32_t>(rows.integer(i, 8)),
					.most_rows = static_cast<int32_t>(rows.integer(i, 9)),
				});
			}
			if (rows.null(i, 11))
				continue;
			routes_[number].parameters++;
			message.routes.back().parameters.push_back({.name = rows.bytes(i, 11),
														.kind = kind_of(rows.bytes(i, 12)),
														.required = rows.integer(i, 13) != 0});
		}
		frame_ = wire::encode(message);
	});
}
