/*
 * A job is one conversation with a relay over its connection. The job says when it is over and how.
 * The owner of the job checks its result after each message and each tick.
 */
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "net/intake/intake.h"
#include "net/relay/pacer.h"
#include "net/relay/relay_client.h"

namespace net {

/* How a job ended. If `reason` is set, the connection must be closed. */
struct Result
{
	const char *reason = ""; // a reason code; "": the job ended well
	std::string detail;
};

/* Why a relay sends an event. */
enum class Delivery : uint8_t
{
	Asked, // in answer to a question
	Live,  // unasked
	Needed // in answer to a question by which the worker judges what it holds: it must hear of the
		   // event, even if it seems to know that the relay has the event
};

/* An event older than this number of seconds does not count as new. The worker claims nothing of
 * newer seconds. */
constexpr int64_t kSettled = 900;

/* What was learned about a relay. It is kept from one connection to the next. */
struct Learned
{
	/* Assumed size of an event before any was received, in bytes. */
	static constexpr size_t kTypicalEvent = 2048;

	/* JobContext::ask_for_less() does not reduce the limit of a page below this number of events.
	 */
	static constexpr int kLeastLimit = 10;

	Pacer pacer;
	int page_limit = 0;                 // larger pages ended the connection; 0: none did
	size_t event_bytes = kTypicalEvent; // mean size of an event of its pages

	static constexpr int kGrowsAfter = 16;

	Manners manners;
	/* Largest number of questions at the same time. It grows as the relay answers, and is 1 after a
	 * complaint. */
	int width = manners.first_width;
	int answers = 0;
	int late_events = 0;  // events that came after the EOSE of their question
	int without_eose = 0; // pages without EOSE since the last EOSE

	/* allowed: subscriptions of a connection, by the relay's own words; 0: it does not say. One of
	 * them is for new events. */
	void set_manners(Manners now, uint32_t allowed)
	{
		if (allowed > 0) {
			now.most_width =
				std::min(now.most_width, std::max(int(std::min(allowed, 1000u)) - 1, 1));
			now.first_width = std::min(now.first_width, now.most_width);
		}
		if (manners == now)
			return;
		const bool complained = width == 1 && manners.first_width > 1;
		manners = now;
		width = complained ? 1 : now.first_width;
		pacer.set_least(now.least_pause);
	}
	void answered()
	{
		if (++answers % kGrowsAfter == 0 && width > 1)
			width = std::min(width + 1, manners.most_width);
		/* New events that are dated back look like late ones, but are rare. */
		if (answers % kGrowsAfter == 0 && late_events > 0 && !too_early())
			late_events--;
	}
	/* An event came so long after the message before it of the same answer, or after the question.
	 */
	void waited(Clock::Time::duration gap)
	{
		longest_gap = std::max(gap, longest_gap - longest_gap / kForgets);
		gaps++;
	}
	/* How long an answer that nothing ends is waited for, at most `most`. */
	Clock::Time::duration patience(Clock::Time::duration most) const
	{
		constexpr std::chrono::milliseconds least{300};
		return gaps < kGaps ? most
							: std::clamp<Clock::Time::duration>(8 * longest_gap, least, most);
	}
	static constexpr int kForgets = 1024, kGaps = 100;
	Clock::Time::duration longest_gap{}; // longest wait for an event; shrinks with each event
	uint64_t gaps = 0;

	/* Number of ranges read at the same time. Each range needs two questions: the next page, and
	 * the question that checks the page before. */
	int readers() const { return (width + 1) / 2; }
	/* The relay sends EOSE before its last event. */
	bool too_early() const { return late_events >= 3; }
	/* The relay never sends EOSE. */
	bool no_eose() const { return without_eose >= kNoEose; }
	static constexpr int kNoEose = 3;
};

/* An answer that has ended. */
struct EndedAnswer
{
	std::string id; // of its subscription
	uint32_t filter_id;
	nostr::TimeRange shown; // seconds of which the relay has shown all, by its own words
	int64_t settled;        // an event with a later created_at may be a new one
};

/* What the jobs of one connection work with. */
struct JobContext
{
	RelayClient &client;
	Intake &intake;
	std::shared_ptr<Ledger> ledger;
	Learned &learned;
	static constexpr size_t kSent = 256;
	IdTable sent{kSent}; // events that this relay sent lately; repeats are ignored
	/* pages, questions, delivered, repeated: counted since the last wire::RelayTraffic. */
	uint32_t pages = 0;
	uint32_t questions = 0;
	uint32_t delivered = 0;      // events in answers to questions
	uint32_t repeated = 0;       // those that the same reading had delivered before
	int in_flight = 0;           // questions without an answer yet
	bool heard = false;          // the relay has answered something
	bool events = false;         // the relay has sent an event that was asked for
	bool eose = false;           // the relay has sent EOSE
	int silent_answers = 0;      // that only silence ended, since the last event
	bool repeated_first = false; // the first question was sent twice
	int complaints = 0;          // answers "too fast" since the last other answer
	std::string notice;          // last complaint or notice since the last answer
	nostr::Doubts doubts;        // doubts about everything that this connection delivers
	std::optional<nostr::TimeRange> claimed; // span of its claims without the doubt `auth`
	wire::ReadAs reader = wire::ReadAs::Anonymous;
	std::deque<EndedAnswer> ended;
	bool dropped = false; // an event was dropped because memory was short
	static constexpr int64_t kDay = 86400;
	static constexpr size_t kMostDroppedDays = 100;
	std::set<int64_t> dropped_days; // of dropped events: created_at / kDay
	/* The relay has shown that it compares sets: it offered events that we had kept back, or served
	 * events that it had offered. */
	bool compares = false;

	/* How many events a page may have, the smallest of three numbers: the setting, the learned
	 * limit, and what memory allows. */
	int page_limit() const
	{
		int limit = client.host().config.page_limit;
		if (learned.page_limit > 0)
			limit = std::min(limit, learned.page_limit);
		size_t fitting = intake.budget().largest_page() / learned.event_bytes;
		return int(std::clamp(fitting, size_t(1), size_t(std::max(limit, 1))));
	}
	/* A page was too much for the relay or for the limits of this process, so the pages of the next
	 * connection are half as large. Then at least the pages before the fault are claimed. */
	void ask_for_less()
	{
		const int limit = page_limit();
		learned.page_limit = std::max(limit / 2, std::min(limit, Learned::kLeastLimit));
	}
	/*
	 * Claims wait in the ledger until the events before them are in a batch. Nothing is claimed of
	 * seconds that lay in the future at `asked_at`, when the first question was asked: new events
	 * can still get those times.
	 */
	void claim(const wire::Range &asked, int64_t asked_at, const std::vector<nostr::Claim> &claims)
	{
		ClientHost &host = client.host();
		host.clocks.follow(host.transport.clock);
		const int64_t ahead = host.clocks.ahead();
		std::vector<wire::RelayClaim> said;
		for (nostr::Claim claim : claims) {
			claim.range.upper = std::min(claim.range.upper, asked_at - std::max<int64_t>(ahead, 0));
			if (claim.range.lower > claim.range.upper)
				continue;
			claim.doubts |= doubts;
			if (ahead != 0)
				claim.doubts |= nostr::Doubt::Clock;
			if (!claim.doubts.has(nostr::Doubt::Auth)) {
				include(claimed, claim.range.lower);
				include(claimed, claim.range.upper);
			}
			said.push_back({.relay_id = ledger->relay_id,
							.filter_id = asked.filter_id,
							.reader = reader,
							.purpose = asked.purpose,
							.claim = claim});
		}
		ledger->end_step(std::move(said));
	}
	void retract(uint32_t filter_id, const nostr::Retract &retract)
	{
		ledger->retract({.relay_id = ledger->relay_id, .filter_id = filter_id, .retract = retract});
	}
	/* Events may still come for the answers that ended last. */
	void remember(EndedAnswer answer)
	{
		constexpr size_t most = 32;
		if (ended.size() >= most)
			ended.pop_front();
		ended.push_back(std::move(answer));
	}
	/* False: the event is not passed on, because this relay has sent it lately. */
	bool pass_on(nostr::Event &event, Delivery delivery = Delivery::Asked)
	{
		const bool needed = delivery == Delivery::Needed;
		const bool again = sent.contains(event.id);
		if (again && !needed && !ledger->sampled())
			return false;
		sent.insert(event.id);
		intake.submit(event, ledger, delivery == Delivery::Live, again || needed);
		return true;
	}
	/* As pass_on(), for an event that no page waits for. If memory is short, the event is dropped
	 * and counted. No claim that is made later depends on it, but an earlier one may. */
	bool pass_on_unasked(nostr::Event &event)
	{
		if (!intake.budget().full())
			return pass_on(event, Delivery::Live);
		intake.outbox().refuse(ledger->relay_id, "no_memory", "");
		dropped = true;
		if (event.created_at <= client.host().transport.clock.unix_seconds() - kSettled &&
			dropped_days.size() < kMostDroppedDays)
			dropped_days.insert(event.created_at / kDay);
		return true;
	}
	/* Puts in doubt what was claimed of the days of dropped events. */
	void retract_dropped()
	{
		const bool all = dropped_days.size() == kMostDroppedDays;
		for (int64_t day : std::exchange(dropped_days, {})) {
			nostr::TimeRange range{day * kDay, day * kDay + kDay - 1};
			if (all)
				range = {0, client.host().transport.clock.unix_seconds()};
			retract(0, {range, nostr::Doubt::Contradicted, 1});
			if (all)
				return;
		}
	}
};

} // namespace net
