/*
 * The pager against a relay with random events that answers in one of many wrong ways, or in
 * several: every pass ends within bounds, claims stay inside the range, and a relay that does as
 * NIP-01 says and hides nothing is never claimed falsely.
 */
#include "../unit/nostr/model_relay.h"
#include "require.h"

using namespace model;

namespace {

/* The fuzzer's choices, one byte each; zeros at the end. */
class Choices
{
  public:
	Choices(const uint8_t *data, size_t size) : next_(data), end_(data + size) {}
	uint32_t upto(uint32_t n) { return next_ < end_ ? *next_++ % n : 0; }
	bool rarely() { return upto(8) == 1; }

  private:
	const uint8_t *next_, *end_;
};

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Choices choices(data, size);
	Switches is{.cap = 10 + int(choices.upto(60))};
	const bool honest = choices.upto(2) == 0;
	if (!honest) {
		is.until_exclusive = choices.rarely();
		is.since_exclusive = choices.rarely();
		is.ascending = choices.rarely();
		is.oldest = choices.rarely();
		is.by_insertion = choices.rarely();
		is.by_popularity = choices.rarely();
		is.stores = 1 + int(choices.upto(3));
		is.kind_cap = int(choices.upto(30));
		is.byte_cap = int(choices.upto(200));
		is.look_back = choices.upto(200);
		is.pinned = choices.rarely();
		is.ignores_limit = choices.rarely();
		is.repeats = choices.rarely();
		is.more = choices.rarely();
		is.lost_answers = int(choices.upto(10));
		is.notice_on_lost = choices.rarely();
		is.refuses_kinds = choices.rarely();
		is.kinds_empty = choices.rarely();
		is.foreign = int(choices.upto(16));
		is.author_cap = int(choices.upto(30));
		is.ignores_until = choices.rarely();
	}
	std::vector<Stored> events;
	const uint32_t seconds = 1 + choices.upto(200);
	for (uint32_t i = choices.upto(120); i > 0; i--) {
		Stored event;
		event.created_at = choices.upto(seconds);
		event.id = id_of(i);
		event.kind = int(choices.upto(4));
		event.author[0] = uint8_t(choices.upto(4));
		event.refused = choices.rarely();
		event.hidden = !honest && choices.rarely();
		event.order = choices.upto(256);
		events.push_back(event);
	}
	const int64_t lower = choices.upto(10), upper = lower + choices.upto(250);
	const int limit = 1 + int(choices.upto(60)), readers = 1 + int(choices.upto(3));
	Relay relay(std::move(events), is, [&](uint32_t n) { return choices.upto(n); });
	Habits habits;
	const Pass pass = read(relay, {lower, upper}, limit, habits, readers);
	require(pass.ended);
	for (const Claim &claim : pass.claims) {
		require(claim.range.lower >= lower && claim.range.upper <= upper);
		require(claim.range.lower <= claim.range.upper);
		require(claim.evidence == Evidence::Partial || !claim.doubts.cut());
	}
	require(!honest || missing(relay, pass, Evidence::Paged) == 0);
	return 0;
}
