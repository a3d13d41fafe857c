/* The SQLSTATEs after which a worker repeats its transaction, and the words for the obstacle. */
#include "pg/work/retry.h"

#include <algorithm>

#include "pg/border/lock_wait.h"
#include "pg/border/transaction.h"

namespace pg {

using std::chrono::milliseconds;

static constexpr int kClassResources = MAKE_SQLSTATE('5', '3', '0', '0', '0');

Obstacle
obstacle_of(const Error &error, bool timed_out)
{
	int code = error.sqlstate();
	if (code == ERRCODE_T_R_SERIALIZATION_FAILURE || code == ERRCODE_T_R_DEADLOCK_DETECTED)
		return Obstacle::Conflict;
	if (code == ERRCODE_LOCK_NOT_AVAILABLE)
		return Obstacle::Lock;
	if (code == ERRCODE_QUERY_CANCELED)
		return timed_out ? Obstacle::Timeout : Obstacle::Cancel;
	if (ERRCODE_TO_CATEGORY(code) == kClassResources)
		return Obstacle::Resources;
	return Obstacle::None;
}

milliseconds
delay_before_retry(Obstacle obstacle, int attempt)
{
	constexpr int kMostMs = 1000;
	int factor = std::min(attempt, kMostMs);
	/* The delays of two workers in conflict must differ, so they depend on the process number. */
	int delay = obstacle == Obstacle::Conflict ? 5 * factor + MyProcPid % 16 : 100 * factor;
	return milliseconds(std::min(delay, kMostMs));
}

/* The name of the lock; empty if it cannot be found, because the catalogs are locked too. */
static std::string
name_of(const LockWait &wait)
{
	try {
		begin_transaction("naming the lock that is waited for", {.read_only = true});
		try {
			std::string words = call([&] { return describe(wait); });
			commit_transaction();
			return words;
		} catch (...) {
			abort_transaction();
			throw;
		}
	} catch (const std::exception &) {
		return {};
	}
}

/* The first line of the server's context, which names the row: "while updating tuple (0,1) in …".
 * The last line names the service. */
static std::string
place_of(const Error &error)
{
	const char *context = error.server() ? error.server()->data->context : nullptr;
	const char *end = context ? strchr(context, '\n') : nullptr;
	if (end == nullptr)
		return {};
	return " (" + std::string(context, end) + ")";
}

static std::string
words_for_lock(const Error &error)
{
	std::optional<LockWait> wait = last_lock_wait(); // before name_of() begins another transaction
	std::string name = wait ? name_of(*wait) : std::string();
	if (name.empty())
		name = "a lock";
	return wait && wait->is_of_relation() ? name : name + place_of(error);
}

std::string
words_for(Obstacle obstacle, const Error &error)
{
	switch (obstacle) {
	case Obstacle::Lock:
		return words_for_lock(error);
	case Obstacle::Timeout:
		return "the database, which took longer than the time-out of the transaction";
	case Obstacle::Cancel:
		return "another attempt after a request to cancel";
	case Obstacle::Conflict:
		return "the end of a conflict with another transaction";
	default:
		return error.sqlstate() == ERRCODE_DISK_FULL ? std::string("space on disk: ") + error.what()
													 : std::string("resources: ") + error.what();
	}
}

} // namespace pg
