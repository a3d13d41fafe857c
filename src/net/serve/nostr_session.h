/*
 * The archive as a Nostr relay (NIP-01, 11, 45, 67, 77): subscriptions, counts and set
 * reconciliations of one WebSocket. The relay is read-only. A subscription sends new events after
 * its stored events, as soon as they are committed; a subscription with a search (NIP-50) does not.
 */
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

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
	static constexpr int64_t kDefaultLimit = 500, kMaxLimit = 5000; // limits of one filter
	/* Values in the lists of all live filters of a session. */
	static constexpr size_t kMaxValues = 10000;

	class Out
	{
	  public:
		virtual ~Out() = default;
		virtual void send_message(std::string text) = 0;
		/* Whether so much is queued that the client should get nothing more now. */
		virtual bool is_slow() const = 0;
	};

	NostrSession(Server &server, Out &out, const Visitor &visitor);
	~NostrSession();

	void on_message(std::string_view text);
	/* Must be called every 100 ms. */
	void tick();
	/* Must be called when the client has read everything that was sent. */
	void on_sent();

  private:
	class Subscription;
	/* Whether it is a COUNT, and the id: a COUNT leaves the REQ with the same id alone. */
	using Key = std::pair<bool, std::string>;

	void ask(const nostr::ClientMessage &message, bool count);
	/* The route with this name; null, with the reason in `why`, if it may not be used now. */
	const ApiRoute *admit(std::string_view name, std::string &why);
	void reconcile(const nostr::ClientMessage &message);
	void end_failed();
	void refuse(const nostr::ClientMessage &message);
	size_t live_values() const;
	void close(const Key &key, const std::string &why); // sends CLOSED
	void notice(std::string_view text);

	Server &server_;
	Out &out_;
	const Visitor visitor_;
	std::map<Key, std::unique_ptr<Subscription>> subscriptions_;
	std::map<std::string, std::unique_ptr<Reconciliation>> reconciliations_; // by id
	std::vector<std::string> failed_;                                        // ids
};

/* The relay information document (NIP-11). */
std::string relay_information(const ServeOptions &options);

} // namespace net
