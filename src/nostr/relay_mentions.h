/*
 * Finds the places in an event that name relays: relay lists, hints in tags, texts, and events
 * within events. Each name is normalised (relay_url.h). Input is hostile: an event gives at most
 * kMostMentions mentions of at most kMostNames names; a name that repeats a recent one does not
 * count.
 */
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "relay_url.h"

namespace nostr {

enum class MentionPlace : uint8_t
{
	RelayList,   // r tags of kind 10002 (NIP-65)
	List,        // other lists of the author: kinds 10000 .. 19999, relay sets
	Contacts,    // keys of the content of kind 3
	Monitor,     // relays that a monitor reports on (NIP-66)
	Event,       // relays that belong to a channel, a zap, a poll, a job, a repository …
	Recommended, // content of kind 2
	Hint,        // any other tag with a ws:// or wss:// URL
	Embedded,    // tags of an event within the event: reposts, zap requests, job requests
	Nip19,       // nprofile, nevent, naddr or nrelay in the content
	Connection,  // bunker://, nostrconnect://, nostr+walletconnect://, nostr:// in the content
	Text,        // ws:// or wss:// in the content
	Blocked      // relays that an author avoids (kind 10006)
};
constexpr size_t kMentionPlaces = 12;

/* The name of a place, such as "relay_list". */
const char *mention_place_name(MentionPlace place);

struct RelayMention
{
	MentionPlace place = MentionPlace::Hint;
	RelayUrl relay;   // the relay, or why the name is refused
	std::string name; // the name as written, cut to kLongestName bytes; set only if it is refused
};

/* Receives the names that are found. */
class MentionSink
{
  public:
	virtual ~MentionSink() = default;
	/* `name` is valid only during the call. */
	virtual void add(MentionPlace place, std::string_view name, UrlMode mode) = 0;
};

/* Finds names in a text (NIP-21, NIP-46, NIP-47, plain URLs), which must be valid UTF-8. */
void find_relays_in_text(std::string_view text, MentionSink &sink);

/* Finds the mentions in events. The object keeps its memory between calls. */
class RelayMentions final : private MentionSink
{
  public:
	static constexpr size_t kMostMentions = 500;
	static constexpr size_t kMostNames = 5000;
	static constexpr size_t kLongestName = 200;

	/*
	 * `tags`: packed (packed_tags.h); corrupt tags are read up to the fault. `content`: valid
	 * UTF-8. No two mentions have the same place and URL, or the same place and refused name. The
	 * mentions are valid until the next call.
	 */
	std::span<const RelayMention> of(int32_t kind, std::string_view tags, std::string_view content);

  private:
	void add(MentionPlace place, std::string_view name, UrlMode mode) override;
	bool is_repeated(MentionPlace place, std::string_view name, UrlMode mode);
	bool add_parts(MentionPlace place, std::string_view name);
	void keep(MentionPlace place, RelayUrl &&relay, std::string_view name);
	void add_tags(int32_t kind, std::string_view tags, int depth);
	void add_tag(int32_t kind, class TagReader &reader, int depth);
	void add_item(int32_t kind, std::string_view tag, size_t index, std::string_view item);
	void add_content(int32_t kind, std::string_view content, int depth);
	bool add_contacts(std::string_view json);
	bool add_channel(std::string_view json);
	bool add_embedded(std::string_view json, int depth);

	std::vector<RelayMention> mentions_; // the first count_ are in use
	size_t count_ = 0, names_ = 0;
	uint64_t event_ = 0;                  // number of the current call
	std::array<uint64_t, 1024> recent_{}; // hashes of names, each at an index that the hash gives
	bool embedded_ = false;               // the place of all tags is Embedded
};

} // namespace nostr
