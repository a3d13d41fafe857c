/*
 * A relay in memory whose whole truth is known, with a switch for each way in which relays answer
 * otherwise than NIP-01 says, and a reader that asks it through a Pager. For tests and the fuzzer.
 */
#pragma once

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "nostr/paging.h"

namespace model {

using namespace nostr;

struct Stored
{
	int64_t created_at = 0;
	Id id{};
	int32_t kind = 1;
	PublicKey author{};
	bool hidden = false;  // shown to its readers only
	bool refused = false; // shown, but no event to us
	uint32_t order = 0;   // of insertion; its popularity
	int size = 1;
};

inline Id
id_of(uint64_t number)
{
	Id id{};
	id.back() = 1;
	for (int i = 0; i < 8; i++)
		id[i] = static_cast<uint8_t>(number >> 8 * i);
	return id;
}

struct Switches
{
	int cap = 500;
	bool hidden_count = true;  // hidden events count against the limit
	bool hidden_kinds = false; // also where kinds are named
	bool until_exclusive = false, since_exclusive = false;
	bool ascending = false;     // the newest ones, but oldest first
	bool oldest = false;        // the oldest ones, oldest first
	bool by_insertion = false;  // those inserted last, in that order
	bool by_popularity = false; // the most popular ones, sorted by time
	int stores = 1;             // each with a cap of its own, one after the other
	bool stores_merged = false; // the same, sorted
	int kind_cap = 0;           // of each kind, sorted
	int author_cap = 0;         // of each author, sorted; not where authors are named
	bool ignores_until = false;
	int byte_cap = 0;      // of an answer
	int64_t look_back = 0; // seconds, where no kinds are named
	bool pinned = false;   // an old event closes every answer
	bool ignores_limit = false;
	bool repeats = false;        // sends everything twice
	bool more = false;           // a hint of NIP-67
	int lost_answers = 0;        // one of so many is empty
	bool notice_on_lost = false; // and a NOTICE says so
	int silent_from = 0;         // number of the first question that is answered with nothing
	int silent_until = 0;        // number of the first question after it that is answered
	bool refuses_kinds = false;  // CLOSED where kinds are named
	bool kinds_empty = false;    // nothing where kinds are named
	int foreign = 0;             // events newer than `until` in every answer
};

class Relay
{
  public:
	Relay(std::vector<Stored> events, Switches switches, std::function<uint32_t(uint32_t)> upto)
		: events_(std::move(events)), is_(switches), upto_(std::move(upto))
	{
		std::sort(events_.begin(), events_.end(), newer);
	}

	struct Reply
	{
		std::vector<Stored> events;
		bool more = false, notice = false, closed = false;
	};

	Reply ask(const Window &window)
	{
		Reply reply;
		if (window.kinds.size() > 20)
			std::abort(); // @nostr-relay refuses such questions
		if (is_.lost_answers > 0 && upto_(uint32_t(is_.lost_answers)) == 0) {
			reply.notice = is_.notice_on_lost;
			return reply;
		}
		const int number = asked_++;
		if (number >= is_.silent_from && number < is_.silent_until)
			return reply;
		if (is_.kinds_empty && !window.kinds.empty())
			return reply;
		if (is_.refuses_kinds && !window.kinds.empty()) {
			reply.closed = true;
			return reply;
		}
		std::vector<Stored> matching;
		for (const Stored &event : events_)
			if (matches(event, window))
				matching.push_back(event);
		const size_t cap = is_.ignores_limit
							   ? size_t(is_.cap)
							   : std::min(size_t(is_.cap), size_t(window.limit.value_or(is_.cap)));
		const size_t all = matching.size();
		choose(matching, cap, window.authors.empty() ? is_.author_cap : 0);
		reply.more = is_.more && matching.size() < all;
		std::erase_if(matching, [](const Stored &event) { return event.hidden; });
		if (is_.pinned && !events_.empty() && !matching.empty() &&
			!(events_.back().created_at < window.since.value_or(0)))
			matching.push_back(events_.back());
		for (int i = 0; i < is_.foreign && window.until; i++)
			matching.insert(matching.begin(), Stored{*window.until + 5, id_of((1u << 30) + i)});
		if (is_.repeats) {
			std::vector<Stored> twice;
			for (const Stored &event : matching)
				twice.insert(twice.end(), 2, event);
			matching.swap(twice);
		}
		reply.events = std::move(matching);
		return reply;
	}

	const std::vector<Stored> &events() const { return events_; }
	/* Is there a question whose answer has this event? */
	bool serves(const Stored &event) const { return !event.hidden && !event.refused; }

  private:
	static bool newer(const Stored &a, const Stored &b)
	{
		return a.created_at != b.created_at ? a.created_at > b.created_at : a.id < b.id;
	}
	template <class List, class Value> static bool listed(const List &list, const Value &value)
	{
		return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
	}
	bool matches(const Stored &event, const Window &window) const
	{
		const int64_t until = window.until.value_or(INT64_MAX), since = window.since.value_or(0);
		if (is_.until_exclusive && window.until && event.created_at >= until)
			return false;
		if (is_.since_exclusive && window.since && event.created_at <= since)
			return false;
		if (is_.look_back > 0 && window.kinds.empty() && !window.since &&
			event.created_at < std::min(until, events_.front().created_at) - is_.look_back)
			return false;
		if (event.hidden && (!is_.hidden_count || (!window.kinds.empty() && !is_.hidden_kinds)))
			return false;
		return event.created_at >= since && (event.created_at <= until || is_.ignores_until) &&
			   listed(window.kinds, event.kind) && listed(window.authors, event.author);
	}
	/* Leaves `cap` of them, in the order in which they are sent. They are newest first. */
	void choose(std::vector<Stored> &events, size_t cap, int author_cap) const
	{
		if (author_cap > 0) {
			std::map<PublicKey, int> shown;
			std::erase_if(events, [&](const Stored &e) { return shown[e.author]++ >= author_cap; });
		}
		auto keep = [&](auto less) {
			std::stable_sort(events.begin(), events.end(), less);
			if (events.size() > cap)
				events.resize(cap);
		};
		if (is_.oldest)
			return keep([](const Stored &a, const Stored &b) { return newer(b, a); });
		if (is_.by_insertion)
			return keep([](const Stored &a, const Stored &b) { return a.order > b.order; });
		if (is_.by_popularity) {
			keep([](const Stored &a, const Stored &b) { return a.order > b.order; });
			std::sort(events.begin(), events.end(), newer);
			return;
		}
		if (is_.stores > 1 || is_.kind_cap > 0) {
			std::map<int, std::vector<Stored>> parts;
			for (const Stored &event : events) {
				const bool by_kind = is_.kind_cap > 0;
				auto &part = parts[by_kind ? event.kind : event.kind % is_.stores];
				if (part.size() < (by_kind ? size_t(is_.kind_cap) : cap))
					part.push_back(event);
			}
			events.clear();
			for (const auto &part : parts)
				events.insert(events.end(), part.second.begin(), part.second.end());
			if (is_.kind_cap > 0 || is_.stores_merged)
				std::sort(events.begin(), events.end(), newer);
			return;
		}
		keep(newer);
		if (is_.byte_cap > 0) {
			int bytes = 0;
			size_t fit = 0;
			while (fit < events.size() && (bytes += events[fit].size) <= is_.byte_cap)
				fit++;
			events.resize(fit);
		}
		if (is_.ascending)
			std::reverse(events.begin(), events.end());
	}

	std::vector<Stored> events_; // newest first
	Switches is_;
	std::function<uint32_t(uint32_t)> upto_;
	int asked_ = 0; // number of questions
};

struct Pass
{
	std::vector<Claim> claims;
	std::set<std::pair<int64_t, Id>> delivered;
	int questions = 0, pages = 0, raw = 0;
	int64_t repeated = 0;
	bool ended = false;
};

/* Reads the range with as many readers as it can be split among, oldest question first. */
inline Pass
read(Relay &relay, TimeRange range, int limit, Habits &habits, int readers = 1, int most = 20000,
	 Pager::Way way = Pager::Way::Pages)
{
	Pass pass;
	std::deque<Pager> pagers;
	pagers.emplace_back(range, limit, Conditions{}, habits, way);
	while (pass.questions < most) {
		bool asked = false;
		for (size_t i = 0; i < pagers.size(); i++) {
			Pager &pager = pagers[i];
			std::vector<Pager::Question> questions;
			while (auto question = pager.next())
				questions.push_back(*question);
			for (const Pager::Question &question : questions) {
				asked = true;
				pass.questions++;
				pass.pages += question.page;
				Relay::Reply reply = relay.ask(question.window);
				if (reply.notice)
					pager.doubt(Doubt::Notice);
				Answer *answer = pager.answer(question.number);
				if (!answer)
					continue;
				for (const Stored &event : reply.events) {
					if (answer->raw() >= 2 * *question.window.limit) {
						answer->cut();
						break;
					}
					if (event.refused)
						answer->refuse(event.created_at);
					else if (answer->add({event.created_at, event.id, event.kind, event.author},
										 size_t(event.size)))
						pass.delivered.emplace(event.created_at, event.id);
				}
				pass.raw += answer->raw();
				if (reply.more)
					answer->hint_more();
				const auto claims = reply.closed && !question.page ? pager.fail(question.number)
																   : pager.end(question.number);
				pass.claims.insert(pass.claims.end(), claims.begin(), claims.end());
			}
			if (int(pagers.size()) < readers)
				if (auto part = pager.split())
					pagers.emplace_back(*part, limit, Conditions{}, habits, way);
		}
		if (!asked)
			break;
	}
	pass.ended = true;
	for (Pager &pager : pagers) {
		pass.ended &= pager.done();
		pass.repeated += pager.repeated();
	}
	return pass;
}

/* Events of the range that the relay serves and the claim of that class covers, and that did not
 * come. */
inline int
missing(const Relay &relay, const Pass &pass, Evidence least)
{
	int count = 0;
	for (const Stored &event : relay.events()) {
		if (!relay.serves(event) || pass.delivered.contains({event.created_at, event.id}))
			continue;
		for (const Claim &claim : pass.claims)
			if (claim.evidence >= least && claim.range.lower <= event.created_at &&
				event.created_at <= claim.range.upper) {
				count++;
				break;
			}
	}
	return count;
}

} // namespace model
