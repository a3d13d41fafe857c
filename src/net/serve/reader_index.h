/*
 * Finds the readers that wait for an event. A filter is kept under the values of one of its
 * conditions, the one that the fewest events meet; an event is compared with the filters that are
 * kept under a value of its own, and with those that have no such condition.
 */
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "nostr/filter.h"

namespace net {

/* Waits for new events. Within a call it may remove itself from the index, and no other reader. */
class LiveReader
{
  public:
	virtual ~LiveReader() = default;
	/* An event that is visible and that one of the reader's filters matches, its JSON, and its
	 * number. */
	virtual void on_event(const nostr::Event &event, std::string_view json, uint64_t number) = 0;
	/* Events came that nobody can tell any more. */
	virtual void on_missed() = 0;
};

class ReaderIndex
{
  public:
	/* Values under which the filters of one reader are kept: 64 bytes each. Filters with more are
	 * compared with every event. */
	static constexpr size_t kMaxValues = 500;

	/* `filters` are not compared with words: they have no search. */
	void add(LiveReader &reader, std::vector<nostr::Filter> filters);
	void remove(LiveReader &reader);
	bool empty() const { return entries_.empty(); }
	std::vector<LiveReader *> all() const;
	/* Each once, in no order. */
	std::vector<LiveReader *> matching(const nostr::Event &event);

  private:
	/* In the order in which they are preferred. */
	enum class By : uint8_t
	{
		Id,
		Author,
		Tag,
		Kind,
		Nothing,
	};
	struct Entry;
	using Place = std::tuple<By, uint64_t, Entry *>;
	struct Entry
	{
		LiveReader *reader;
		std::vector<nostr::Filter> filters;
		std::vector<Place> places;
		uint64_t compared = 0; // the last event
	};

	static void find_places(Entry &entry, const nostr::Filter &filter);

	std::map<LiveReader *, Entry> entries_;
	/* Hashes of values, which may collide. A set: what strangers choose cannot make it slow. */
	std::set<Place> places_;
	uint64_t events_ = 0;
};

} // namespace net
