/*
 * Asks a relay for events by their ids, a hundred at a time. Events that were not asked for are
 * refused.
 */
#pragma once

#include <deque>
#include <unordered_set>
#include <vector>

#include "net/intake/id_table.h"
#include "net/job/job.h"

namespace net {

class IdFetch final : private Requests::Handler
{
  public:
	class Owner
	{
	  public:
		virtual ~Owner() = default;
		/* All ids were asked for. */
		virtual void on_fetched() = 0;
		/* The connection is of no more use. */
		virtual void on_failed(const char *reason, std::string_view detail) = 0;
	};
	/* Twice: what was not served is asked for once more, after all others. */
	enum class Tries : uint8_t
	{
		Once,
		Twice
	};

	IdFetch(JobContext &context, Owner &owner)
		: context_(context), owner_(owner), promised_(context.intake.budget(), 0)
	{
	}
	IdFetch(const IdFetch &) = delete;

	/* At least one id. What was asked for before must be over. */
	void start(const std::vector<nostr::Id> &ids, Tries tries);
	/* There is something to be asked now: ask() does it. */
	bool waiting() const { return id_.empty() && !wanted_.empty(); }
	/* False: there is no room for it in the budget. */
	bool ask();
	void tick();
	/* The relay is busy with what was asked before. */
	void on_late_event() { progress_ = context_.client.now(); }

	/* Of the ids since start(), when all were asked for. */
	size_t served() const { return served_; }
	size_t not_served() const { return not_served_; } // refused events among them
	size_t refused() const { return refused_; }       // delivered and not archived

  private:
	void on_event(nostr::Event &event, std::string_view text) override;
	void on_refused_event(std::string_view text) override;
	void on_end_of_stored(bool more) override;
	void on_closed(std::string_view text) override;
	void on_notice(std::string_view) override {}

	void answered();

	JobContext &context_;
	Owner &owner_;
	std::string id_; // of the question; empty: there is none
	std::deque<nostr::Id> wanted_;
	std::unordered_set<nostr::Id, IdHash> awaited_; // of the question
	std::vector<nostr::Id> again_;                  // not served at first
	bool last_try_ = false;
	Promised promised_;
	size_t served_ = 0, not_served_ = 0, refused_ = 0;
	int complaints_ = 0; // in a row, that it is asked too fast
	Clock::Time since_{}, progress_{};
};

} // namespace net
