#include "relay.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace simulator {

Relay::Relay(const Pool &pool, Behaviour behaviour, Numbers events, Numbers late, uint64_t seed)
	: pool_(pool), behaviour_(std::move(behaviour)), random_(seed), salt_(random_.next()),
	  late_(std::move(late))
{
	troubled.resize(behaviour_.troubles.size());
	std::sort(events.begin(), events.end());
	events.erase(std::unique(events.begin(), events.end()), events.end());
	for (uint32_t number : events)
		insert(number, 0);
}

uint64_t
Relay::hash(uint32_t number) const
{
	return Random(salt_ ^ number).next();
}

void
Relay::insert(uint32_t number, int64_t since)
{
	const int64_t at = pool_[number].created_at;
	uint64_t rank = hash(number);
	// A few were imported long after their date.
	if (behaviour_.order == Order::Insertion)
		rank = rank % 100 ? uint64_t(at) : uint64_t(at) + rank % (300 * 86400);
	auto newer = [&](const Held &held) {
		const Stored &event = pool_[held.number];
		return event.created_at != at ? event.created_at < at : event.id > pool_[number].id;
	};
	auto place = std::partition_point(held_.begin(), held_.end(), newer);
	if (place == held_.end() || place->number != number)
		held_.insert(place, {number, rank, since});
}

/* Each of several replicas lacks its part; the second of two lacks all that is old. */
bool
Relay::on_node(uint32_t number, uint32_t node) const
{
	if (behaviour_.replicas == 1)
		return true;
	if (behaviour_.replicas == 2)
		return node == 0 || pool_[number].created_at > pool_.now() - 100 * 86400;
	return hash(number) % 10 != node;
}

bool
Relay::hidden(const Stored &event) const
{
	return (behaviour_.hides_private && is_private(event.kind)) ||
		   (behaviour_.private_after_auth && hash(uint32_t(event.created_at)) % 2) ||
		   (behaviour_.hides_expired && event.body.find("\"expiration\"") != std::string::npos);
}

bool
Relay::matches(const nostr::Filter &filter, const Stored &event, uint32_t node) const
{
	const nostr::Indexed fields{
		event.id, pool_.author(event.author), event.created_at, event.kind, {}};
	nostr::Filter conditions;
	const nostr::Filter *asked = &filter;
	if (behaviour_.kinds_ignored && filter.kinds) {
		conditions = filter;
		conditions.kinds.reset();
		asked = &conditions;
	}
	if (behaviour_.until_ignored || behaviour_.since_ignored) {
		conditions = *asked;
		if (behaviour_.until_ignored)
			conditions.until.reset();
		if (behaviour_.since_ignored)
			conditions.since.reset();
		asked = &conditions;
	}
	if (behaviour_.until_exclusive && asked->until && event.created_at == *asked->until)
		return false;
	if (behaviour_.since_exclusive && asked->since && event.created_at == *asked->since)
		return false;
	if (behaviour_.look_back != INT64_MAX && !filter.kinds && !filter.authors && !filter.ids &&
		event.created_at < pool_.now() - behaviour_.look_back)
		return false;
	return nostr::matches(*asked, fields) && on_node(uint32_t(&event - &pool_[0]), node);
}

/* Adds what one filter finds in the store of some kinds. */
void
Relay::select(const nostr::Filter &filter, uint32_t node, const std::vector<int32_t> *kinds,
			  Answer &answer)
{
	const Behaviour &b = behaviour_;
	size_t cap = b.cap_random ? random_.between(5, b.cap) : b.cap;
	size_t limit = size_t(std::clamp<int64_t>(filter.limit.value_or(INT64_MAX), 0, int64_t(cap)));
	if (b.limit_ignored)
		limit = 5000;
	if (b.milliseconds && !filter.until)
		limit = std::min<size_t>(limit, 48);
	const bool backwards = b.order == Order::Newest || b.order == Order::Ascending;

	// The window by binary search, as far as the relay looks at it.
	auto before = [&](int64_t second) {
		return size_t(std::partition_point(held_.begin(), held_.end(),
										   [&](const Held &held) {
											   return pool_[held.number].created_at < second;
										   }) -
					  held_.begin());
	};
	size_t begin = filter.since && !b.since_ignored ? before(*filter.since) : 0;
	size_t end = filter.until && !b.until_ignored && *filter.until < INT64_MAX
					 ? before(*filter.until + 1)
					 : held_.size();
	std::vector<const Held *> ranked;
	if (b.order == Order::Insertion || b.order == Order::Algorithm) {
		for (size_t i = begin; i < end; i++)
			ranked.push_back(&held_[i]);
		std::sort(ranked.begin(), ranked.end(),
				  [](const Held *x, const Held *y) { return x->rank > y->rank; });
		end = ranked.size();
		begin = 0;
	}
	const size_t first = answer.events.size();
	size_t counted = 0, bytes = 0;
	std::map<uint32_t, size_t> of_author;
	std::map<int32_t, size_t> of_kind;
	for (size_t i = begin; i < end; i++) {
		const Held &held = !ranked.empty() ? *ranked[i]
						   : backwards     ? held_[end - 1 - (i - begin)]
										   : held_[i];
		const Stored &event = pool_[held.number];
		if (kinds && std::find(kinds->begin(), kinds->end(), event.kind) == kinds->end())
			continue;
		if (!matches(filter, event, node))
			continue;
		if (b.per_author != SIZE_MAX && !filter.authors &&
			of_author[event.author]++ >= b.per_author)
			continue;
		if (b.per_kind != SIZE_MAX && !filter.kinds && of_kind[event.kind]++ >= b.per_kind)
			continue;
		if (counted >= limit || bytes >= b.cap_bytes) {
			answer.more |= !hidden(event);
			answer.capped = true;
			break;
		}
		// Relays count the events that they hide, except those beyond what they look at.
		if (hidden(event)) {
			counted += !b.private_after_auth;
			continue;
		}
		counted++;
		bytes += event.body.size();
		answer.events.push_back(held.number);
		for (size_t again = 1; again < b.repeats && counted < limit; again++, counted++)
			answer.events.push_back(held.number);
	}
	if (b.order == Order::Ascending)
		std::reverse(answer.events.begin() + std::ptrdiff_t(first), answer.events.end());
	if (b.pinned && answer.capped && !filter.since && !filter.kinds && !filter.authors)
		answer.events.push_back(pool_.pinned);
}

Answer
Relay::answer(const std::vector<nostr::Filter> &filters, uint32_t node)
{
	Answer answer;
	for (const nostr::Filter &filter : filters) {
		if ((filter.limit && *filter.limit == 0) ||
			(behaviour_.limit_one_empty && filter.limit == 1) ||
			(behaviour_.kinds_empty && filter.kinds))
			continue;
		if (behaviour_.stores.empty())
			select(filter, node, nullptr, answer);
		for (const std::vector<int32_t> &kinds : behaviour_.stores)
			select(filter, node, &kinds, answer);
	}
	if (behaviour_.stores_merged)
		std::stable_sort(answer.events.begin(), answer.events.end(), [&](uint32_t x, uint32_t y) {
			return pool_[x].created_at > pool_[y].created_at;
		});
	return answer;
}

size_t
Relay::count(const std::vector<nostr::Filter> &filters, uint32_t node)
{
	size_t count = 0;
	for (const Held &held : held_) {
		const Stored &event = pool_[held.number];
		bool found = false;
		for (const nostr::Filter &filter : filters)
			found |= matches(filter, event, node);
		count += found && (behaviour_.count == Count::Hidden || !hidden(event));
	}
	switch (behaviour_.count) {
	case Count::Capped:
		return std::min(count, behaviour_.cap);
	case Count::Zero:
		return 0;
	case Count::Random:
		return random_.below(2000);
	default:
		return count;
	}
}

nostr::negentropy::RecordSet
Relay::records(const nostr::Filter &filter, uint32_t node)
{
	const Negentropy kind = behaviour_.negentropy;
	nostr::negentropy::RecordSet set;
	size_t most = kind == Negentropy::Limited ? behaviour_.cap : SIZE_MAX;
	for (auto held = held_.rbegin(); held != held_.rend() && most > 0; ++held) {
		const Stored &event = pool_[held->number];
		if (!matches(filter, event, node) || (hidden(event) && kind != Negentropy::Hidden) ||
			(kind == Negentropy::Lagging && hash(held->number) % 10 == 0))
			continue;
		set.add(event.created_at, event.id);
		most--;
	}
	set.seal();
	return set;
}

Numbers
Relay::change(int64_t now)
{
	switch (behaviour_.change) {
	case Change::None:
		return {};
	case Change::Emptied:
	case Change::Replaced:
		for (const Held &held : held_)
			gone_.push_back(held.number);
		held_.clear();
		break;
	default:
		break;
	}
	for (uint32_t number : late_)
		insert(number, now);
	return behaviour_.change == Change::LateLive ? late_ : Numbers();
}

/* What the narrowest questions bring: for each second, kind and author by itself. */
std::unordered_set<uint32_t>
Relay::askable()
{
	std::unordered_set<uint32_t> shown;
	if (behaviour_.forged_only || behaviour_.rubbish >= 1 || behaviour_.wrong_subscription >= 1 ||
		behaviour_.no_subscription >= 1)
		return shown;
	/* Ids that a set names can be asked for. */
	const Negentropy sets = behaviour_.negentropy;
	size_t named =
		sets == Negentropy::Right || sets == Negentropy::Hidden || sets == Negentropy::Lagging
			? SIZE_MAX
		: sets == Negentropy::Limited ? behaviour_.cap
									  : 0;
	for (auto held = held_.rbegin(); held != held_.rend() && named > 0; ++held)
		if (sets != Negentropy::Lagging || hash(held->number) % 10 != 0) {
			shown.insert(held->number);
			named--;
		}
	const bool random = std::exchange(behaviour_.cap_random, false);
	std::set<std::tuple<int64_t, int32_t, uint32_t>> asked;
	for (const Held &held : held_) {
		const Stored &event = pool_[held.number];
		if (!asked.emplace(event.created_at, event.kind, event.author).second)
			continue;
		nostr::Filter filter;
		filter.authors = {{pool_.author(event.author)}};
		filter.limit = 5000;
		if (event.created_at > 0)
			filter.since = event.created_at - behaviour_.since_exclusive;
		if (event.created_at < INT64_MAX - 1)
			filter.until = event.created_at + behaviour_.until_exclusive;
		for (bool by_kind : {false, true}) {
			if (by_kind)
				filter.kinds = {{event.kind}};
			for (uint32_t node = 0; node < behaviour_.replicas; node++)
				for (uint32_t number : answer({filter}, node).events)
					shown.insert(number);
		}
	}
	behaviour_.cap_random = random;
	return shown;
}

std::vector<Truth>
Relay::truth()
{
	const std::unordered_set<uint32_t> shown = askable();
	std::vector<Truth> all;
	for (const Held &held : held_) {
		const Stored &event = pool_[held.number];
		bool by_auth = behaviour_.private_after_auth;
		if (behaviour_.auth_required || (hidden(event) && !by_auth))
			continue;
		bool refused = std::find(pool_.beyond_limits.begin(), pool_.beyond_limits.end(),
								 held.number) != pool_.beyond_limits.end();
		all.push_back({held.number,
					   hidden(event)                 ? Served::Private
					   : refused                     ? Served::BeyondLimits
					   : shown.contains(held.number) ? Served::Yes
													 : Served::Unaskable,
					   held.since});
	}
	for (uint32_t number : gone_)
		if (!hidden(pool_[number]))
			all.push_back({number, Served::Gone, 0});
	return all;
}

} // namespace simulator
