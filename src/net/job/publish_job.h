/*
 * Sends signed events to one relay over a connection of its own, one after the other:
 *
 *     connect -> EVENT -> OK -> pause -> EVENT … -> close
 *
 * If the relay demands authentication (NIP-42), its challenge goes to the worker, which signs the
 * answer. An event that was refused before the authentication is sent once more. A relay that
 * answers "rate-limited" gets no more events on this connection.
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
	/* Takes the worker's signed answer to the relay's challenge. */
	void sign_in(const wire::SignedIn &answer);
	void tick();

  private:
	struct Pending
	{
		nostr::Id id;
		std::string event;
		bool refused_once = false; // the relay demanded authentication
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
	std::deque<Pending> pending_; // the first one is sent, or is sent next
	bool sent_ = false;
	std::string refusal_; // the refusal, while the first event waits for authentication; else empty
	bool authenticated_ = false;
	int challenges_ = 0;
	int ignored_ = 0;              // messages that answer nothing that was sent
	Clock::Time asked_{}, next_{}; // when an event was sent; when the next one may be sent
	RelayClient client_;
};

} // namespace net
