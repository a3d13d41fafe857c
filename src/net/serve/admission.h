/* Decides who may ask what, and how much: keys, scopes and budgets. */
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/serve/accounts.h"
#include "net/serve/credential.h"
#include "net/serve/routes.h"
#include "nostr/event.h"
#include "wire/serve.h"

namespace net {

class Admission
{
  public:
	/* Calls of one visitor under way: a fifth of those that the worker lets wait. */
	static constexpr int64_t kMaxOpenCalls = 100;

	explicit Admission(const Clock &clock) : clock_(clock), accounts_(clock) {}

	void take(const wire::ServeSettings &settings);
	void take(const wire::ApiKeys &keys);

	/* Finds the sender of a request that came from this address. Returns a Problem if the
	 * credential is wrong; this takes a request from the account of the address, so that keys
	 * cannot be tried without limit. */
	std::optional<Problem> identify(const ClientRequest &request, const Address &client,
									Visitor &visitor);
	/* Takes one request from the visitor's account. Returns a Problem if none is left, if the
	 * visitor has kMaxOpenCalls calls under way, or if the key is no longer valid. */
	std::optional<Problem> take_request(const Visitor &visitor);
	/* Must be called when a call of the visitor begins, and when it has ended. */
	void call_began(const Visitor &visitor) { open_calls_.add(visitor, 1); }
	void call_ended(const Visitor &visitor) { open_calls_.add(visitor, -1); }
	/* False if the visitor's key has expired or was revoked. */
	bool is_valid(const Visitor &visitor) const;
	/* Returns a Problem if the visitor may not use the route. */
	std::optional<Problem> check_scope(const Visitor &visitor, const ApiRoute &route) const;
	/* Subtracts the bytes of an answer from the visitor's account. */
	void charge(const Visitor &visitor, int64_t bytes) { charge(visitor, bytes, 0); }
	/* Subtracts the cost of a call that has ended. */
	void charge(const Visitor &visitor, const wire::CallEnd &end);
	/* Cost limit of one question; 0: no limit. */
	int32_t cost_limit(const Visitor &visitor) const { return budget(visitor).cost_limit; }
	/* Headers with the rest of the budget. */
	Fields headers(const Visitor &visitor) { return accounts_.headers(visitor, budget(visitor)); }

	/* The use of each key since the last call. */
	std::vector<wire::KeyUse> uses();

  private:
	struct Key
	{
		uint32_t number;
		bool revoked;
		int64_t expires_at; // Unix seconds; 0: never
		wire::VisitorBudget budget;
		std::vector<std::string> scopes;
	};

	/* Null if no key has this number. */
	const Key *find(uint32_t number) const;
	std::optional<Problem> find_holder(const ClientRequest &request, Visitor &visitor) const;
	std::optional<Problem> check(const Key &key) const;
	const wire::VisitorBudget &budget(const Visitor &visitor) const;
	void charge(const Visitor &visitor, int64_t bytes, int64_t cost);

	const Clock &clock_;
	wire::VisitorBudget anonymous_;
	std::vector<std::string> anonymous_scopes_, public_urls_;
	std::unordered_map<uint32_t, Key> keys_;
	std::map<Digest, uint32_t> by_digest_;
	std::map<nostr::PublicKey, uint32_t> by_pubkey_;
	Accounts accounts_;
	Holdings open_calls_;
	std::map<uint32_t, wire::KeyUse> uses_;
};

} // namespace net
