#include "pg/border/lock_wait.h"

extern "C" {
#include "utils/timeout.h"
}

namespace pg {

static constexpr int kLookAfterMs = 1000; // half of the lock time-out

static TimeoutId look_timeout = MAX_TIMEOUTS;

/* Of the last transaction; written by a signal handler. */
static volatile sig_atomic_t seen;
static LockWait last_wait;

/*
 * In a signal handler. While we are queued for it, the lock stays where it is; if we are given it
 * at this moment it is ours, and stays too.
 */
static void
look()
{
	LOCK *lock = MyProc->waitLock;
	if (lock == nullptr)
		return;
	last_wait.tag = lock->tag;
	last_wait.mode = MyProc->waitLockMode;
	seen = true;
}

void
register_lock_watch()
{
	look_timeout = RegisterTimeout(USER_TIMEOUT, look);
}

void
watch_lock_waits()
{
	seen = false;
	enable_timeout_after(look_timeout, kLookAfterMs);
}

std::optional<LockWait>
last_lock_wait()
{
	return seen ? std::optional(last_wait) : std::nullopt;
}

static const char *
what_is_locked(const LOCKTAG &tag)
{
	switch (tag.locktag_type) {
	case LOCKTAG_RELATION:
	case LOCKTAG_RELATION_EXTEND:
	case LOCKTAG_PAGE:
	case LOCKTAG_TUPLE: {
		const char *name = get_rel_name(tag.locktag_field2);
		if (name == nullptr)
			return "a lock on a relation";
		return psprintf(tag.locktag_type == LOCKTAG_TUPLE ? "a row of %s.%s" : "a lock on %s.%s",
						get_namespace_name(get_rel_namespace(tag.locktag_field2)), name);
	}
	case LOCKTAG_TRANSACTION:
	case LOCKTAG_VIRTUALTRANSACTION:
		return "the end of a transaction";
	default:
		return "a lock";
	}
}

/* Of those that hold the lock, not of those that wait for it before us. */
static const char *
holders_of(const LockWait &wait)
{
	int count;
	VirtualTransactionId *ids = GetLockConflicts(&wait.tag, wait.mode, &count);
	if (count == 0)
		return "";
	auto pid = static_cast<int>(compat::process_of(ids[0]));
	const char *others = count > 1 ? psprintf(" and %d more", count - 1) : "";
	return pid == 0 ? psprintf(", held by a prepared transaction%s", others)
					: psprintf(", held by process %d%s", pid, others);
}

const char *
describe(const LockWait &wait)
{
	return psprintf("%s%s", what_is_locked(wait.tag), holders_of(wait));
}

} // namespace pg
