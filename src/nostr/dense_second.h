/*
 * Reads a second with more events than the relay shows in one answer: with a larger limit, then by
 * kinds, then by authors. Events whose kinds and authors are unknown stay hidden, so only the
 * answer to the larger limit can prove that the second is complete. All that a relay holds is asked
 * for in the same parts if the relay ignores `until`; that proves nothing.
 */
#pragma once

#include <set>

#include "habits.h"

namespace nostr {

class DenseSecond
{
  public:
	/* `second`: nothing if the relay ignores `until`; `raw`: number of events in the last answer;
	 * `cap`: number of events from which on the relay may have cut an answer; `shown`: the events
	 * known. */
	DenseSecond(std::optional<int64_t> second, int limit, int raw, int cap, SeenSet shown,
				const Conditions &conditions, Habits &habits);

	/* The next question; nothing if there is none left. */
	std::optional<Window> next() const;
	void end(Answer &answer);
	/* The question was not answered. */
	void fail();

	std::optional<int64_t> second() const { return second_; }
	bool whole() const { return whole_; }
	/* Of the answer that proves that the second is whole. */
	Doubts doubts() const { return doubts_; }
	int64_t refused() const { return refused_; }
	const SeenSet &shown() const { return shown_; }
	/* Bytes of memory held by events, and by lists of their authors. */
	size_t memory() const;

  private:
	struct Part
	{
		std::vector<int32_t> kinds;
		std::vector<PublicKey> authors;
	};
	int most_questions() const;
	void note_authors(const SeenSet &events);
	bool asks_wider(const Answer &answer);
	void split_by_groups();
	void end_part();
	void split(Part part);
	void add_authors(Part part, const auto &authors);
	void add_halves(const Part &part, auto Part::*list);

	std::optional<int64_t> second_;
	int limit_, cap_;
	SeenSet shown_;                // of the second
	std::set<PublicKey> authors_;  // of all events shown
	std::vector<PublicKey> later_; // those shown after a part was split by authors
	bool by_authors_ = false;      // a part was split by authors
	const Conditions &conditions_;
	Habits &habits_;
	bool wider_ = false; // the question is asked again, one second higher
	bool larger_ = true; // the question with the larger limit is still to be asked
	bool whole_ = false;
	Doubts doubts_;
	int64_t refused_ = 0;
	bool kinds_answered_ = false;
	int questions_ = 0;
	std::vector<Part> parts_; // parts still to ask for; the last one is next
};

} // namespace nostr
