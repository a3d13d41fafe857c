#include "net/serve/reader_index.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace net {

/* Hash of an id or a public key. */
static uint64_t
hash_of(const std::array<uint8_t, 32> &bytes)
{
	uint64_t hash;
	std::memcpy(&hash, bytes.data(), sizeof hash);
	return hash;
}

void
ReaderIndex::find_places(Entry &entry, const nostr::Filter &filter)
{
	const size_t room = kMaxValues - std::min(entry.places.size(), kMaxValues);
	auto keep = [&](By by, const auto &values, auto hash) {
		if (values.size() > room)
			return false;
		for (const auto &value : values)
			entry.places.emplace_back(by, hash(value), &entry);
		return true;
	};
	if (filter.matches_nothing() || (filter.ids && keep(By::Id, *filter.ids, hash_of)) ||
		(filter.authors && keep(By::Author, *filter.authors, hash_of)))
		return;
	for (const nostr::TagCondition &tag : filter.tags)
		if (keep(By::Tag, tag.values, [&](const std::string &value) {
				return static_cast<uint64_t>(nostr::tag_key(tag.name, value));
			}))
			return;
	if (filter.kinds &&
		keep(By::Kind, *filter.kinds, [](int32_t kind) { return static_cast<uint64_t>(kind); }))
		return;
	entry.places.emplace_back(By::Nothing, 0, &entry);
}

void
ReaderIndex::add(LiveReader &reader, std::vector<nostr::Filter> filters)
{
	remove(reader);
	Entry &entry = entries_[&reader];
	entry.reader = &reader;
	entry.filters = std::move(filters);
	for (const nostr::Filter &filter : entry.filters)
		find_places(entry, filter);
	places_.insert(entry.places.begin(), entry.places.end());
}

void
ReaderIndex::remove(LiveReader &reader)
{
	auto found = entries_.find(&reader);
	if (found == entries_.end())
		return;
	for (const Place &place : found->second.places)
		places_.erase(place);
	entries_.erase(found);
}

std::vector<LiveReader *>
ReaderIndex::all() const
{
	std::vector<LiveReader *> out;
	for (const auto &[reader, entry] : entries_)
		out.push_back(reader);
	return out;
}

std::vector<LiveReader *>
ReaderIndex::matching(const nostr::Event &event)
{
	const nostr::IndexedEvent indexed(event);
	const nostr::Indexed fields = indexed.fields();
	std::vector<LiveReader *> out;
	events_++;
	auto look = [&](By by, uint64_t hash) {
		for (auto at = places_.lower_bound({by, hash, nullptr});
			 at != places_.end() && std::get<By>(*at) == by && std::get<uint64_t>(*at) == hash;
			 ++at) {
			Entry &entry = *std::get<Entry *>(*at);
			if (std::exchange(entry.compared, events_) != events_ &&
				std::ranges::any_of(entry.filters, [&](const nostr::Filter &filter) {
					return nostr::matches(filter, fields);
				}))
				out.push_back(entry.reader);
		}
	};
	look(By::Id, hash_of(event.id));
	look(By::Author, hash_of(event.pubkey));
	std::vector<uint64_t> tags;
	for (const nostr::IndexedTag &tag : fields.tags)
		tags.push_back(static_cast<uint64_t>(nostr::tag_key(tag.name, tag.value)));
	/* An event may have the same tag ten thousand times. */
	std::ranges::sort(tags);
	tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
	for (uint64_t tag : tags)
		look(By::Tag, tag);
	look(By::Kind, static_cast<uint64_t>(event.kind));
	look(By::Nothing, 0);
	return out;
}

} // namespace net
