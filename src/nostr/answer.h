/* What a relay sent in answer to one question, in the order of arrival. */
#pragma once

#include <optional>
#include <vector>

#include "evidence.h"
#include "message.h"

namespace nostr {

/* The fields of an event by which answers are judged. */
struct SeenEvent
{
	int64_t created_at = 0;
	Id id{};
	int32_t kind = 0;
	PublicKey author{};

	/* Newest first, as relays send events. */
	bool operator<(const SeenEvent &other) const
	{
		return created_at != other.created_at ? created_at > other.created_at : id < other.id;
	}
	bool operator==(const SeenEvent &other) const { return id == other.id; }
};

/* The largest created_at that is kept: a second later fits into int64_t, too. */
inline constexpr int64_t kLastSecond = INT64_MAX - 1;

/* Newest first, without duplicates. */
using SeenSet = std::vector<SeenEvent>;

/* Union of two such sets, and whether the first includes the second. */
SeenSet united(const SeenSet &one, const SeenSet &other);
bool includes(const SeenSet &all, const SeenSet &part);
/* The events in the range. */
SeenSet within(const SeenSet &events, TimeRange range);
/* The events of these kinds; an empty list means all kinds. */
SeenSet of_kinds(SeenSet events, const std::vector<int32_t> &kinds);
/*
 * Whether a second of the range has at least `few` events of kinds that no older event has, or of
 * one author who has no older event. A relay that limits the events of each kind, of each author,
 * or of each store, may have more of them, although it has shown older events of others.
 */
bool may_lack_events(const SeenSet &events, TimeRange range, int few);

class Answer
{
  public:
	explicit Answer(Window asked) : asked_(std::move(asked)) {}

	const Window &asked() const { return asked_; }
	/* Adds an event. False if it is outside of the window; then it does not count. Events of other
	 * kinds and authors count, because every event adds knowledge.
	 * bytes: its size as the relay sent it, since relays end answers by size as well. */
	bool add(const SeenEvent &event, size_t bytes = 0);
	/*
	 * Counts an event of the answer that was refused: an answer with only refused events is not the
	 * end of a range. Only for such an answer, `created_at` (if it can be read) shows how far down
	 * it reached; if other events came, it is not trusted.
	 */
	void refuse(std::optional<int64_t> created_at);
	/* Events later than this may be new ones that came during the answer. They do not count for the
	 * order. */
	void set_fresh(int64_t after) { fresh_after_ = after; }
	void doubt(Doubts doubts) { doubts_ |= doubts; }
	/* The relay says that it has more events (NIP-67). If it says that it has sent all, this is not
	 * believed; see docs/development/paging.md. */
	void hint_more() { more_ = true; }
	/* The caller ended the answer before the relay did. */
	void cut() { cut_ = true; }
	/* Drops the events beyond the limit of the question. */
	void end_at_limit();

	/* Number of events sent, including refused and repeated ones, as the relay counts them. */
	int raw() const { return raw_; }
	int refused() const { return refused_; }
	int repeats() const { return repeats_; }
	/* Size of the events sent. */
	size_t bytes() const { return bytes_; }
	/* Number of events from above the window, and from below it. */
	int above() const { return above_; }
	int below() const { return below_; }
	bool empty() const { return events_.empty(); }
	/* Whether all events came newest first. */
	bool ordered() const { return ordered_; }
	Doubts doubts() const { return doubts_; }
	bool more() const { return more_; }
	bool was_cut() const { return cut_; }
	/* The lowest time of an answer with only refused events. */
	std::optional<int64_t> oldest_refused() const;
	/* Whether the answer reached a second below this one. */
	bool reached_below(int64_t second) const;
	SeenSet shown(TimeRange range) const;
	size_t memory() const { return events_.capacity() * sizeof(SeenEvent); }

  private:
	Window asked_;
	std::vector<SeenEvent> events_; // in the order of arrival
	int64_t fresh_after_ = INT64_MAX;
	std::optional<int64_t> last_; // second of the last event that counts for the order
	int raw_ = 0, refused_ = 0, repeats_ = 0, above_ = 0, below_ = 0;
	size_t bytes_ = 0;
	bool ordered_ = true, more_ = false, cut_ = false;
	Doubts doubts_;
	std::optional<int64_t> oldest_refused_;
	bool refused_in_order_ = true;
};

} // namespace nostr
