/* What a relay showed in answer to one question, in the order of arrival, before it is judged. */
#pragma once

#include <optional>
#include <vector>

#include "evidence.h"
#include "message.h"

namespace nostr {

/* The fields of an event by which answers are judged. */
struct Seen
{
	int64_t created_at = 0;
	Id id{};
	int32_t kind = 0;
	PublicKey author{};

	/* Newest first, as relays send them. */
	bool operator<(const Seen &other) const
	{
		return created_at != other.created_at ? created_at > other.created_at : id < other.id;
	}
	bool operator==(const Seen &other) const { return id == other.id; }
};

/* Newest first, none twice. */
using SeenSet = std::vector<Seen>;

/* Both hold such sets. */
SeenSet united(const SeenSet &one, const SeenSet &other);
bool includes(const SeenSet &all, const SeenSet &part);
/* Those of the range. */
SeenSet within(const SeenSet &events, TimeRange range);
/* Those of the kinds; of none: all. */
SeenSet of_kinds(SeenSet events, const std::vector<int32_t> &kinds);

class Answer
{
  public:
	explicit Answer(Window asked) : asked_(std::move(asked)) {}

	const Window &asked() const { return asked_; }
	/* False if it is from outside the window; then it does not count. Of kinds and authors that
	 * were not asked for it does: the more is known. */
	bool add(const Seen &event);
	/*
	 * An event of the answer was refused, so that an answer of nothing else is not the end. Only
	 * for such an answer `created_at`, as far as it can be read, says how far down it reached; it
	 * is not trusted where events say it.
	 */
	void refuse(std::optional<int64_t> created_at);
	/* Events dated later than this may be new ones that came while the answer was sent: they are no
	 * part of its order. */
	void set_fresh(int64_t after) { fresh_after_ = after; }
	void doubt(Doubts doubts) { doubts_ |= doubts; }
	/* The relay says that it holds more (NIP-67). That it has sent all is not believed, see
	 * docs/development/paging.md. */
	void hint_more() { more_ = true; }
	/* We ended it before the relay did. */
	void cut() { cut_ = true; }
	/* What comes after as many events as were asked for is no part of the answer. */
	void end_at_limit();

	/* Sent, refused and repeated ones included: that is what a relay counts. */
	int raw() const { return raw_; }
	int refused() const { return refused_; }
	int repeats() const { return repeats_; }
	/* Sent from below the window. */
	int outside() const { return outside_; }
	bool empty() const { return events_.empty(); }
	/* Did everything come newest first? */
	bool ordered() const { return ordered_; }
	Doubts doubts() const { return doubts_; }
	bool more() const { return more_; }
	bool was_cut() const { return cut_; }
	/* How far down an answer of nothing but refused events reached. */
	std::optional<int64_t> oldest_refused() const;
	/* Down to a second below this one? */
	bool reached_below(int64_t second) const;
	SeenSet shown(TimeRange range) const;
	size_t memory() const { return events_.capacity() * sizeof(Seen); }

  private:
	Window asked_;
	std::vector<Seen> events_; // as they came
	int64_t fresh_after_ = INT64_MAX;
	std::optional<int64_t> last_; // second of the last event of the order
	int raw_ = 0, refused_ = 0, repeats_ = 0, outside_ = 0;
	bool ordered_ = true, more_ = false, cut_ = false;
	Doubts doubts_;
	std::optional<int64_t> oldest_refused_;
	bool refused_in_order_ = true;
};

} // namespace nostr
