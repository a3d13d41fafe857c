/*
 * Asks a relay for events by their ids, a hundred at a time. Events that were not asked for are
 * refused.
 */
#pragma once

#include <deque>
#include <optional>
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
		/* A question was sent for each id, and each question was answered. */
		virtual void on_fetched() = 0;
		/* The connection must be closed. */
		virtual void on_failed(const char *reason, std::string_view detail) = 0;
	};
	/* Twice: ids that were not served are asked for again after all others. */
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

	/* Needs at least one id. The fetch before must be over. */
	void start(const std::vector<nostr::Id> &ids, Tries tries);
	/* Whether ask() has a question to send now. */
	bool waiting() const { return id_.empty() && !wanted_.empty(); }
	/* Sends the next question. False: the budget has no room for the answer. */
	bool ask();
	void tick();
	/* An event came for an earlier question: the relay is alive and still busy. */
	void on_late_event() { progress_ = context_.client.now(); }

	/* Numbers of ids since start(); valid after on_fetched(). */
	size_t served() const { return served_; }
	size_t not_served() const { return not_served_; } // includes the refused events
	size_t refused() const { return refused_; }       // delivered and not archived
	/* The seconds (created_at) of the first and the last served event; nothing if none was. */
	const std::optional<nostr::TimeRange> &span() const { return span_; }

  private:
	void on_event(nostr::Event &event, std::string_view text) override;
	void on_refused_event(std::string_view text) override;
	void on_end_of_stored(bool more) override;
	void on_closed(std::string_view text) override;
	void on_notice(std::string_view) override {}

	void answered();

	JobContext &context_;
	Owner &owner_;
	std::string id_; // id of the open question; empty if none is open
	std::deque<nostr::Id> wanted_;
	std::unordered_set<nostr::Id, IdHash> awaited_; // ids of the open question
	std::vector<nostr::Id> again_;                  // ids to ask for a second time
	bool last_try_ = false;
	Promised promised_;
	size_t served_ = 0, not_served_ = 0, refused_ = 0;
	std::optional<nostr::TimeRange> span_;
	int complaints_ = 0; // times in a row that the relay said it is asked too fast
	Clock::Time since_{}, progress_{};
};

} // namespace net
