/*
 * A job is one conversation with a relay over its connection. It says when it is over and how; its
 * owner looks after each message and each tick.
 */
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/intake/intake.h"
#include "net/relay/pacer.h"
#include "net/relay/relay_client.h"

namespace net {

/* How a job ended. With a reason, the connection has to be closed. */
struct Result
{
	const char *reason = ""; // a reason code; "": the job ended well
	std::string detail;
};

/* What was learned about a relay; outlives its connections. */
struct Learned
{
	/* Bytes that an event of unknown size is taken for. */
	static constexpr size_t kTypicalEvent = 2048;

	/* Events of a page, at least. */
	static constexpr int kLeastLimit = 10;

	Pacer pacer;
	int page_limit = 0;                 // a larger one made it stall; 0: nothing learned
	size_t event_bytes = kTypicalEvent; // mean size of an event of its pages

	static constexpr int kGrowsAfter = 16;

	Manners manners;
	/* Questions at the same time: more as they are answered. A relay that complains is asked one
	 * question after the other. */
	int width = manners.first_width;
	int answers = 0;
	int late_events = 0;  // that came after their answer had been said to be whole
	int without_eose = 0; // full pages that the relay did not end, since an EOSE

	void set_manners(const Manners &now)
	{
		if (manners == now)
			return;
		manners = now;
		width = now.first_width;
		pacer.set_least(now.least_pause);
	}
	void answered()
	{
		if (++answers % kGrowsAfter == 0 && width > 1)
			width = std::min(width + 1, manners.most_width);
	}
	/* Ranges at the same time: each has a page under way, and what checks the page before. */
	int readers() const { return (width + 1) / 2; }
	/* It has sent EOSE before its last event. */
	bool too_early() const { return late_events >= 3; }
	/* It never says that all has come. */
	bool no_eose() const { return without_eose >= 3; }
};

/* What the jobs of one connection work with. */
struct JobContext
{
	RelayClient &client;
	Intake &intake;
	std::shared_ptr<Ledger> ledger;
	Learned &learned;
	static constexpr size_t kSent = 256;
	IdTable sent{kSent}; // events that this relay sent lately: repeats are ignored
	uint32_t pages = 0;  // this and the next three: since they were accounted
	uint32_t questions = 0;
	uint32_t delivered = 0;      // events in answer to questions
	uint32_t repeated = 0;       // of these: shown before to the same reading
	int in_flight = 0;           // questions
	bool heard = false;          // the relay has answered something
	bool repeated_first = false; // the first question
	int complaints = 0;          // "too fast", since the last answer
	std::string notice;          // last complaint or notice since an answer
	nostr::Doubts doubts;        // against everything that this connection brings
	wire::ReadAs reader = wire::ReadAs::Anonymous;
	bool dropped = false; // an event for want of memory
	/* The relay has shown that it compares sets: it offered what was kept back, or served what it
	 * offered. */
	bool compares = false;

	/*
	 * Claims wait in the ledger for the events that came before. Nothing is claimed of seconds that
	 * had not come when the first question was asked, at `asked_at`: they can still get events.
	 */
	void claim(const wire::Range &asked, int64_t asked_at, const std::vector<nostr::Claim> &claims)
	{
		const int64_t ahead = client.host().clocks.ahead();
		std::vector<wire::Claim> said;
		for (nostr::Claim claim : claims) {
			claim.range.upper = std::min(claim.range.upper, asked_at - std::max<int64_t>(ahead, 0));
			if (claim.range.lower > claim.range.upper)
				continue;
			claim.doubts |= doubts;
			if (ahead != 0)
				claim.doubts |= nostr::Doubt::Clock;
			said.push_back({.relay_id = ledger->relay_id,
							.filter_id = asked.filter_id,
							.reader = reader,
							.purpose = asked.purpose,
							.claim = claim});
		}
		ledger->end_step(std::move(said));
	}
	/* False: the relay has just sent this event, so it is ignored. */
	bool pass_on(nostr::Event &event, bool live = false)
	{
		bool again = sent.contains(event.id);
		if (again && !ledger->sampled())
			return false;
		sent.insert(event.id);
		intake.submit(event, ledger, client.host().transport.clock.unix_seconds(), live, again);
		return true;
	}
	/* The same for an event that no page waits for. No claim rests on it, so it is dropped and
	 * counted when there is no memory for it. */
	bool pass_on_unasked(nostr::Event &event)
	{
		if (!intake.budget().full())
			return pass_on(event, true);
		intake.outbox().refuse(ledger->relay_id, "no_memory", "");
		dropped = true;
		return true;
	}
};

} // namespace net
