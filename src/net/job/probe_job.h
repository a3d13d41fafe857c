/*
 * One visit to a relay: a WebSocket, on which it is asked one thing after the other, and beside it
 * a request for its document (NIP-11), if something answers there. Nothing is asked that would cost
 * the relay much, and what it sends unasked is bounded.
 */
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/job/arrival.h"
#include "net/job/visit.h"
#include "net/relay/relay_client.h"
#include "net/transport/http_fetch.h"
#include "net/transport/web_socket.h"

namespace net {

/* What is to be done at a visit. */
struct VisitTask
{
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	std::string url;
	bool try_nips = false;
	std::string event; // JSON of the event for the write check; empty: no such check
};

class ProbeJob final : public Dialer::Handler, public WebSocket::Handler, public HttpFetch::Handler
{
  public:
	class Owner
	{
	  public:
		virtual ~Owner() = default;
		/* The last call; the job must not be destroyed during it. */
		virtual void on_visited(ProbeJob &job) = 0;
	};

	ProbeJob(ClientHost &host, Owner &owner, size_t max_document, VisitTask task);

	/* Once. */
	void start();
	/* Time-outs: to be called every 100 ms. */
	void tick();

	const VisitTask &task() const { return task_; }
	/* Valid from on_visited() on. */
	VisitRecord &record() { return record_; }
	/* There were as many visits to the address as there may be: the record says nothing. */
	bool crowded() const { return crowded_; }
	/* Bytes of a message that is not whole yet, and the end of the conversation because of it. */
	size_t incomplete() const { return socket_ ? socket_->incomplete() : 0; }
	void give_up_message();

  private:
	using Step = wire::Step;

	// The way.
	bool may_connect(const std::string &place) override;
	Connection &new_connection(Connection::Handler &dialer) override;
	void on_connected(const ConnectFacts &facts) override;
	void on_failed(const char *reason, std::string detail, const ConnectFacts &facts) override;

	// The document.
	void fetch_document();
	void on_fetched(const char *reason, std::string detail, HttpAnswer &answer) override;

	// The conversation.
	void on_open() override {} // the dialer's
	void on_message(std::string_view text) override;
	bool on_too_large(size_t bytes) override;
	void on_life() override {}
	void on_closed(const char *reason, std::string detail) override;
	void on_event();
	void on_read_event();
	void on_end_of_stored();
	void on_refusal(std::string_view text);
	void on_challenge();
	void on_notice();
	void on_ok();
	void next();
	bool begin(Step step);
	void skip(Step step, const char *reason);
	void settle(wire::Outcome outcome, std::string reason = "", std::string detail = "");
	void give_up_step();
	void end_conversation();
	void judge();
	void check_over();
	std::chrono::microseconds since_asked() const;

	ClientHost &host_;
	Owner &owner_;
	const size_t max_document_;
	const VisitTask task_;
	VisitRecord record_;
	Arrival arrival_;
	bool crowded_ = false;
	Place place_{host_.places};
	std::optional<Dialer> dialer_;
	std::unique_ptr<WebSocket> socket_;
	std::unique_ptr<HttpFetch> fetch_;

	std::optional<Step> step_; // that is asked
	Clock::Time asked_{};      // when; before the first question: the begin of the visit
	Clock::Time opened_{};
	std::string subscription_; // of the step
	nostr::Event event_;       // of the write check
	bool talking_ = false;
	bool nostr_ = false;  // something came that only a relay says
	bool hinted_ = false; // NIP-67
	int events_ = 0;      // that came in answer to Read
	int found_ = 0;       // in answer to the step
	int messages_ = 0;    // in all
	std::string notice_;  // the last one
	bool over_ = false;
};

} // namespace net
