#include "mention_tally.h"

#include <algorithm>

namespace archive {

void
Tally::add(int64_t seen_at)
{
	count++;
	first = std::min(first, seen_at);
	last = std::max(last, seen_at);
}

void
MentionTally::add(std::string_view author, int64_t seen_at,
				  std::span<const nostr::RelayMention> mentions)
{
	std::unordered_set<const Relays::value_type *> *named = nullptr;
	for (const nostr::RelayMention &mention : mentions) {
		mentions_++;
		if (!mention.relay.ok()) {
			refused_[{mention.relay.reason, mention.name}].add(seen_at);
			continue;
		}
		if (mention.relay.network == nostr::Network::Local && !allow_local_) {
			refused_[{"local_address", mention.relay.url}].add(seen_at);
			continue;
		}
		auto relay =
			relays_.try_emplace(mention.relay.url, Relay{.network = mention.relay.network}).first;
		relay->second.places[static_cast<size_t>(mention.place)].add(seen_at);
		if (mention.place == nostr::MentionPlace::Blocked)
			continue;
		if (named == nullptr)
			named = &authors_[std::string(author)];
		named->insert(&*relay);
	}
}

} // namespace archive
