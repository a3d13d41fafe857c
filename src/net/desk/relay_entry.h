/*
 * One relay of the archive desk: its connection, its jobs, and what is remembered of it from one
 * connection to the next.
 */
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "net/job/live_job.h"
#include "net/job/reading.h"
#include "net/relay/flood_guard.h"

namespace net {

/* The relays whose next page is asked as soon as there is memory for it. */
using PageQueue = std::deque<int32_t>;

class RelayEntry final : public RelayClient::Owner
{
  public:
	RelayEntry(ClientHost &host, Intake &intake, Link &link, PageQueue &queue, int32_t relay_id);

	/* Connects. An earlier opening that is not over is ended first. */
	void open(const wire::RelayOpen &task);
	/* More ranges for a relay that is open or opening. */
	void more(const wire::RelayMore &task);
	/* The worker's answer to the relay's challenge. */
	void sign_in(const wire::SignedIn &answer);
	void stop();
	/* Which opening of the relay this is; its number comes from the worker. */
	uint32_t attempt() const { return attempt_; }
	/* Cuts the connection: its half-received message takes memory that others need. */
	void give_up_message() { cut("assembly_full", ""); }
	/* Forgets which events the relay sent lately, since they may be needed again. */
	void forget_sent()
	{
		if (context_)
			context_->sent = IdTable(JobContext::kSent);
	}
	void tick();

	/* The worker's answers to a comparison of sets. Throw LinkError if there is none. */
	void answered(const auto &answer)
	{
		reading_->answered(answer);
		advance();
	}

	/* Asks the page that waits, if one does. False: there is no memory for it yet. */
	bool ask_page();

	RelayClient::State state() const
	{
		return client_ ? client_->state() : RelayClient::State::Ended;
	}
	size_t incomplete() const { return client_ ? client_->incomplete() : 0; }
	/* Whether there is nothing left to report or to remember. */
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
	/* Nothing is published here. */
	void on_ok(const nostr::Id &, bool, std::string_view text) override
	{
		on_refused("unexpected_message", text);
	}
	void on_notice(std::string_view text) override;
	void on_refused(const char *reason, std::string_view detail) override;
	void on_not_taken(const char *reason, std::string_view detail) override;
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
	int challenges_ = 0;            // of this connection
	Clock::Time sign_in_since_{};   // the relay is signed in to; zero: it is not
	Clock::Time challenge_until_{}; // a challenge may come, before anything is asked; zero: no more
	bool asked_ = false;            // for ranges, if there are any
	std::unique_ptr<RelayClient> client_;
	std::optional<JobContext> context_;
	std::optional<LiveJob> live_;
	std::optional<Reading> reading_;
	bool caught_up_ = false; // and reported
	bool queued_ = false;    // a page waits for memory
	uint64_t accounted_bytes_ = 0;
	uint64_t messages_ = 0; // not reported yet
};

} // namespace net
