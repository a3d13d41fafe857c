/*
 * Counts what many events say about relays, before the counts go into tables. Events are added one
 * by one. `seen_at`: Unix second at which the event was archived.
 */
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "nostr/relay_mentions.h"

namespace archive {

/* The number of events with a name, and when the first and the last of them were archived. */
struct Tally
{
	int64_t count = 0;
	int64_t first = std::numeric_limits<int64_t>::max();
	int64_t last = std::numeric_limits<int64_t>::min();

	void add(int64_t seen_at);
};

class MentionTally
{
  public:
	/* A relay with its network and its mentions in each place. */
	struct Relay
	{
		nostr::Network network = nostr::Network::Clearnet;
		std::array<Tally, nostr::kMentionPlaces> places{};
	};
	using Relays = std::unordered_map<std::string, Relay>; // by normalised URL

	/* `allow_local`: relays that are not publicly reachable count; otherwise they are refused. */
	explicit MentionTally(bool allow_local) : allow_local_(allow_local) {}
	void add(std::string_view author, int64_t seen_at,
			 std::span<const nostr::RelayMention> mentions);

	int64_t mentions() const { return mentions_; } // includes refused ones
	const Relays &relays() const { return relays_; }
	/* By public key: the relays that the author names, except those to avoid. */
	const auto &authors() const { return authors_; }
	/* By reason code and name. */
	const auto &refused() const { return refused_; }

  private:
	bool allow_local_;
	int64_t mentions_ = 0;
	Relays relays_;
	std::unordered_map<std::string, std::unordered_set<const Relays::value_type *>> authors_;
	std::map<std::pair<std::string, std::string>, Tally> refused_;
};

} // namespace archive
