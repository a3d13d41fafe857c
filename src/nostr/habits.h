/*
 * How a relay answers, as learned while it was read. The habits are kept from range to range, and
 * ranges of one filter that are read at the same time share them.
 */
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "answer.h"
#include "facts.h"

namespace nostr {

/* The members of every question about the events of one filter (NIP-01). */
struct Conditions
{
	std::string members;  // of the filter's JSON object, without since, until and limit
	bool kinds = false;   // the members name kinds, so a question cannot name others
	bool authors = false; // the same for authors
};

struct Habits
{
	/* Whether `until` is inclusive, as NIP-01 says. Some relays exclude its second. */
	enum class Until : uint8_t
	{
		Unknown,
		Inclusive,
		Exclusive
	};

	/* What a question may name without being refused. */
	enum class Names : uint8_t
	{
		All,
		Authors,
		OwnAuthors // only authors of whom the asked time has shown an event
	};

	static constexpr size_t kMost = 64; // largest number of kinds, and of authors, remembered

	Until until = Until::Unknown;
	int largest_page = 0;     // largest page of several seconds
	size_t largest_bytes = 0; // largest size of all events of an answer
	int overlong = 1;         // factor for the limit, because the relay ignores limits
	int faults = 0;           // answers that had a hole or were out of order
	bool hides = false;       // the relay showed no older event although it had one
	bool takes_kinds = true;  // questions that name kinds are answered with these kinds
	int left_out = 0;         // times that more was shown once kinds or authors were named
	int halved = 0;           // windows, see halves_more()
	Names names = Names::All;
	int refused_names = 0;        // questions with names that were not answered
	int overflows = 0;            // answers with more events than were asked for
	bool ignores_until = false;   // events were asked for without `until`, which the relay ignores
	int taints = 0;               // pages asked again because of a doubt
	int silences = 0;             // questions about known events that were answered with none
	std::optional<int64_t> known; // a second such that the relay has shown an event at or before it
	std::vector<int32_t> kinds;   // kinds that the relay has shown
	std::vector<PublicKey> authors;

	/*
	 * Whether the relay leaves events out of its answers. One that sends more than was asked for
	 * merges the answers of stores that have limits of their own, and an older event of one store
	 * does not show that no other was cut. A single time may be due to an event that came to the
	 * relay just then.
	 */
	bool leaves_out() const { return left_out > 1 || overflows > 1; }
	/* Whether one more window is halved because its answers lacked events, or were not whole by the
	 * relay's own words. */
	bool halves_more() { return ++halved <= 50; }
	/* Whether pages can be used. A relay that gave wrong answers is read in small windows that
	 * check each other. */
	bool orderly() const { return faults < 3; }
	int64_t until_of(int64_t second) const
	{
		return until == Until::Exclusive && second < INT64_MAX ? second + 1 : second;
	}
	void note(const SeenSet &events)
	{
		for (const SeenEvent &event : events) {
			known = std::max(known.value_or(0), event.created_at);
			remember(kinds, event.kind);
			if (!is_private(event.kind)) // gift wraps have an author each
				remember(authors, event.author);
		}
	}

  private:
	static void remember(auto &list, const auto &value)
	{
		if (list.size() < kMost && std::find(list.begin(), list.end(), value) == list.end())
			list.push_back(value);
	}
};

/* Number of events in questions that should show no new event. */
constexpr int kFew = 10;

/* Largest numbers of kinds and of authors in one question; relays refuse longer lists
 * (@nostr-relay: more than 20 kinds). */
constexpr size_t kMostKinds = 20, kMostNamed = 100;

} // namespace nostr
