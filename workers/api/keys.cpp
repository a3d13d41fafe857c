#include "workers/api/keys.h"

#include <vector>

#include "pg/border/spi.h"

extern "C" {
#include "access/xlog.h"
}

using namespace std::chrono_literals;

constexpr auto kWriteEvery = 10s;

/* Valid keys come first, because the number of keys is limited. */
static pg::Statement read_statement(
	"SELECT key_id, digest, pubkey, revoked_at IS NOT NULL, coalesce(expires_at, 0), "
	"coalesce(requests_per_minute, 0), coalesce(kilobytes_per_minute, 0), "
	"coalesce(cost_per_minute, 0), coalesce(cost_limit, 0), array_to_string(scopes, ',') "
	"FROM _bigbrotr.issued_keys ORDER BY revoked_at IS NOT NULL OR "
	"coalesce(expires_at <= bigbrotr.unix_now(), false), key_id DESC LIMIT 10000");
static pg::Statement write_statement("SELECT _bigbrotr.add_key_usage($1, $2, $3, $4, $5)");

void
KeyBook::read(pg::Worker &worker)
{
	worker.transaction_with_retries("reading the keys", {.read_only = true}, [this] {
		static constexpr std::array<uint8_t, 32> none{};
		wire::ApiKeys message;
		pg::Rows rows = read_statement.run();
		auto bytes = [&](uint64_t i, int column) {
			return reinterpret_cast<const std::array<uint8_t, 32> *>(rows.bytes(i, column).data());
		};
		auto number = [&](uint64_t i, int column) {
			return static_cast<int>(rows.integer(i, column));
		};
		for (uint64_t i = 0; i < rows.count(); i++)
			message.keys.push_back({.number = static_cast<uint32_t>(rows.integer(i, 1)),
									.digest = bytes(i, 2),
									.has_pubkey = !rows.null(i, 3),
									.pubkey = rows.null(i, 3) ? &none : bytes(i, 3),
									.revoked = rows.integer(i, 4) != 0,
									.expires_at = rows.integer(i, 5),
									.budget = {.requests_per_minute = number(i, 6),
											   .kilobytes_per_minute = number(i, 7),
											   .cost_per_minute = number(i, 8),
											   .cost_limit = number(i, 9)},
									.scopes = rows.bytes(i, 10)});
		frame_ = wire::encode(message);
	});
}

void
KeyBook::take(const wire::KeyUses &message)
{
	for (const wire::KeyUse &use : message.uses) {
		wire::KeyUse &sum = waiting_[use.key];
		sum.key = use.key;
		sum.requests += use.requests;
		sum.bytes += use.bytes;
		sum.cost += use.cost;
	}
}

void
KeyBook::write(pg::Worker &worker)
{
	if (waiting_.empty() || worker.steady_now() - written_ < kWriteEvery)
		return;
	written_ = worker.steady_now();
	std::vector<wire::KeyUse> uses;
	for (const auto &[key, use] : waiting_)
		uses.push_back(use);
	waiting_.clear();
	if (RecoveryInProgress())
		return;
	worker.transaction_with_retries("writing the use of keys", {}, [&] {
		auto array = [&](int64_t wire::KeyUse::*member) {
			return pg::int8_array(uses.size(), [&](size_t i) { return uses[i].*member; });
		};
		write_statement.run(
			{pg::int4_array(uses.size(),
							[&](size_t i) { return static_cast<int32_t>(uses[i].key); }),
			 array(&wire::KeyUse::requests), array(&wire::KeyUse::bytes),
			 array(&wire::KeyUse::cost), pg::value(worker.now())});
	});
}
