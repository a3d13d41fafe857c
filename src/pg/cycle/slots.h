/*
 * The shared memory of bigbrotr: one slot for each database, service and instance, and the messages
 * between SQL functions, launcher and workers. README.md shows the state machine.
 *
 * Shared::lock protects everything here except the atomics and the news. Each field has one writer,
 * which a comment at its group names. After each change of a state, announce() wakes the processes
 * that wait for one. The only pointers into process memory are latches, which their owner clears
 * before it exits.
 */
#pragma once

#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

#include "pg/border/compat.h"

extern "C" {
#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
}

namespace pg {

constexpr int kCustomCounters = 128; // per worker
constexpr int kDrains = 16;
constexpr int kNews = 1 << 16;
constexpr int kNewsFollowers = 16;

/* Upper bounds of the classes in which durations of cycles are counted, in microseconds. A last
 * class counts longer cycles. */
constexpr uint64 kCycleBounds[] = {1'000,   5'000,     20'000,     100'000,
								   500'000, 2'000'000, 10'000'000, 60'000'000};
constexpr size_t kCycleClasses = std::size(kCycleBounds) + 1;

enum class State : uint8_t
{
	Disabled, // must not run: stopped, not listed, or given up
	Enabled,  // must run, and waits for a condition
	Starting, // a worker is registered and not ready yet
	Running,
	Backoff,  // the worker failed; waits for next_start
	Draining, // the worker must end, or a statement has reserved the database
	Done      // ran to its end; starts again on request
};

/* Why a worker ended. The launcher chooses the next state by this reason. */
enum class Exit : uint8_t
{
	Unknown, // initial value: the worker has not said why it ended
	Failed,
	Done,       // the service is done
	NotReady,   // the extension is missing or has another version
	Terminated, // ended by SIGTERM
};

enum class Health : uint8_t
{
	Unknown,
	Healthy,
	Unhealthy
};

struct Counter
{
	char name[64];
	pg_atomic_uint64 value; // an int64 in two's complement
};

struct Slot
{
	bool used;
	char database[NAMEDATALEN];
	char service[NAMEDATALEN];
	int instance;                // from 1 on
	char name[NAMEDATALEN + 12]; // the service; "synchronizer.2" for its second instance

	/*
	 * Wishes. SQL functions write them, the same for all instances of a service. The launcher
	 * clears the two requests, and keeps the wishes to stop and to pause in a file.
	 */
	bool stopped;
	bool pause;
	bool start_request;
	bool restart_request;
	uint64 health_asked;

	/* Written by the launcher, except that the worker sets Starting -> Running, and sets `since`
	 * when it pauses or resumes. */
	State state;
	bool has_worker; // from registration until the postmaster reports the end
	TimestampTz since;
	TimestampTz next_start;     // 0: no start is planned
	TimestampTz given_up_until; // disabled until then after crashes of the server; 0: no
	int failures;               // in a row
	int64 restarts;
	uint64 generation; // number of the worker that may use the slot

	/* Written by the worker. Without a worker, the launcher writes the error and waiting_for. */
	pid_t pid;
	Latch *latch;
	Exit exit;
	bool paused;
	TimestampTz started;
	Health health;
	uint64 health_answered;
	char last_error[256];
	char last_sqlstate[6];
	char waiting_for[256]; // empty: nothing; see set_waiting()

	/* Statistics of the worker since its start. last_success stays when the worker ends. */
	pg_atomic_uint64 last_success; // TimestampTz
	pg_atomic_uint64 health_checks, health_failures;
	pg_atomic_uint64 cycles, cycle_last_us, cycle_total_us, cycle_max_us;
	pg_atomic_uint64 cycle_classes[kCycleClasses];
	Counter custom[kCustomCounters]; // the lock is held when a name is written
};

/* A database in which no worker may run during a statement. */
struct Drain
{
	char database[NAMEDATALEN];
	int holders;
};

struct NewsItem
{
	int64 eid;
	Oid database;
};

struct NewsFollower
{
	Latch *latch; // null: unused
	Oid database;
};

/* New events in the order of their commits (archive/news.h). Shared::news_lock protects it. */
struct News
{
	uint64 end; // number of items so far; item n is at index n % kNews
	NewsFollower followers[kNewsFollowers];
	NewsItem items[kNews];
};

struct Shared
{
	LWLock *lock;
	ConditionVariable changed;
	Latch *launcher;       // the launcher's latch while it runs
	bool crash_counted;    // the launcher has recorded in the file that this memory is new
	bool crash_reset;      // request to forget the crashes
	bool recheck;          // request: an object that services wait for may exist now
	uint64 generation;     // last number that was assigned
	uint64 question;       // number of the last question of health_check()
	uint64 wishes;         // number of changes of the wishes to stop and to pause
	uint64 wishes_in_file; // number of changes that the file contains
	Drain drains[kDrains];
	LWLock *news_lock;
	News news;
	int slot_count;
	Slot slots[FLEXIBLE_ARRAY_MEMBER];
};

/* Null if the library is not in shared_preload_libraries. */
extern Shared *shared;

/* Installs the hooks that reserve and create the shared memory. Must be called from _PG_init
 * only. */
void install_shared_memory();

/* The state as users see it: "running", … A running service that has taken the wish to pause is
 * "paused". */
const char *state_name(const Slot &slot);
bool is_state_name(std::string_view name);

inline std::span<Slot>
all_slots()
{
	return {shared->slots, static_cast<size_t>(shared->slot_count)};
}

/* Whether the slot belongs to this service of this database. The lock must be held. */
bool is_of(const Slot &slot, const char *database, const char *service);

/* The slot of a service, or null. The lock must be held. */
Slot *find_slot(const char *database, const char *service, int instance);

/* Whether a worker of this database is running or registered. The lock must be held. */
bool has_workers(const char *database);

/* Sets the state and its time. The lock must be held exclusively. The caller must call announce()
 * after it has released the lock. */
void set_state(Slot &slot, State state);
void set_error(Slot &slot, int sqlstate, const char *message);
void clear_error(Slot &slot);

/* Sets waiting_for of bigbrotr.services; null: nothing. Never fails. */
void set_waiting_locked(Slot &slot, const char *what); // the lock must be held exclusively
void set_waiting(Slot &slot, const char *what);        // the lock must not be held

/* Logs the state of the service. The lock must not be held. */
void log_state(const Slot &slot, int elevel, const char *detail = nullptr,
			   const char *hint = nullptr);
/* What the transaction of this process is for; null: there is none. */
extern const char *current_task;
/* Error context callback: adds the name of the Slot that `slot` points to, and the current task. */
void describe_slot(void *slot);

/* Wakes the processes that wait for a state. The lock must not be held. */
void announce();

/* Wakes the launcher. The lock must be held. */
void wake_launcher();

/*
 * Holds the lock for a block. For the core library only, because destructors would make the preload
 * library need libgcc. An ERROR skips the destructor, and releases the lock as well.
 */
class SharedLock
{
  public:
	explicit SharedLock(LWLockMode mode) { LWLockAcquire(shared->lock, mode); }
	~SharedLock() { LWLockRelease(shared->lock); }
	SharedLock(const SharedLock &) = delete;
};

} // namespace pg
