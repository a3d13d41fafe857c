#include "pg/cycle/slots.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
}

namespace pg {

Shared *shared = nullptr;

static constexpr const char *kTranche = "bigbrotr";

#if PG_VERSION_NUM >= 150000
static shmem_request_hook_type prev_request_hook = nullptr;
#endif
static shmem_startup_hook_type prev_startup_hook = nullptr;

/*
 * The number of slots: one for each worker process that the server allows, and 256 for services
 * without a process (disabled, done, or of a database that cannot be served yet).
 */
static int
slot_count()
{
	return max_worker_processes + 256;
}

static Size
shared_size()
{
	return add_size(offsetof(Shared, slots), mul_size(slot_count(), sizeof(Slot)));
}

static void
request()
{
#if PG_VERSION_NUM >= 150000
	if (prev_request_hook)
		prev_request_hook();
#endif
	RequestAddinShmemSpace(MAXALIGN(shared_size()));
	RequestNamedLWLockTranche(kTranche, 2);
}

static void
initialize(Slot &slot)
{
	for (pg_atomic_uint64 *counter :
		 {&slot.last_success, &slot.health_checks, &slot.health_failures, &slot.cycles,
		  &slot.cycle_last_us, &slot.cycle_total_us, &slot.cycle_max_us})
		pg_atomic_init_u64(counter, 0);
	for (pg_atomic_uint64 &cycles : slot.cycle_classes)
		pg_atomic_init_u64(&cycles, 0);
	for (Counter &counter : slot.custom)
		pg_atomic_init_u64(&counter.value, 0);
}

static void
startup()
{
	if (prev_startup_hook)
		prev_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	bool found;
	shared = static_cast<Shared *>(ShmemInitStruct("bigbrotr", shared_size(), &found));
	if (!found) {
		memset(static_cast<void *>(shared), 0, shared_size());
		shared->slot_count = slot_count();
		shared->lock = &GetNamedLWLockTranche(kTranche)[0].lock;
		shared->news_lock = &GetNamedLWLockTranche(kTranche)[1].lock;
		ConditionVariableInit(&shared->changed);
		for (Slot &slot : all_slots())
			initialize(slot);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
install_shared_memory()
{
#if PG_VERSION_NUM >= 150000
	prev_request_hook = shmem_request_hook;
	shmem_request_hook = request;
#else
	request();
#endif
	prev_startup_hook = shmem_startup_hook;
	shmem_startup_hook = startup;
}

static constexpr const char *kPaused = "paused";
static constexpr const char *kStateNames[] = {"disabled", "enabled",  "enabled", "running",
											  "backoff",  "draining", "done"};

const char *
state_name(const Slot &slot)
{
	if (slot.state == State::Running && slot.paused)
		return kPaused;
	return kStateNames[static_cast<int>(slot.state)];
}

bool
is_state_name(std::string_view name)
{
	for (const char *known : kStateNames)
		if (name == known)
			return true;
	return name == kPaused;
}

bool
is_of(const Slot &slot, const char *database, const char *service)
{
	Assert(LWLockHeldByMe(shared->lock));
	return slot.used && strcmp(slot.database, database) == 0 && strcmp(slot.service, service) == 0;
}

Slot *
find_slot(const char *database, const char *service, int instance)
{
	for (Slot &slot : all_slots())
		if (is_of(slot, database, service) && slot.instance == instance)
			return &slot;
	return nullptr;
}

bool
has_workers(const char *database)
{
	Assert(LWLockHeldByMe(shared->lock));
	for (const Slot &slot : all_slots())
		if (slot.used && slot.has_worker && strcmp(slot.database, database) == 0)
			return true;
	return false;
}

void
set_state(Slot &slot, State state)
{
	Assert(LWLockHeldByMeInMode(shared->lock, LW_EXCLUSIVE));
	slot.state = state;
	slot.since = GetCurrentTimestamp();
}

/* Copies as many complete characters as fit. A process without a database assumes UTF-8. */
template <size_t Size>
static void
clip(char (&copy)[Size], const char *text)
{
	int encoding = OidIsValid(MyDatabaseId) ? GetDatabaseEncoding() : PG_UTF8;
	int length = static_cast<int>(strnlen(text, 4 * Size));
	length = pg_encoding_mbcliplen(encoding, text, length, Size - 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
}

void
set_error(Slot &slot, int sqlstate, const char *message)
{
	Assert(LWLockHeldByMeInMode(shared->lock, LW_EXCLUSIVE));
	clip(slot.last_error, message);
	strlcpy(slot.last_sqlstate, unpack_sql_state(sqlstate), sizeof slot.last_sqlstate);
}

void
clear_error(Slot &slot)
{
	Assert(LWLockHeldByMeInMode(shared->lock, LW_EXCLUSIVE));
	slot.last_error[0] = slot.last_sqlstate[0] = '\0';
}

void
set_waiting_locked(Slot &slot, const char *what)
{
	Assert(LWLockHeldByMeInMode(shared->lock, LW_EXCLUSIVE));
	clip(slot.waiting_for, what ? what : "");
}

void
set_waiting(Slot &slot, const char *what)
{
	Assert(!LWLockHeldByMe(shared->lock));
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	set_waiting_locked(slot, what);
	LWLockRelease(shared->lock);
}

void
log_state(const Slot &slot, int elevel, const char *detail, const char *hint)
{
	Assert(!LWLockHeldByMe(shared->lock));
	ereport(elevel, (errmsg("service \"%s\" of database \"%s\" is %s", slot.name, slot.database,
							slot.state == State::Backoff ? "backing off" : state_name(slot)),
					 slot.state == State::Backoff
						 ? errdetail("Next start after %ld ms; failures in a row: %d.",
									 TimestampDifferenceMilliseconds(slot.since, slot.next_start),
									 slot.failures)
					 : detail && detail[0] ? errdetail("Reason: %s.", detail)
										   : 0,
					 hint ? errhint("%s", hint) : 0, errhidecontext(true)));
}

const char *current_task = nullptr;

void
describe_slot(void *slot)
{
	const Slot *one = static_cast<Slot *>(slot);
	if (current_task)
		errcontext("bigbrotr service \"%s\" of database \"%s\", task \"%s\"", one->name,
				   one->database, current_task);
	else
		errcontext("bigbrotr service \"%s\" of database \"%s\"", one->name, one->database);
}

void
announce()
{
	Assert(!LWLockHeldByMe(shared->lock));
	ConditionVariableBroadcast(&shared->changed);
}

void
wake_launcher()
{
	Assert(LWLockHeldByMe(shared->lock));
	if (shared->launcher)
		SetLatch(shared->launcher);
}

} // namespace pg
