#include "net/serve/admission.h"

#include <algorithm>
#include <utility>

#include "net/serve/signed_request.h"
#include "net/serve/text.h"

namespace net {
namespace {

constexpr char kQuotaExceeded[] = "https://iana.org/assignments/http-problem-types#quota-exceeded";

std::vector<std::string>
elements(std::string_view list)
{
	std::vector<std::string> out;
	while (!list.empty()) {
		const size_t end = std::min(list.find(','), list.size());
		if (auto element = trimmed(list.substr(0, end)); !element.empty())
			out.emplace_back(element);
		list.remove_prefix(std::min(end + 1, list.size()));
	}
	return out;
}

Problem
unauthorized(std::string code, std::string detail, std::string hint)
{
	return {.status = 401,
			.code = std::move(code),
			.detail = std::move(detail),
			.hint = std::move(hint)};
}

} // namespace

void
Admission::take(const wire::ServeSettings &settings)
{
	anonymous_ = settings.anonymous;
	anonymous_scopes_ = elements(settings.anonymous_scopes);
	public_urls_ = elements(settings.public_urls);
}

void
Admission::take(const wire::ApiKeys &keys)
{
	keys_.clear();
	by_digest_.clear();
	by_pubkey_.clear();
	for (const wire::ApiKey &key : keys.keys) {
		keys_[key.number] = {.number = key.number,
							 .revoked = key.revoked,
							 .expires_at = key.expires_at,
							 .budget = key.budget,
							 .scopes = elements(key.scopes)};
		by_digest_[*key.digest] = key.number;
		/* A public key may have got a new API key after its first one was revoked. */
		if (key.has_pubkey && (!key.revoked || !by_pubkey_.contains(*key.pubkey)))
			by_pubkey_[*key.pubkey] = key.number;
	}
}

const Admission::Key *
Admission::find(uint32_t number) const
{
	auto found = keys_.find(number);
	return found == keys_.end() ? nullptr : &found->second;
}

/* Looks up the holder of the credential. Keys are found by their digest, so the time of the look-up
 * reveals nothing about a key. */
std::optional<Problem>
Admission::find_holder(const ClientRequest &request, Visitor &visitor) const
{
	const Credential &credential = request.credential;
	const Key *key = nullptr;
	switch (credential.kind) {
	case Credential::Kind::None:
		return std::nullopt;
	case Credential::Kind::Wrong:
		return unauthorized("bad_authorization",
							"The request must have one credential of a kind that is known here.",
							"Send \"Authorization: Bearer\" with a key, \"X-API-Key\", or "
							"\"Authorization: Nostr\" with a signed event (NIP-98).");
	case Credential::Kind::DamagedKey:
		return unauthorized("damaged_key",
							"The key was cut off or mistyped: its checksum is wrong.",
							"Send the key as it was shown when it was made.");
	case Credential::Kind::Key: {
		auto found = by_digest_.find(credential.digest);
		if (found == by_digest_.end())
			return unauthorized("unknown_key", "There is no such key here.",
								"Keys are made by the administrator of this archive. A new one is "
								"known within seconds.");
		key = find(found->second);
		break;
	}
	case Credential::Kind::Event: {
		nostr::PublicKey signer;
		std::string fault =
			signed_request_fault(request, public_urls_, clock_.unix_seconds(), signer);
		if (!fault.empty())
			return unauthorized("bad_signature", fault,
								"NIP-98: kind 27235, signed within the last minute, with the tags "
								"u (the whole URL), method, and payload for a body.");
		auto found = by_pubkey_.find(signer);
		if (found == by_pubkey_.end())
			return unauthorized("unknown_pubkey", "No key here belongs to this public key.",
								"Send the request without a signature, or ask the administrator of "
								"this archive for a key.");
		key = find(found->second);
		break;
	}
	}
	if (auto problem = check(*key))
		return problem;
	visitor.key = key->number;
	return std::nullopt;
}

bool
Admission::is_valid(const Visitor &visitor) const
{
	if (!visitor.key)
		return true;
	const Key *key = find(visitor.key);
	return key && !check(*key);
}

std::optional<Problem>
Admission::check(const Key &key) const
{
	if (key.revoked)
		return unauthorized("key_revoked", "The key was revoked.",
							"Ask the administrator of this archive for a new one.");
	if (key.expires_at != 0 && key.expires_at <= clock_.unix_seconds())
		return unauthorized("key_expired", "The key has expired.",
							"Ask the administrator of this archive for a new one.");
	return std::nullopt;
}

std::optional<Problem>
Admission::identify(const ClientRequest &request, const Address &client, Visitor &visitor)
{
	visitor = {.key = 0, .address = client};
	auto problem = find_holder(request, visitor);
	if (!problem)
		return std::nullopt;
	if (auto too_many = take_request(visitor))
		return too_many;
	return problem;
}

const wire::VisitorBudget &
Admission::budget(const Visitor &visitor) const
{
	const Key *key = visitor.key ? find(visitor.key) : nullptr;
	return key ? key->budget : anonymous_;
}

std::optional<Problem>
Admission::take_request(const Visitor &visitor)
{
	if (visitor.key) {
		const Key *key = find(visitor.key);
		if (!key)
			return unauthorized("unknown_key", "There is no such key here any more.",
								"Ask the administrator of this archive for a new one.");
		if (auto problem = check(*key))
			return problem;
	}
	const std::string who = visitor.key ? "This key" : "This address";
	if (open_calls_.of(visitor) >= kMaxOpenCalls)
		return Problem{.status = 429,
					   .code = "too_many_calls",
					   .detail = who + " has " + std::to_string(kMaxOpenCalls) +
								 " requests under way, and may have no more.",
					   .hint = "Wait for the answers.",
					   .retry_after = 1};
	const wire::VisitorBudget &budget = this->budget(visitor);
	const Accounts::Verdict verdict = accounts_.take(visitor, budget);
	if (!verdict.used_up) {
		if (visitor.key)
			uses_[visitor.key].requests++;
		return std::nullopt;
	}
	const std::string what = verdict.used_up;
	const std::string most = what == "requests" ? std::to_string(budget.requests_per_minute)
							 : what == "bytes"
								 ? std::to_string(budget.kilobytes_per_minute) + " kilobytes"
								 : "a cost of " + std::to_string(budget.cost_per_minute);
	return Problem{.status = 429,
				   .type = kQuotaExceeded,
				   .code = (what == "cost" ? "too_much_" : "too_many_") + what,
				   .detail = who + " may ask for " + most +
							 (what == "requests" ? " requests" : "") + " in a minute.",
				   .hint = "Wait as long as Retry-After says.",
				   .retry_after = verdict.seconds,
				   .members = ",\"violated-policies\":[\"" + what + "\"]"};
}

std::optional<Problem>
Admission::check_scope(const Visitor &visitor, const ApiRoute &route) const
{
	if (route.scope.empty())
		return std::nullopt;
	const Key *key = visitor.key ? find(visitor.key) : nullptr;
	const std::vector<std::string> &scopes = key ? key->scopes : anonymous_scopes_;
	if (std::ranges::any_of(scopes, [&](const std::string &scope) {
			return scope == route.scope || scope == route.name;
		}))
		return std::nullopt;
	const std::string needed = "the scope " + route.scope + " or " + route.name;
	if (!key)
		return unauthorized("key_required", "This needs a key with " + needed + ".",
							"Ask the administrator of this archive for a key.");
	return Problem{.status = 403,
				   .code = "scope_missing",
				   .detail = "The key does not have " + needed + ".",
				   .hint = "Ask the administrator of this archive for a key that has it."};
}

void
Admission::charge(const Visitor &visitor, const wire::CallEnd &end)
{
	const int32_t limit = cost_limit(visitor);
	/* A question over the limit was refused and did not run, so the visitor pays the limit. */
	const bool is_refused = end.sqlstate == "54001" && limit > 0;
	charge(visitor, 0, is_refused ? std::min<int64_t>(end.cost, limit) : end.cost);
}

void
Admission::charge(const Visitor &visitor, int64_t bytes, int64_t cost)
{
	if (bytes == 0 && cost == 0)
		return;
	accounts_.charge(visitor, budget(visitor), bytes, cost);
	if (!visitor.key)
		return;
	wire::KeyUse &use = uses_[visitor.key];
	use.bytes += bytes;
	use.cost += cost;
}

std::vector<wire::KeyUse>
Admission::uses()
{
	std::vector<wire::KeyUse> out;
	for (auto &[key, use] : std::exchange(uses_, {})) {
		use.key = key;
		out.push_back(use);
	}
	return out;
}

} // namespace net
