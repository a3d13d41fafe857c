/*
 * What was learned about how a relay answers, while it was read: outlives a range, and is shared by
 * the ranges of one filter that are read at the same time.
 */
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "answer.h"

namespace nostr {

/* The members that stand in every question about the events of one filter (NIP-01). */
struct Conditions
{
	std::string members;  // of the filter's JSON object, without since, until and limit
	bool kinds = false;   // they name kinds, so that a question cannot name others
	bool authors = false; // likewise
};

struct Habits
{
	/* `until` is inclusive (NIP-01); some relays leave its second out. */
	enum class Until : uint8_t
	{
		Unknown,
		Inclusive,
		Exclusive
	};

	static constexpr size_t kMost = 64; // kinds, and authors, that are remembered

	Until until = Until::Unknown;
	int largest_page = 0;         // of several seconds
	int overlong = 1;             // the limit is multiplied by this: the relay ignores limits
	int faults = 0;               // answers with a hole, or out of order
	bool hides = false;           // it showed nothing older, and there was something
	bool takes_kinds = true;      // questions that name kinds bring events of these kinds
	int taints = 0;               // pages that were asked again for a doubt
	std::optional<int64_t> known; // a second at or before which the relay has shown something
	std::vector<int32_t> kinds;   // that the relay has shown
	std::vector<PublicKey> authors;

	/* A relay that gave wrong answers is asked in small windows that check each other. */
	bool orderly() const { return faults < 3; }
	int64_t until_of(int64_t second) const
	{
		return until == Until::Exclusive && second < INT64_MAX ? second + 1 : second;
	}
	void note(const SeenSet &events)
	{
		for (const Seen &event : events) {
			known = std::max(known.value_or(0), event.created_at);
			remember(kinds, event.kind);
			if (authors.size() < kMost)
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

/* Questions with few events: what they show was shown before, or should not exist. */
constexpr int kFew = 10;

} // namespace nostr
