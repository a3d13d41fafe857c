/*
 * A second with more events than the relay shows in one answer: asked for with a larger limit, then
 * by kinds, then by authors. What nobody knows to ask for stays hidden, so that only the larger
 * answer can show that the second is whole.
 */
#pragma once

#include "habits.h"

namespace nostr {

class DenseSecond
{
  public:
	/* `raw` events came when it was last asked for; `shown` is what is known of it. */
	DenseSecond(int64_t second, int limit, int raw, SeenSet shown, const Conditions &conditions,
				const Habits &habits);

	/* The next question; nothing: it is over. */
	std::optional<Window> next() const;
	void end(Answer &answer);
	/* The question was not answered. */
	void fail();

	int64_t second() const { return second_; }
	bool whole() const { return whole_; }
	const SeenSet &shown() const { return shown_; }

  private:
	struct Part
	{
		std::vector<int32_t> kinds;
		std::vector<PublicKey> authors;
	};
	void split_by_groups();
	void split(Part part);
	void add_halves(const Part &part, auto Part::*list);

	int64_t second_;
	int limit_, cap_;
	SeenSet shown_;
	const Conditions &conditions_;
	const Habits &habits_;
	bool larger_ = true; // the first question is still to be asked
	bool whole_ = false;
	bool kinds_answered_ = false;
	int questions_ = 0;
	std::vector<Part> parts_; // still to be asked for, the last one first
};

} // namespace nostr
