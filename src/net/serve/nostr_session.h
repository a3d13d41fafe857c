/*
 * What the archive says as a relay (NIP-01, 11, 45, 67, 77): subscriptions, counts and set
 * reconciliations of one WebSocket.
 * It is read-only. A subscription goes on with new events after its stored ones, as they are
 * committed; one with a search (NIP-50) does not.
 */
#pragma once

#include <map>
#include <memory>
#include <string>

#include "net/serve/calls.h"
#include "net/serve/reconciliation.h"
#include "nostr/relay_request.h"

namespace net {

class NostrSession
{
  public:
	static constexpr size_t kMaxMessage = 128 << 10; // bytes from a client
	static constexpr size_t kMaxReconciliations = 2;
	static constexpr size_t kMaxFilters = 20;                       // of one subscription
	static constexpr int64_t kDefaultLimit = 500, kMaxLimit = 5000; // events of one filter

	class Out
	{
	  public:
		virtual ~Out() = default;
		virtual void send_message(std::string text) = 0;
		/* Is more queued than the client should be sent at once? */
		virtual bool is_slow() const = 0;
	};

	NostrSession(Server &server, Out &out, const Visitor &visitor);
	~NostrSession();

	void on_message(std::string_view text);
	/* Every 100 ms. */
	void tick();
	/* The client has taken what it was sent. */
	void on_sent();

  private:
	class Subscription;

	void ask(const nostr::ClientMessage &message, bool count);
	/* The route of that name; null and why not, if it may not be asked now. */
	const ApiRoute *admit(std::string_view name, std::string &why);
	void reconcile(const nostr::ClientMessage &message);
	void end_failed();
	void end(const std::string &id);
	void close(const std::string &id, const std::string &why); // with CLOSED
	void notice(std::string_view text);

	Server &server_;
	Out &out_;
	const Visitor visitor_;
	std::map<std::string, std::unique_ptr<Subscription>> subscriptions_;     // by id
	std::map<std::string, std::unique_ptr<Reconciliation>> reconciliations_; // by id
	std::vector<std::string> failed_;                                        // reconciliations
};

/* The relay information document (NIP-11). */
std::string relay_information(const ServeOptions &options);

} // namespace net
