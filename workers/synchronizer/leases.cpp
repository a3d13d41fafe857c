#include "workers/synchronizer/leases.h"

#include "pg/border/spi.h"

extern "C" {
#include "access/xlog.h"
}

namespace {

constexpr int64_t kLease = 90; // seconds

pg::Statement database_statement("SELECT current_database()::text");
pg::Statement begin_statement("SELECT _bigbrotr.start_synchronizer($1, $2, $3, $4)");
pg::Statement renew_statement("SELECT _bigbrotr.renew_leases($1, $2)");
pg::Statement hold_statement("SELECT _bigbrotr.hold_leases($1)");

void
demand(const pg::Rows &held)
{
	if (!held.integer(0, 1))
		throw pg::Error(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
						"the leases of this worker were taken away",
						"They had expired: the worker could not renew them in time.",
						"It starts again by itself.");
}

} // namespace

void
Leases::begin(std::string_view worker, Share share, int64_t now)
{
	owner_ = std::to_string(GetSystemIdentifier()) + "/" +
			 std::string(database_statement.run().bytes(0, 1)) + "/" + std::string(worker);
	begin_statement.run({pg::value(std::string_view(owner_)), pg::value(now + kLease),
						 pg::value(now), pg::value(share == Share::Priority)});
}

void
Leases::renew(int64_t now) const
{
	demand(renew_statement.run({pg::value(std::string_view(owner_)), pg::value(now + kLease)}));
}

void
Leases::hold() const
{
	demand(hold_statement.run({pg::value(std::string_view(owner_))}));
}
