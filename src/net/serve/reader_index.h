/*
 * Finds the readers whose filters match a new event. The index holds each filter under the values
 * of one condition, the one that the fewest events meet. An event is compared with the filters
 * under its own values, and with the filters that have no such condition.
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

/* Receives new events. During a call it may remove itself from the index, but no other reader. */
class LiveReader
{
  public:
	virtual ~LiveReader() = default;
	/* One of the reader's filters matches this event, which is visible. `json` is its text. */
	virtual void on_event(const nostr::Event &event, std::string_view json, uint64_t number) = 0;
	/* Events came that can no longer be delivered. */
	virtual void on_missed() = 0;
};

class ReaderIndex
{
  public:
	/* Largest number of values under which the filters of one reader are kept, 64 bytes each. If
	 * there are more, the filters are compared with every event. */
	static constexpr size_t kMaxValues = 500;

	/* `filters` must have no search, because events are not searched for words. */
	void add(LiveReader &reader, std::vector<nostr::Filter> filters);
	void remove(LiveReader &reader);
	bool empty() const { return entries_.empty(); }
	std::vector<LiveReader *> all() const;
	/* The readers with a matching filter, each once, in no particular order. */
	std::vector<LiveReader *> matching(const nostr::Event &event);

  private:
	/* Kinds of conditions; an earlier one is preferred. */
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
		uint64_t compared = 0; // number of the last event compared
	};

	static void find_places(Entry &entry, const nostr::Filter &filter);

	std::map<LiveReader *, Entry> entries_;
	/* Hashes of values may collide. An ordered set stays fast even for values that strangers
	 * choose. */
	std::set<Place> places_;
	uint64_t events_ = 0;
};

} // namespace net
