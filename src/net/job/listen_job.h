/*
 * Listens to one relay for events of some kinds, over a connection of its own, and passes each on
 * once its signature is verified:
 *
 *     connect -> REQ -> EVENT … -> EOSE -> EVENT …
 *
 * A relay sends so many stored events and no more: older ones are asked for in pages, beside the
 * first subscription, which stays open.
 *
 * A relay that asks who listens (NIP-42) is signed in to: its challenge goes to the worker. One
 * that sends more than kMostPerMinute events a minute is left.
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
	/* The worker's answer to the relay's challenge. */
	void sign_in(const wire::SignedIn &answer);
	/* Ends the connection. */
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

	/* The subscription to a page of older events. */
	struct Page final : Requests::Handler
	{
		explicit Page(ListenJob &job) : job(job) {}
		void on_event(nostr::Event &event, std::string_view text) override
		{
			job.on_event(event, text);
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
		std::string id; // empty: there is none
		int count = 0;  // so far
	};

	void ask();
	void count();
	void cut(const char *reason, std::string_view detail);

	Link &link_;
	nostr::Verifier &verifier_;
	const int32_t relay_id_;
	const uint32_t attempt_;
	nostr::Window window_;
	int challenges_ = 0;
	bool answered_ = false; // EOSE has come
	int64_t oldest_ = 0;    // created_at of what was sent
	Page page_{*this};
	bool refused_ = false; // for want of authentication, which is awaited
	Clock::Time asked_{}, minute_{};
	int in_minute_ = 0; // messages with events since minute_
	RelayClient client_;
};

} // namespace net
