/*
 * One visit to a relay: a WebSocket, on which the visit asks several questions in turn, and at the
 * same time a request for the relay's document (NIP-11), if the address answers. No question costs
 * the relay much work. Unrequested messages are bounded.
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

/* The task of one visit. */
struct VisitTask
{
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	std::string url;
	bool try_nips = false;
	std::string event; // JSON of the event for the write check; empty: no write check
};

class ProbeJob final : public Dialer::Handler, public WebSocket::Handler, public HttpFetch::Handler
{
  public:
	class Owner
	{
	  public:
		virtual ~Owner() = default;
		/* The last callback. The owner must not destroy the job during this call. */
		virtual void on_visited(ProbeJob &job) = 0;
	};

	ProbeJob(ClientHost &host, Owner &owner, size_t max_document, VisitTask task);

	/* May be called once. */
	void start();
	/* Checks timeouts; must be called every 100 ms. */
	void tick();

	const VisitTask &task() const { return task_; }
	/* Valid after on_visited(). */
	VisitRecord &record() { return record_; }
	/* The visit did not take place, because its address had no free place: the record says
	 * nothing. */
	bool crowded() const { return crowded_; }
	/* Size of the message that is only partly received, in bytes; give_up_message() ends the
	 * conversation to free this memory. */
	size_t incomplete() const { return socket_ ? socket_->incomplete() : 0; }
	void give_up_message();

  private:
	using Step = wire::Step;

	// Calls of the dialer.
	bool may_connect(const std::string &place) override;
	Connection &new_connection(Connection::Handler &dialer) override;
	void on_connected(const ConnectFacts &facts) override;
	void on_failed(const char *reason, std::string detail, const ConnectFacts &facts) override;

	// Calls of the request for the document.
	void fetch_document();
	void on_fetched(const char *reason, std::string detail, HttpAnswer &answer) override;

	// Calls of the WebSocket, and the conversation.
	void on_open() override {} // the dialer handles it
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

	std::optional<Step> step_; // the step whose question is open
	Clock::Time asked_{};      // when it was asked; before the first question: start of the visit
	Clock::Time opened_{};
	std::string subscription_; // id of the step's subscription
	nostr::Event event_;       // event of the write check
	bool talking_ = false;
	bool nostr_ = false;  // a message came that only a relay sends
	bool hinted_ = false; // EOSE carried the hint of NIP-67
	int events_ = 0;      // events in answer to Step::Read
	int messages_ = 0;    // messages of the whole visit
	std::string notice_;  // text of the last NOTICE
	bool over_ = false;
};

} // namespace net
