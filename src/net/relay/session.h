/*
 * One relay's task: open the WebSocket, subscribe to what is new, page the
 * asked ranges one after the other, and end with a reason.
 *
 *   Connecting -> Open -> Ended
 */
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/intake/intake.h"
#include "net/transport/dialer.h"
#include "nostr/message.h"
#include "nostr/paging.h"

namespace net {

/* What all sessions share. */
struct Shared
{
	Transport transport;
	Link &link;
	Intake &intake;
	const Clock &clock;
	Config config;
	nostr::MessageParser parser;
	nostr::RelayMessage message; // scratch: keeps its memory
	uint64_t messages = 0;       // since start
	bool reading = true;         // false: too much is in flight
};

/* Id of the subscription of what is new; those of pages are "p1", "p2", … */
constexpr std::string_view kLiveSubscription = "live";

class Session final : public Dialer::Handler, public WebSocket::Handler
{
  public:
	enum class State : uint8_t
	{
		Connecting,
		Open,
		Ended
	};

	Session(Shared &shared, std::shared_ptr<Ledger> ledger, const wire::RelayOpen &task);

	State state() const { return state_; }
	/* More ranges for a relay that is open or opening. */
	void more(const wire::RelayMore &task);
	uint32_t attempt() const { return attempt_; }
	/* The worker wants no more of it. */
	void stop();
	/* Its half-received message takes memory that others need. */
	void give_up_message();
	size_t incomplete() const { return connection_ ? connection_->incomplete() : 0; }
	/* Time-outs and pings. */
	void tick();
	/* Reading goes on or stops; the clock of the relay's answers stands still meanwhile. */
	void read(bool on);

  private:
	void add_ranges(const std::vector<wire::Range> &ranges);
	void on_connected(std::unique_ptr<WebSocket> socket, const ConnectFacts &facts) override;
	void on_failed(const char *reason, std::string detail, const ConnectFacts &facts) override;

	/* The dialer's: the connection is open when it comes here. */
	void on_open() override {}
	void on_message(std::string_view text) override;
	void on_life() override;
	void on_closed(const char *reason, std::string detail) override;

	void subscribe_live();
	void next_page();
	void all_paged();
	void on_event(std::string_view text);
	void on_end_of_stored();
	void on_subscription_closed();
	void on_refused(nostr::Reject reason, std::string_view text);
	void refuse(const char *reason, std::string_view detail);
	void ignore();
	void cut(const char *reason, std::string_view detail);
	void finish(const char *reason, std::string_view detail);
	void account();
	void check_silence(Clock::Time now);
	void reset_counts(Clock::Time now);

	Shared &shared_;
	std::shared_ptr<Ledger> ledger_;
	const int32_t relay_id_;
	const uint32_t attempt_;
	State state_ = State::Connecting;
	std::optional<Dialer> dialer_; // while it connects
	std::unique_ptr<WebSocket> connection_;

	bool live_wanted_;
	bool live_open_ = false;
	std::deque<nostr::TimeRange> ranges_; // still to be paged, without the pager's
	std::optional<nostr::Pager> pager_;   // set while a page is awaited
	uint64_t page_number_ = 0;
	std::string page_id_;
	int64_t page_asked_at_ = 0;
	/* The page before: events that were on their way when it was closed are no surprise. */
	std::string last_page_id_;
	nostr::Window last_window_;

	Clock::Time page_since_{}; // when the awaited page was asked, or reading went on
	Clock::Time progress_{};   // last sign of the awaited page
	Clock::Time alive_{};      // last sign of anything
	bool ping_sent_ = false;
	std::string notice_; // last one while a page is awaited
	/* What this relay sent lately: who repeats himself is no news. */
	IdTable sent_{256};
	Clock::Time counted_since_{};
	int ignored_ = 0;
	int refused_ = 0;
	uint64_t accounted_bytes_ = 0;
	uint64_t messages_ = 0; // not yet accounted
	uint32_t pages_ = 0;    // not yet accounted
};

} // namespace net
