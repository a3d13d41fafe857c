#include "workers/monitor/ingest.h"

#include <algorithm>

#include "pg/border/spi.h"
#include "workers/monitor/facts.h"
#include "workers/monitor/plan.h"

namespace {

using wire::Outcome, wire::Step, wire::Verdict;

pg::Statement record_statement("SELECT _bigbrotr.record_visits($1, $2, $3, $4, $5, $6, $7, $8, $9, "
							   "$10, $11, $12, $13, $14, $15, $16)");

const wire::StepResult &
step(const wire::Visited &visited, Step wanted)
{
	return visited.steps[static_cast<size_t>(wanted)];
}

const char *
contradiction(const wire::Visited &v)
{
	for (const wire::StepResult &s : v.steps) {
		if (s.outcome == Outcome::Ok && !s.reason.empty())
			return "a step that went well has a reason";
		if (s.outcome == Outcome::Failed && s.reason.empty())
			return "a step failed without a reason";
	}
	if (v.verdict == Verdict::Nostr && step(v, Step::Upgrade).outcome != Outcome::Ok)
		return "a relay answered without a WebSocket";
	if (step(v, Step::Read).outcome == Outcome::Ok && v.verdict != Verdict::Nostr)
		return "a relay that answered counts as one that did not";
	if (!v.document.empty() && !v.document.front().json.empty() &&
		step(v, Step::Document).outcome != Outcome::Ok)
		return "there is a document that was not served";
	return nullptr;
}

/* The outcome in the words of _bigbrotr.observe_relay. */
std::string_view
outcome_of(Verdict verdict)
{
	switch (verdict) {
	case Verdict::Nostr:
		return "answered";
	case Verdict::NotNostr:
	case Verdict::Down:
		return "failed";
	case Verdict::Refused:
		return "refused";
	case Verdict::Unreachable:
	case Verdict::Blind:
		break;
	}
	return "unknown";
}

/* The reason of the first step that failed; empty if the relay answered. Steps that were not run
 * have reasons too, so they are skipped. */
std::string_view
reason_of(const wire::Visited &v)
{
	if (v.verdict == Verdict::Nostr)
		return "";
	for (const wire::StepResult &s : v.steps)
		if (s.outcome == Outcome::Failed && s.step <= Step::Read)
			return s.reason;
	return "not_nostr";
}

/* Whether a step was successful; null if it was not run. */
std::optional<bool>
done(const wire::Visited &v, Step wanted)
{
	Outcome outcome = step(v, wanted).outcome;
	return outcome == Outcome::NotRun ? std::nullopt : std::optional(outcome == Outcome::Ok);
}

/* Total of the steps in milliseconds; null if one of them failed or was not measured. */
std::optional<int32_t>
milliseconds(const wire::Visited &v, std::initializer_list<Step> steps)
{
	constexpr int64_t most = 3600 * int64_t{1000000};
	int64_t sum = 0;
	for (Step one : steps) {
		const wire::StepResult &s = step(v, one);
		if (one == Step::Tls && s.outcome == Outcome::NotRun)
			continue; // a URL with ws:// has no TLS step
		if (s.outcome != Outcome::Ok || s.microseconds < 0)
			return std::nullopt;
		sum += std::min(s.microseconds, most);
	}
	return static_cast<int32_t>((sum + 500) / 1000);
}

/* One visit with the values that record_visits takes. */
struct VisitRow
{
	const wire::Visited *visited;
	int64_t at;
	std::string facts, story;
	bool tried;
};

} // namespace

void
check_visits(const wire::VisitBatch &batch, const VisitBook &book)
{
	for (const wire::Visited &v : batch.visits) {
		if (!book.was_handed_out(v.attempt))
			throw pg::NetFault{.reason = "it spoke of visit " + std::to_string(v.attempt) +
										 ", which was not handed out to it"};
		if (const char *fault = contradiction(v))
			throw pg::NetFault{.reason = "relay " + std::to_string(v.relay_id) + ": " + fault};
	}
}

int64_t
store_visits(pg::Worker &worker, const wire::VisitBatch &batch, const VisitBook &book,
			 const std::string &owner)
{
	const int64_t now = worker.now();
	std::vector<VisitRow> rows;
	for (const wire::Visited &v : batch.visits) {
		const HandedVisit *visit = book.find(v.relay_id, v.attempt);
		if (!visit)
			continue;
		bool answered = v.verdict == Verdict::Nostr;
		rows.push_back({.visited = &v,
						.at = std::clamp(v.started_at, std::min(visit->handed_at, now), now),
						.facts = facts_of(v),
						.story = story_of(v),
						.tried = visit->try_nips && answered});
	}
	if (rows.empty())
		return 0;
	auto flags = [&](auto of) {
		return pg::bool_array(rows.size(),
							  [&](size_t i) -> std::optional<bool> { return of(rows[i]); });
	};
	auto numbers = [&](auto of) {
		return pg::int4_array(rows.size(),
							  [&](size_t i) -> std::optional<int32_t> { return of(rows[i]); });
	};
	auto texts = [&](auto of) {
		return pg::text_array(
			rows.size(), [&](size_t i) -> std::optional<std::string_view> { return of(rows[i]); });
	};
	int64_t stored = 0;
	worker.transaction_with_retries("storing visits", {.durable = false}, [&] {
		using Text = std::optional<std::string_view>;
		stored =
			record_statement
				.run(
					{pg::value(std::string_view(owner)),
					 numbers([](const VisitRow &r) { return r.visited->relay_id; }),
					 pg::int8_array(rows.size(),
									[&](size_t i) -> std::optional<int64_t> { return rows[i].at; }),
					 texts([](const VisitRow &r) { return outcome_of(r.visited->verdict); }),
					 texts([](const VisitRow &r) { return reason_of(*r.visited); }),
					 flags([](const VisitRow &r) { return done(*r.visited, Step::Upgrade); }),
					 flags([](const VisitRow &r) { return done(*r.visited, Step::Read); }),
					 flags([](const VisitRow &r) { return done(*r.visited, Step::Write); }),
					 numbers([](const VisitRow &r) {
						 return milliseconds(*r.visited, {Step::Connect, Step::Tls, Step::Upgrade});
					 }),
					 numbers(
						 [](const VisitRow &r) { return milliseconds(*r.visited, {Step::Read}); }),
					 numbers(
						 [](const VisitRow &r) { return milliseconds(*r.visited, {Step::Write}); }),
					 texts([](const VisitRow &r) {
						 const auto &documents = r.visited->document;
						 return documents.empty() || documents.front().json.empty()
									? Text()
									: Text(documents.front().json);
					 }),
					 texts([](const VisitRow &r) { return Text(r.facts); }),
					 texts([](const VisitRow &r) { return Text(r.story); }),
					 flags([](const VisitRow &r) { return r.tried; }),
					 pg::value(std::string_view(monitor_pace()))})
				.integer(0, 1);
	});
	return stored;
}
