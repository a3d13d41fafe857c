/*
 * The pager against a relay with random events and a random cap that shows them newest first: no
 * claim covers an event that was not delivered. The relay repeats events, sends some outside of the
 * window, is cut at any point, or has its pages dropped. Every pass ends.
 */
#include <algorithm>
#include <set>

#include "nostr/paging.h"
#include "require.h"

using namespace nostr;

namespace {

/* The fuzzer's choices, one byte each; zeros at the end. */
class Choices
{
  public:
	Choices(const uint8_t *data, size_t size) : next_(data), end_(data + size) {}
	int upto(int n) { return next_ < end_ ? *next_++ % n : 0; }
	bool left() const { return next_ < end_; }

  private:
	const uint8_t *next_, *end_;
};

struct Stored
{
	int64_t created_at;
	Id id;
	bool refused = false;
	auto operator<=>(const Stored &) const = default;
};

/* Newest first. */
std::vector<Stored>
make_events(Choices &choices)
{
	std::vector<Stored> events;
	int seconds = 1 + choices.upto(20);
	int count = choices.upto(120);
	for (int i = 0; i < count; i++) {
		Id id{};
		id[0] = static_cast<uint8_t>(i);
		id[31] = 1;
		int64_t created_at = choices.upto(seconds);
		events.push_back({created_at, id, choices.upto(8) == 1});
	}
	std::sort(events.begin(), events.end(), [](const Stored &a, const Stored &b) {
		return std::pair(b.created_at, a.id) < std::pair(a.created_at, b.id);
	});
	return events;
}

std::vector<Stored>
page_of(const std::vector<Stored> &events, const Window &window, int cap)
{
	std::vector<Stored> page;
	for (const Stored &event : events)
		if (event.created_at >= window.since.value_or(0) &&
			event.created_at <= window.until.value_or(INT64_MAX) &&
			static_cast<int>(page.size()) < cap)
			page.push_back(event);
	return page;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Choices choices(data, size);
	const int limit = 1 + choices.upto(40);
	/* Relays cap at ten and more: see paging.cpp. One that ignores the limit sends up to its cap.
	 */
	const bool heeds = choices.upto(2) == 0;
	const int cap = heeds ? std::min(limit, 10 + choices.upto(40)) : 10 + choices.upto(120);
	const int64_t lower = choices.upto(10);
	const int64_t upper = choices.upto(2) ? lower + choices.upto(20) : Pager::kOpenEnd;
	const std::vector<Stored> events = make_events(choices);

	Pager pager({lower, upper}, limit);
	std::set<Stored> delivered;
	std::vector<Claim> claims;
	int dropped = 0;
	for (int pages = 0; !pager.done(); pages++) {
		require(pages < 200);
		const auto page = page_of(events, pager.window(), cap);
		size_t cut = choices.upto(4) == 1 ? choices.upto(100) : SIZE_MAX;
		for (size_t i = 0; i < page.size() && i < cut; i++) {
			if (choices.upto(8) == 1)
				require(!pager.on_event(page[i].id, lower - 1));
			if (page[i].refused) {
				pager.on_refused(page[i].created_at);
				continue;
			}
			for (int repeats = choices.upto(8) == 1 ? 3 : 1; repeats > 0; repeats--)
				require(pager.on_event(page[i].id, page[i].created_at));
			delivered.insert(page[i]);
		}
		require(pager.memory() <= 1024 * sizeof(Stored));
		if (choices.upto(8) == 1 && dropped++ < 20) {
			pager.drop_page();
			continue;
		}
		const auto proven = cut < page.size() ? pager.on_cut() : pager.on_end_of_page(false);
		claims.insert(claims.end(), proven.begin(), proven.end());
	}
	for (const Claim &claim : claims) {
		require(claim.range.lower >= lower && claim.range.lower <= claim.range.upper);
		if (claim.evidence == Evidence::Partial)
			continue;
		for (const Stored &event : events)
			if (!event.refused && event.created_at >= claim.range.lower &&
				event.created_at <= claim.range.upper)
				require(delivered.contains(event));
	}
	return 0;
}
