/*
 * Sends signed events to one relay over a connection of its own, one after the other:
 *
 *     connect -> EVENT -> OK -> pause -> EVENT … -> close
 *
 * A relay that asks who writes (NIP-42) is signed in to: its challenge goes to the worker. An event
 * that it refused for want of that is sent once more. A relay that says it is written to too fast
 * gets no more on this connection.
 */
#pragma once

#include <deque>

#include "net/core/link.h"
#include "net/relay/relay_client.h"
#include "wire/publish.h"

namespace net {

class PublishJob final : private RelayClient::Owner
{
  public:
	PublishJob(ClientHost &host, Link &link, const wire::Publish &task);

	uint32_t attempt() const { return attempt_; }
	bool over() const { return client_.state() == RelayClient::State::Ended; }
	/* The worker's answer to the relay's challenge. */
	void sign_in(const wire::SignedIn &answer);
	void tick();

  private:
	struct Pending
	{
		nostr::Id id;
		std::string event;
		bool refused_once = false; // for want of authentication
	};

	void on_open() override { send_next(); }
	void on_late_event(nostr::Event &, const std::string &) override { on_ignored(); }
	void on_auth(std::string_view challenge) override;
	void on_authenticated(bool accepted, std::string_view text) override;
	void on_ok(const nostr::Id &id, bool accepted, std::string_view text) override;
	void on_notice(std::string_view) override {}
	void on_refused(const char *, std::string_view) override { on_ignored(); }
	void on_not_taken(const char *, std::string_view) override { on_ignored(); }
	bool may_skip(size_t) override { return false; }
	void on_ignored() override;
	void on_handled() override {}
	void on_ended(const char *reason, std::string_view detail) override;

	void send_next();
	void answered(bool accepted, std::string_view text);
	void cut(const char *reason, std::string_view detail);

	Link &link_;
	const int32_t relay_id_;
	const uint32_t attempt_;
	std::deque<Pending> pending_; // the first one is sent, or about to be
	bool sent_ = false;
	std::string refusal_; // why the first one waits for authentication; empty: it does not
	bool authenticated_ = false;
	int challenges_ = 0;
	int ignored_ = 0;              // messages that were not asked for
	Clock::Time asked_{}, next_{}; // when it was sent; when the next one may be sent
	RelayClient client_;
};

} // namespace net
