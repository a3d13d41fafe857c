/*
 * bigbrotr.query_events_sql and count_sql: the statement that answers filters, as text that users
 * can read, change and EXPLAIN.
 */
#include "bytes.h"
#include "filter_argument.h"
#include "newest.h"
#include "nostr/facts.h"
#include "pg/border/catalog.h"
#include "tag_statistics.h"
#include "time_limit.h"

namespace {

constexpr size_t kFilters = 200;
/* Largest number of index scans that are merged. More scans cost more planning time than they
 * save. */
constexpr size_t kBranches = 16;
/* Cost of fetching a row, relative to reading the place of a row from an index. */
constexpr double kPlaceCost = 32;
constexpr double kFewMatches = 2000, kMostCandidates = 1e9, kLeastShare = 0.0001;
constexpr const char *kOrder = "e.created_at DESC, e.event_id";

/* Which events count. A filter by ids also finds replaced versions, which NIP-01 allows. */
struct Relations
{
	const char *schema; // of both relations, and of the function event_matches() for their rows
	const char *of_ids, *of_others;
	bool only_public;
};
constexpr Relations kSeen{"bigbrotr", "events", "events", false};
constexpr Relations kPublished{"bigbrotr", "events_visible", "events_as_published", false};
constexpr Relations kPublic{"_bigbrotr", "public_versions", "public_events", true};

/* Parses one filter, or an array of at least one filter. */
std::vector<nostr::Filter>
parsed_filters(Datum argument)
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

/* The parsed filters. If only public events count, the private kinds are left out: the statement
 * would read all their events and show none, and the planner does not know that. */
std::vector<nostr::Filter>
filters_argument(Datum argument, const Relations &shown)
{
	std::vector<nostr::Filter> filters = parsed_filters(argument);
	if (shown.only_public)
		for (nostr::Filter &filter : filters)
			if (filter.kinds)
				std::erase_if(*filter.kinds, nostr::is_private);
	return filters;
}

std::string
literal(const std::string &text)
{
	return pg::call([&] { return quote_literal_cstr(text.c_str()); });
}

std::string
relation(const nostr::Filter &filter, const Relations &shown)
{
	return std::string(shown.schema) + "." + (filter.ids ? shown.of_ids : shown.of_others);
}

/* A condition on a row of the relations. */
std::string
matches(const Relations &shown, const char *row, const nostr::Filter &filter)
{
	return std::string(shown.schema) + ".event_matches(" + row + ", " +
		   literal(nostr::condition_json(filter)) + ")";
}

/* A SELECT … WHERE for one filter, which a single index scan may answer. */
std::string
branch(const nostr::Filter &filter, const Relations &shown, const char *columns = "e.*")
{
	/* With the conditions of a view, the planner would add the cost of a scan that is not made. */
	if (filter.matches_nothing())
		return std::string("SELECT ") + columns + " FROM bigbrotr.events AS e WHERE false";
	std::string out =
		std::string("SELECT ") + columns + " FROM " + relation(filter, shown) + " AS e";
	if (nostr::condition_json(filter) != "{}")
		out += " WHERE " + matches(shown, "e", filter);
	return out;
}

/* One filter for each kind, if there are few kinds; the newest events of all are merged. */
std::vector<nostr::Filter>
branches(const nostr::Filter &filter)
{
	if (!filter.limit || filter.ids || filter.authors || !filter.tags.empty() || !filter.kinds ||
		filter.kinds->size() < 2 || filter.kinds->size() > kBranches)
		return {filter};
	std::vector<nostr::Filter> parts;
	for (int32_t kind : *filter.kinds) {
		parts.push_back(filter);
		parts.back().kinds = std::vector<int32_t>{kind};
	}
	return parts;
}

std::string
ordered(const std::string &query, const std::string &order, const nostr::Filter &filter)
{
	std::string out = query + "\nORDER BY " + order;
	if (filter.limit)
		out += " LIMIT " + std::to_string(*filter.limit);
	return out;
}

/* The conditions on tags in a form that matches no index. */
std::string
tag_conditions(const nostr::Filter &filter, const std::string &row)
{
	std::string out;
	for (const nostr::TagCondition &tag : filter.tags) {
		out += std::string(out.empty() ? "" : " AND ") + "_bigbrotr.tag_matches(" + row +
			   ".tags, '" + tag.name + "', ARRAY[";
		for (const std::string &value : tag.values)
			out += (out.back() == '[' ? "" : ", ") + literal(value);
		out += "])";
	}
	return out;
}

/* For a filter with a rare kind: reads the events of this kind back in time. */
std::string
query_rare_kind(const nostr::Filter &filter, const Relations &shown)
{
	nostr::Filter walked = filter;
	walked.tags.clear();
	return ordered(branch(walked, shown) + " AND " + tag_conditions(filter, "e"), kOrder, filter);
}

/*
 * Reads the newest events of the authors or with the tag of `lead` in order (newest.h). The other
 * conditions of the filter and the visibility are checked event by event until the limit is
 * reached. `beside` says which conditions are looked up in indexes before that.
 */
std::string
query_newest(const nostr::Filter &filter, const nostr::Filter &lead, double most,
			 const Relations &shown, const nostr::Filter &beside = {})
{
	most += most / 4 + 4; // some of them are hidden
	std::string checks;
	if (!filter.tags.empty())
		checks += " AND " + tag_conditions(filter, "v");
	if (filter.authors && !lead.authors) {
		nostr::Filter authors;
		authors.authors = filter.authors;
		checks += " AND " + matches(shown, "v", authors);
	}
	std::string narrowing = nostr::condition_json(beside);
	return "SELECT e.* FROM (SELECT k.eid FROM (SELECT _bigbrotr.newest(" +
		   literal(nostr::condition_json(lead)) + ", " +
		   std::to_string(static_cast<int64_t>(std::min(most, kMostCandidates))) +
		   (narrowing == "{}" ? "" : ", " + literal(narrowing)) +
		   ") AS eid OFFSET 0) AS k\nWHERE EXISTS (SELECT FROM " + relation(filter, shown) +
		   " AS v WHERE v.eid = k.eid" + checks + " OFFSET 0) LIMIT " +
		   std::to_string(*filter.limit) +
		   ") AS k JOIN bigbrotr.events AS e ON e.eid = k.eid\nORDER BY " + kOrder;
}

/* query_newest() for a filter with tags: `lead` is the rarest tag, or the authors if they are much
 * rarer. */
std::string
query_tags(const nostr::Filter &filter, const Relations &shown)
{
	double events = archive::event_count();
	double of_kinds = filter.kinds ? archive::kind_share(*filter.kinds).value_or(1) : 1;
	std::optional<double> by_authors;
	if (filter.authors)
		by_authors = archive::author_share(*filter.authors);
	double share = std::max(of_kinds, kLeastShare); // share of the lead's events that are wanted
	auto limit = static_cast<double>(*filter.limit);
	bool rare_kind =
		filter.kinds && !filter.authors && events > 0 && of_kinds * events < limit / share;
	nostr::Filter lead = filter;
	lead.authors.reset();
	if (filter.tags.size() == 1 && !filter.authors && !rare_kind)
		return query_newest(filter, lead, limit / share, shown);
	std::vector<double> counts = archive::tag_counts(filter);
	size_t rarest =
		static_cast<size_t>(std::min_element(counts.begin(), counts.end()) - counts.begin());
	double of_lead = counts[rarest];
	if (rare_kind && of_kinds * events < of_lead)
		return query_rare_kind(filter, shown);
	/* The index on authors also has the kind. */
	double of_authors = of_kinds * by_authors.value_or(0) * events;
	bool has_authors = filter.authors && pg::call([] { return archive::has_author_index(); });
	if (has_authors && of_lead > kFewMatches &&
		of_authors < (of_authors > kFewMatches ? of_lead / kPlaceCost : of_lead)) {
		lead.authors = filter.authors;
		lead.tags.clear();
		share = 1;
		for (double count : counts)
			share *= std::clamp(count / std::max(events, 1.0), kLeastShare, 1.0);
		return query_newest(filter, lead, limit / share, shown);
	}
	lead.tags = {filter.tags[rarest]};
	nostr::Filter beside;
	double rest = std::clamp(by_authors.value_or(1), kLeastShare, 1.0), rest_beside = 1;
	if (has_authors && by_authors && of_authors < kPlaceCost * of_lead) {
		beside.authors = filter.authors;
		std::swap(rest, rest_beside);
	}
	for (size_t i = 0; i < counts.size(); i++) {
		if (i == rarest)
			continue;
		bool is_cheap = counts[i] < kPlaceCost * of_lead;
		if (is_cheap)
			beside.tags.push_back(filter.tags[i]);
		(is_cheap ? rest_beside : rest) *=
			std::clamp(counts[i] / std::max(events, 1.0), kLeastShare, 1.0);
	}
	/* If only few rows of the lead must be read, no other condition is looked up in an index. */
	if (std::min(of_lead, limit / (share * rest * rest_beside)) < kFewMatches / 2)
		return query_newest(filter, lead, limit / (share * rest * rest_beside), shown);
	return query_newest(filter, lead, limit / (share * rest), shown, beside);
}

/* The statement for a filter with authors or tags and a limit, for which the planner would sort all
 * matching events. "" for other filters. */
std::string
query_by_newest(const nostr::Filter &filter, const Relations &shown)
{
	if (!filter.limit || filter.ids || filter.matches_nothing())
		return {};
	if (!filter.tags.empty())
		return pg::call([] { return archive::has_tag_index(); }) ? query_tags(filter, shown) : "";
	if (!filter.authors || !pg::call([] { return archive::has_author_index(); }))
		return {};
	return query_newest(filter, filter, static_cast<double>(*filter.limit), shown);
}

std::string
query_sql(const nostr::Filter &filter, const Relations &shown)
{
	if (filter.search) // NIP-50: ordered by relevance
		return ordered(branch(filter, shown),
					   "_bigbrotr.search_rank(e.kind, e.content, " + literal(*filter.search) +
						   ") DESC, " + kOrder,
					   filter);
	if (std::string out = query_by_newest(filter, shown); !out.empty())
		return out;
	std::vector<nostr::Filter> parts = branches(filter);
	if (parts.size() == 1)
		return ordered(branch(filter, shown), kOrder, filter);
	/* Each branch has its own ORDER BY. Otherwise the planner does not see that the index returns
	 * the rows in order. */
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

/* NIP-45: the limit is ignored, and an event that matches several filters counts once. */
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
		archive::limit_query_time(); // the estimate reads the tag index
		return archive::varlena_datum(query_sql(filters_argument(filters, shown), shown));
	});
}

Datum
count_statement(Datum filters, const Relations &shown)
{
	pg::require_schema();
	return pg::boundary(
		[&] { return archive::varlena_datum(count_sql(filters_argument(filters, shown), shown)); });
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
