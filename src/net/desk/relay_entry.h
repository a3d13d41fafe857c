/*
 * One relay of the archive desk: its connection, its jobs, and what is remembered from one
 * connection to the next.
 */
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "net/job/live_job.h"
#include "net/relay/flood_guard.h"

namespace net {

/* Ids of the relays that wait for memory for their next page. */
using PageQueue = std::deque<int32_t>;

class RelayEntry final : public RelayClient::Owner
{
  public:
	RelayEntry(ClientHost &host, Intake &intake, Link &link, PageQueue &queue, int32_t relay_id);

	/* Connects. If an earlier opening is not over, it is ended first. */
	void open(const wire::RelayOpen &task);
	/* Adds ranges for a relay that is open or opening. */
	void more(const wire::RelayMore &task);
	/* Takes the worker's signed answer to the relay's challenge. */
	void sign_in(const wire::SignedIn &answer);
	void stop();
	/* The number of this opening of the relay; the worker chooses it. */
	uint32_t attempt() const { return attempt_; }
	/* Ends the connection to free the memory of its half-received message. */
	void give_up_message() { cut("assembly_full", ""); }
	/* Ends the connection to free the memory of what it reads. */
	void give_up_reading() { cut("paging_full", ""); }
	/* Forgets which events the relay sent lately, because the worker may need them again. */
	void forget_sent()
	{
		if (context_)
			context_->sent = IdTable(JobContext::kSent);
	}
	void tick();

	/* Takes the worker's answer to a comparison of sets. Throws LinkError if no comparison is under
	 * way. */
	void answered(const auto &answer)
	{
		reading_->answered(answer);
		advance();
	}

	/* Asks for the waiting page, if there is one. False: there is no memory for the page yet. */
	bool ask_page();

	RelayClient::State state() const
	{
		return client_ ? client_->state() : RelayClient::State::Ended;
	}
	size_t incomplete() const { return client_ ? client_->incomplete() : 0; }
	/* Bytes of memory held by events that later answers are compared with. */
	size_t paging() const { return client_ && reading_ ? reading_->memory() : 0; }
	/* Whether the entry can be deleted: nothing is left to report or to remember. */
	bool over() const
	{
		return !client_ && ledger_->settled() && guard_.idle(host_.transport.clock.now());
	}

  private:
	void queue_page();

	void on_open() override;
	void on_late_event(nostr::Event &event, const std::string &subscription) override;
	void on_auth(std::string_view challenge) override;
	void on_authenticated(bool accepted, std::string_view text) override;
	/* This desk publishes no events, so every OK is unexpected. */
	void on_ok(const nostr::Id &, bool, std::string_view text) override
	{
		on_refused("unexpected_message", text);
	}
	void on_notice(std::string_view text) override;
	void on_refused(const char *reason, std::string_view detail) override;
	void on_not_taken(const char *reason, std::string_view detail) override;
	void on_stray() override { reading_->on_stray(); }
	bool may_skip(size_t bytes) override;
	void on_ignored() override;
	void on_handled() override;
	void on_ended(const char *reason, std::string_view detail) override;

	void say(wire::RelayPhase phase, const char *reason = "", std::string detail = "");
	void advance();
	void subscribe_live();
	void all_paged();
	void say_caught_up();
	void say_connected();
	void failed(const Result &failure);
	void account();
	void cut(const char *reason, std::string_view detail);
	void finish(const char *reason, std::string_view detail);

	ClientHost &host_;
	Intake &intake_;
	Link &link_;
	PageQueue &queue_;
	const int32_t relay_id_;
	const std::shared_ptr<Ledger> ledger_;
	FloodGuard guard_;
	Learned learned_;

	uint32_t attempt_ = 0;
	bool live_wanted_ = false;
	bool may_sign_in_ = false;
	int challenges_ = 0;            // challenges answered on this connection
	Clock::Time sign_in_since_{};   // start of an authentication that is under way; else zero
	Clock::Time challenge_until_{}; // time until which a challenge is awaited; else zero
	bool asked_ = false;            // the worker has asked for ranges, if it wants any
	std::unique_ptr<RelayClient> client_;
	std::optional<JobContext> context_;
	std::optional<LiveJob> live_;
	std::optional<RelayReading> reading_;
	bool caught_up_ = false; // reported that all ranges were read
	bool queued_ = false;    // a page waits in queue_
	uint64_t accounted_bytes_ = 0;
	uint64_t messages_ = 0; // messages not reported yet
};

} // namespace net
