/*
 * Listens to one relay for events of some kinds over a connection of its own, verifies the
 * signature of each event and passes the event on:
 *
 *     connect -> REQ -> EVENT … -> EOSE -> EVENT …
 *
 * A relay limits the stored events of one answer, so older events are asked for in pages. The first
 * subscription stays open meanwhile.
 *
 * If the relay demands authentication (NIP-42), its challenge goes to the worker, which signs the
 * answer. The connection ends if the relay sends more than kMostPerMinute messages a minute.
 */
#pragma once

#include "net/core/link.h"
#include "net/relay/relay_client.h"
#include "nostr/keys.h"
#include "wire/publish.h"

namespace net {

class ListenJob final : private RelayClient::Owner, private Requests::Handler
{
  public:
	static constexpr int kMostPerMinute = 6000;

	ListenJob(ClientHost &host, Link &link, nostr::Verifier &verifier, const wire::Listen &task);

	uint32_t attempt() const { return attempt_; }
	bool over() const { return client_.state() == RelayClient::State::Ended; }
	/* Takes the worker's signed answer to the relay's challenge. */
	void sign_in(const wire::SignedIn &answer);
	/* Closes the connection. */
	void stop();
	void tick();

  private:
	void on_open() override { ask(); }
	void on_late_event(nostr::Event &, const std::string &) override { on_ignored(); }
	void on_auth(std::string_view challenge) override;
	void on_authenticated(bool accepted, std::string_view text) override;
	void on_ok(const nostr::Id &, bool, std::string_view) override { on_ignored(); }
	void on_notice(std::string_view) override { count(); }
	void on_refused(const char *, std::string_view) override { on_ignored(); }
	void on_not_taken(const char *, std::string_view) override { on_ignored(); }
	bool may_skip(size_t) override { return true; }
	void on_ignored() override;
	void on_handled() override {}
	void on_ended(const char *reason, std::string_view detail) override;

	void on_event(nostr::Event &event, std::string_view text) override;
	void on_refused_event(std::string_view) override { on_ignored(); }
	void on_end_of_stored(bool) override;
	void on_closed(std::string_view reason) override;

	/* The subscription to one page of older events. */
	struct Page final : Requests::Handler
	{
		explicit Page(ListenJob &job) : job(job) {}
		void on_event(nostr::Event &event, std::string_view) override
		{
			job.oldest_ = std::min(job.oldest_, event.created_at);
			job.take(event);
		}
		void on_refused_event(std::string_view) override { job.on_ignored(); }
		void on_end_of_stored(bool more) override { job.on_end_of_stored(more); }
		void on_closed(std::string_view) override
		{
			job.answered_ = true;
			id.clear();
		}
		void on_notice(std::string_view) override {}

		ListenJob &job;
		std::string id; // id of the subscription; empty if none is open
		int count = 0;  // number of pages so far
	};

	void ask();
	void take(const nostr::Event &event);
	void count();
	void cut(const char *reason, std::string_view detail);

	Link &link_;
	nostr::Verifier &verifier_;
	const int32_t relay_id_;
	const uint32_t attempt_;
	nostr::Window window_;
	int challenges_ = 0;
	bool answered_ = false; // the relay sent EOSE
	int64_t oldest_ = 0;    // smallest created_at of the stored events so far
	Page page_{*this};
	bool refused_ = false; // the relay demands authentication, which is under way
	Clock::Time asked_{}, minute_{};
	int in_minute_ = 0; // messages since minute_
	RelayClient client_;
};

} // namespace net
