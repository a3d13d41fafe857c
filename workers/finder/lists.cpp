#include "workers/finder/lists.h"

#include "pg/border/spi.h"

namespace {

using namespace std::chrono_literals;

constexpr auto kLookEvery = 2s;
/* A fetch takes less time than this. */
constexpr int64_t kLease = 600; // seconds

pg::Statement any_statement("SELECT EXISTS (SELECT FROM _bigbrotr.added_sources WHERE enabled)");
pg::Statement take_statement("SELECT url, path, etag, modified_at, max_bytes, max_names "
							 "FROM _bigbrotr.take_relay_sources($1, $2, $3)");
pg::Statement
	record_statement("SELECT _bigbrotr.record_fetch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
pg::Statement
	failed_statement("SELECT _bigbrotr.record_fetch($1, $2, 0, $3, $4, '', '', NULL, 0, 0)");

} // namespace

void
Lists::tend(pg::Worker &worker)
{
	if (worker.steady_now() < next_look_)
		return;
	next_look_ = worker.steady_now() + kLookEvery;
	const auto places = static_cast<int32_t>(wire::kMaxFetches - under_way_.size());
	std::vector<wire::Fetch> plan;
	std::vector<std::string> texts;
	worker.transaction_with_retries("looking for lists that are due", {}, [&] {
		plan.clear();
		texts.clear();
		any_ = any_statement.run().integer(0, 1) != 0;
		if (!any_ || !worker.net_running() || places == 0)
			return;
		pg::Rows rows =
			take_statement.run({pg::value(places), pg::value(worker.now()), pg::value(kLease)});
		for (uint64_t row = 0; row < rows.count(); row++) {
			for (int column = 1; column <= 4; column++)
				texts.emplace_back(rows.bytes(row, column));
			plan.push_back({.max_bytes = static_cast<int>(rows.integer(row, 5)),
							.max_names = static_cast<int>(rows.integer(row, 6))});
		}
	});
	for (size_t i = 0; i < plan.size(); i++) {
		wire::Fetch &fetch = plan[i];
		const std::string *text = &texts[4 * i];
		fetch.attempt = ++attempts_;
		fetch.url = text[0];
		fetch.path = text[1];
		fetch.etag = text[2];
		fetch.modified_since = text[3];
		under_way_[fetch.attempt] = {.url = text[0],
									 .max_names = static_cast<size_t>(fetch.max_names)};
		worker.send(fetch);
	}
}

void
Lists::take(pg::Worker &worker, const wire::Fetched &fetched, int32_t names_per_site)
{
	auto found = under_way_.find(fetched.attempt);
	if (found == under_way_.end())
		throw pg::NetFault{.reason = "it spoke of list " + std::to_string(fetched.attempt) +
									 ", which is not under way"};
	const Handed list = found->second;
	if (fetched.names.size() > list.max_names)
		throw pg::NetFault{.reason = "it names more relays than a list may have"};
	under_way_.erase(found);
	const bool read = fetched.outcome == wire::FetchOutcome::Read;
	std::string detail(fetched.detail);
	int64_t added = 0;
	worker.transaction_with_retries("storing a list", {}, [&] {
		using Text = std::optional<std::string_view>;
		added =
			record_statement
				.run({pg::value(std::string_view(list.url)), pg::value(worker.now()),
					  pg::value(static_cast<int32_t>(fetched.http_status)),
					  pg::value(fetched.reason), pg::value(fetched.detail), pg::value(fetched.etag),
					  pg::value(fetched.modified_at),
					  read ? pg::text_array(fetched.names.size(),
											[&](size_t i) { return Text(fetched.names[i].text); })
						   : pg::null(TEXTARRAYOID),
					  pg::value(int64_t{fetched.other_values}), pg::value(names_per_site)})
				.integer(0, 1);
	});
	worker.count("lists_fetched", 1);
	worker.count("candidates_found", added);
	if (fetched.outcome == wire::FetchOutcome::Failed)
		worker.log(wire::LogLevel::Info, "list " + list.url + " could not be read: " +
											 std::string(fetched.reason) + ": " + detail);
	else if (read)
		worker.log(wire::LogLevel::Info, "list " + list.url + " has " +
											 std::to_string(fetched.names.size()) + " names" +
											 (fetched.cut ? " and more, which are left out" : ""));
}

void
Lists::fail_all(pg::Worker &worker)
{
	for (const auto &[attempt, list] : under_way_)
		worker.transaction_with_retries("noting a lost fetch", {}, [&] {
			failed_statement.run({pg::value(std::string_view(list.url)), pg::value(worker.now()),
								  pg::value(std::string_view("net_process_lost")),
								  pg::value(std::string_view("the net process ended meanwhile"))});
		});
	under_way_.clear();
}
