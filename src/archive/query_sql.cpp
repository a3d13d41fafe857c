/*
 * bigbrotr.query_events_sql and count_sql: the statement that answers filters, as text that users
 * can read, EXPLAIN and change.
 */
#include "bytes.h"
#include "filter_argument.h"
#include "pg/border/catalog.h"
#include "tag_statistics.h"
#include "time_limit.h"

namespace {

constexpr size_t kFilters = 200;
/* The most index scans that are merged; more of them cost more to plan than they save. */
constexpr size_t kBranches = 16;
constexpr double kFewMatches = 1000;
/* Cost ratio: fetching one event through the tag index (random heap access) costs about as much as
 * 5 steps of a scan in time order (neighbouring pages). */
constexpr double kMatchSteps = 5;
constexpr const char *kOrder = "e.created_at DESC, e.event_id";

/* One filter, or an array of at least one. */
std::vector<nostr::Filter>
filters_argument(Datum argument)
{
	auto *given = pg::call([&] { return DatumGetJsonbP(argument); });
	if (!JB_ROOT_IS_ARRAY(given) || JB_ROOT_IS_SCALAR(given) || JB_ROOT_COUNT(given) == 0)
		return {archive::filter_argument(given)};
	uint32_t count = JB_ROOT_COUNT(given);
	if (count > kFilters)
		throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "too many filters",
						"There are " + std::to_string(count) + " of them; " +
							std::to_string(kFilters) + " are allowed.",
						"One filter takes many ids, authors, kinds and tag values.");
	std::vector<nostr::Filter> filters;
	for (uint32_t i = 0; i < count; i++)
		filters.push_back(archive::filter_argument(pg::call(
			[&] { return JsonbValueToJsonb(getIthJsonbValueFromContainer(&given->root, i)); })));
	return filters;
}

std::string
literal(const std::string &text)
{
	return pg::call([&] { return quote_literal_cstr(text.c_str()); });
}

/* Which events count. A filter by ids also finds replaced versions: NIP-01 leaves that to the
 * relay. */
struct Relations
{
	const char *of_ids, *of_others;
};
constexpr Relations kSeen{"bigbrotr.events", "bigbrotr.events"};
constexpr Relations kPublished{"bigbrotr.events_visible", "bigbrotr.events_as_published"};
constexpr Relations kPublic{"_bigbrotr.public_versions", "_bigbrotr.public_events"};

const char *
relation(const nostr::Filter &filter, const Relations &shown)
{
	return filter.ids ? shown.of_ids : shown.of_others;
}

/* SELECT … WHERE for one filter, which one index scan may be able to answer. */
std::string
branch(const nostr::Filter &filter, const Relations &shown, const char *columns = "e.*")
{
	std::string out =
		std::string("SELECT ") + columns + " FROM " + relation(filter, shown) + " AS e";
	std::string condition = nostr::condition_json(filter);
	if (condition != "{}")
		out += " WHERE bigbrotr.event_matches(e, " + literal(condition) + ")";
	return out;
}

/* One filter for each value of a list; the newest events of all of them are merged. */
template <class T>
std::vector<nostr::Filter>
split(const nostr::Filter &filter, std::optional<std::vector<T>> nostr::Filter::*list)
{
	std::vector<nostr::Filter> parts;
	for (const T &value : *(filter.*list)) {
		parts.push_back(filter);
		parts.back().*list = std::vector<T>{value};
	}
	return parts;
}

std::vector<nostr::Filter>
branches(const nostr::Filter &filter)
{
	auto fits = [](const auto &list) {
		return list && list->size() > 1 && list->size() <= kBranches;
	};
	if (filter.limit && !filter.ids && filter.tags.empty() && !filter.search) {
		if (fits(filter.authors))
			return split(filter, &nostr::Filter::authors);
		if (!filter.authors && fits(filter.kinds))
			return split(filter, &nostr::Filter::kinds);
	}
	return {filter};
}

std::string
ordered(const std::string &query, const std::string &order, const nostr::Filter &filter)
{
	std::string out = query + "\nORDER BY " + order;
	if (filter.limit)
		out += " LIMIT " + std::to_string(*filter.limit);
	return out;
}

/*
 * Tag conditions with a limit. The planner assumes that matches are spread evenly over kinds and
 * times, and may combine the tag index with whole ranges of other indexes. So the plan is chosen
 * here, by the number of events that have the rarest tag, and the other conditions are written as
 * `kind + 0 = …`, which no index matches.
 */
std::string
by_tag_index(const nostr::Filter &filter, const char *columns, const std::string &from)
{
	nostr::Filter indexed = filter;
	indexed.kinds.reset();
	std::string out = std::string("SELECT ") + columns + " FROM " + from +
					  " AS e WHERE bigbrotr.event_matches(e, " +
					  literal(nostr::condition_json(indexed)) + ")";
	if (filter.kinds) {
		out += " AND e.kind + 0 = ANY ('{";
		for (int32_t kind : *filter.kinds)
			out += (out.back() == '{' ? "" : ",") + std::to_string(kind);
		out += "}')";
	}
	return out + "\nORDER BY e.created_at + 0 DESC, e.event_id";
}

/* Few events have the tag: all of them are fetched and sorted. */
std::string
query_rare_tag(const nostr::Filter &filter, const Relations &shown)
{
	return by_tag_index(filter, "e.*", relation(filter, shown)) + " LIMIT " +
		   std::to_string(*filter.limit);
}

/* Many events have the tag: sorts them by time first, and checks visibility only until the limit is
 * reached. */
std::string
query_common_tag(const nostr::Filter &filter, const Relations &shown)
{
	return "SELECT e.* FROM (SELECT k.eid FROM (\n" +
		   by_tag_index(filter, "e.eid", "bigbrotr.events") + " OFFSET 0) AS k\n" +
		   "WHERE EXISTS (SELECT FROM " + relation(filter, shown) +
		   " AS v WHERE v.eid = k.eid OFFSET 0) LIMIT " + std::to_string(*filter.limit) +
		   ") AS k JOIN bigbrotr.events AS e ON e.eid = k.eid\nORDER BY " + kOrder;
}

/* So many events have the tag that a scan back in time soon finds enough of them. */
std::string
query_popular_tag(const nostr::Filter &filter, const Relations &shown)
{
	nostr::Filter walked = filter;
	walked.tags.clear();
	std::string out = branch(walked, shown);
	bool conditions = out.find(" WHERE ") != out.npos;
	for (const nostr::TagCondition &tag : filter.tags) {
		out += std::string(conditions ? "" : " WHERE true") +
			   " AND _bigbrotr.tag_matches(e.tags, '" + tag.name + "', ARRAY[";
		for (const std::string &value : tag.values)
			out += (out.back() == '[' ? "" : ", ") + literal(value);
		out += "])";
		conditions = true;
	}
	return ordered(out, kOrder, filter);
}

/* "" if the planner is to choose. */
std::string
query_tag(const nostr::Filter &filter, const Relations &shown)
{
	if (filter.tags.empty() || !filter.limit || filter.ids || filter.authors ||
		filter.matches_nothing())
		return {};
	auto statistics = archive::tag_statistics(filter);
	if (!statistics)
		return {};
	if (statistics->matches <= kFewMatches)
		return query_rare_tag(filter, shown);
	/* Assumes that the tag is spread evenly over time. */
	double steps = static_cast<double>(*filter.limit) * statistics->events / statistics->matches;
	return steps > 0 && steps < kMatchSteps * statistics->matches ? query_popular_tag(filter, shown)
																  : query_common_tag(filter, shown);
}

std::string
query_sql(const nostr::Filter &filter, const Relations &shown)
{
	if (filter.search) // NIP-50: by relevance
		return ordered(branch(filter, shown),
					   "_bigbrotr.search_rank(e.kind, e.content, " + literal(*filter.search) +
						   ") DESC, " + kOrder,
					   filter);
	if (std::string out = query_tag(filter, shown); !out.empty())
		return out;
	std::vector<nostr::Filter> parts = branches(filter);
	if (parts.size() == 1)
		return ordered(branch(filter, shown), kOrder, filter);
	/* Each branch has its own ORDER BY: otherwise the planner does not see that the index returns
	 * it in order. */
	std::string out = "SELECT e.* FROM (\n";
	for (const nostr::Filter &part : parts)
		out += (&part == &parts[0] ? "(" : "\nUNION ALL (") +
			   ordered(branch(part, shown), kOrder, part) + ")";
	return ordered(out + ") AS e", kOrder, filter);
}

std::string
query_sql(const std::vector<nostr::Filter> &filters, const Relations &shown)
{
	if (filters.size() == 1)
		return query_sql(filters[0], shown);
	std::string out = "SELECT DISTINCT ON (e.created_at, e.event_id) e.* FROM (\n";
	for (size_t i = 0; i < filters.size(); i++)
		out += (i == 0 ? "(" : "\nUNION ALL (") + query_sql(filters[i], shown) + ")";
	return out + ") AS e\nORDER BY " + kOrder;
}

/* NIP-45: the limit is ignored, and an event that matches two filters counts once. */
std::string
count_sql(const std::vector<nostr::Filter> &filters, const Relations &shown)
{
	if (filters.size() == 1)
		return branch(filters[0], shown, "count(*)");
	std::string out = "SELECT count(*) FROM (";
	for (size_t i = 0; i < filters.size(); i++)
		out += (i == 0 ? "" : "\nUNION ") + branch(filters[i], shown, "e.eid");
	return out + ") AS e";
}

Datum
query_statement(Datum filters, const Relations &shown)
{
	pg::require_schema();
	return pg::boundary([&] {
		archive::limit_query_time(); // it counts in the tag index
		return archive::varlena_datum(query_sql(filters_argument(filters), shown));
	});
}

Datum
count_statement(Datum filters, const Relations &shown)
{
	pg::require_schema();
	return pg::boundary(
		[&] { return archive::varlena_datum(count_sql(filters_argument(filters), shown)); });
}

} // namespace

SQL_FUNCTION(bigbrotr_query_sql)
{
	return query_statement(PG_GETARG_DATUM(0), PG_GETARG_BOOL(1) ? kSeen : kPublished);
}

SQL_FUNCTION(bigbrotr_count_sql)
{
	return count_statement(PG_GETARG_DATUM(0), PG_GETARG_BOOL(1) ? kSeen : kPublished);
}

SQL_FUNCTION(bigbrotr_public_query_sql)
{
	return query_statement(PG_GETARG_DATUM(0), kPublic);
}

SQL_FUNCTION(bigbrotr_public_count_sql)
{
	return count_statement(PG_GETARG_DATUM(0), kPublic);
}
