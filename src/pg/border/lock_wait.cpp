#include "pg/border/lock_wait.h"

extern "C" {
#include "utils/timeout.h"
}

namespace pg {

static constexpr int kLookAfterMs = 1000; // half of the lock time-out

static TimeoutId look_timeout = MAX_TIMEOUTS;

/* The lock wait of the last transaction, which a signal handler writes. */
static volatile sig_atomic_t seen;
static LockWait last_wait;

/*
 * Runs in a signal handler. The LOCK stays in shared memory while this process waits for it or
 * holds it.
 */
static void
look()
{
	/* A process that is ending has no MyProc, although the timer may still run. */
	LOCK *lock = MyProc ? MyProc->waitLock : nullptr;
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

/* The processes that hold the lock, without those that wait for it before this process; null if the
 * server names none. */
static const char *
holders_of(const LockWait &wait)
{
	int count;
	VirtualTransactionId *ids = GetLockConflicts(&wait.tag, wait.mode, &count);
	if (count == 0)
		return nullptr;
	auto pid = static_cast<int>(compat::process_of(ids[0]));
	const char *first = pid == 0 ? "a prepared transaction" : psprintf("process %d", pid);
	return count > 1 ? psprintf("%s and %d more", first, count - 1) : first;
}

static const char *
name_of_relation(const LOCKTAG &tag)
{
	const char *name = get_rel_name(tag.locktag_field2);
	return name ? psprintf("%s.%s", get_namespace_name(get_rel_namespace(tag.locktag_field2)), name)
				: "a relation";
}

const char *
describe(const LockWait &wait)
{
	const char *what = wait.tag.locktag_type == LOCKTAG_TRANSACTION
						   ? "a row or key of a transaction"
					   : !wait.is_of_relation() ? "a lock"
					   : wait.tag.locktag_type == LOCKTAG_TUPLE
						   ? psprintf("a row of %s", name_of_relation(wait.tag))
						   : psprintf("a lock on %s", name_of_relation(wait.tag));
	const char *holders = holders_of(wait);
	return holders ? psprintf("%s, held by %s", what, holders) : what;
}

} // namespace pg
