/*
 * What the processes of bigbrotr share: one slot for each database, service and instance, and what
 * SQL functions, launcher and workers tell each other. The state machine is drawn in README.md.
 *
 * Shared::lock protects everything here but the atomics and the news. Each field has one writer,
 * named at its group. After each change of a state, announce() wakes the processes that wait for
 * one. The only process-local pointers are latches; their owner clears them before it exits.
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

constexpr int kCustomCounters = 128; // of one worker
constexpr int kDrains = 16;
constexpr int kNews = 1 << 16;
constexpr int kNewsFollowers = 16;

/* Times of cycles are counted in classes: up to so many microseconds, and longer than all. */
constexpr uint64 kCycleBounds[] = {1'000,   5'000,     20'000,     100'000,
								   500'000, 2'000'000, 10'000'000, 60'000'000};
constexpr size_t kCycleClasses = std::size(kCycleBounds) + 1;

enum class State : uint8_t
{
	Disabled, // not to run: stopped, not listed, or given up
	Enabled,  // to run, waits for what it needs
	Starting, // a worker is registered, not yet ready
	Running,
	Backoff,  // failed, waits for next_start
	Draining, // a worker is told to end, or the database is reserved for a statement
	Done      // ran to its end; starts when it is told to
};

/* How a worker ended. The launcher chooses the next state by it. */
enum class Exit : uint8_t
{
	Failed,     // the initial value: a worker that gives no reason has failed
	Done,       // nothing more to do
	NotReady,   // no extension, or another version of it
	Terminated, // by SIGTERM, in order
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
	pg_atomic_uint64 value; // two's complement of an int64
};

struct Slot
{
	bool used;
	char database[NAMEDATALEN];
	char service[NAMEDATALEN];
	int instance;                // from 1 on
	char name[NAMEDATALEN + 12]; // the service; "synchronizer.2": its second instance

	/*
	 * Wishes: written by SQL functions, the same for all instances of a service. The launcher
	 * clears the two requests, and keeps the wishes to stop and to pause in a file.
	 */
	bool stopped;
	bool pause;
	bool start_request;
	bool restart_request;
	uint64 health_asked;

	/* Written by the launcher, except that the worker sets Starting -> Running. */
	State state;
	bool has_worker; // from its registration until the postmaster says that it is gone
	TimestampTz since;
	TimestampTz next_start;     // 0: none planned
	TimestampTz given_up_until; // disabled until then by crashes of the server; 0: not so
	int failures;               // in a row
	int64 restarts;
	uint64 generation; // of the worker that may use the slot

	/* Written by the worker. While there is no worker, the launcher writes the error and
	 * waiting_for. */
	pid_t pid;
	Latch *latch;
	Exit exit;
	bool paused;
	TimestampTz started;
	Health health;
	uint64 health_answered;
	char last_error[256];
	char last_sqlstate[6];
	char waiting_for[128]; // empty: nothing; see set_waiting()

	/* Statistics of the worker since its start. last_success is kept when a worker ends. */
	pg_atomic_uint64 last_success; // TimestampTz
	pg_atomic_uint64 health_checks, health_failures;
	pg_atomic_uint64 cycles, cycle_last_us, cycle_total_us, cycle_max_us;
	pg_atomic_uint64 cycle_classes[kCycleClasses];
	Counter custom[kCustomCounters]; // a name is written once, under the lock
};

/* A database that is kept free of workers while a statement runs. */
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
	Latch *latch; // null: nobody
	Oid database;
};

/* New events in the order of their commits (archive/news.h). Shared::news_lock protects it. */
struct News
{
	uint64 end; // items so far; item n is at n % kNews
	NewsFollower followers[kNewsFollowers];
	NewsItem items[kNews];
};

struct Shared
{
	LWLock *lock;
	ConditionVariable changed;
	Latch *launcher;       // of the launcher, while there is one
	bool crash_counted;    // the launcher has noted in the file that this shared memory is new
	bool crash_reset;      // request: forget the crashes
	bool recheck;          // request: an object that services wait for may exist now
	uint64 generation;     // the last one given out
	uint64 question;       // the last one asked by health_check()
	uint64 wishes;         // counts the changes of wishes to stop and to pause
	uint64 wishes_in_file; // up to this change
	Drain drains[kDrains];
	LWLock *news_lock;
	News news;
	int slot_count;
	Slot slots[FLEXIBLE_ARRAY_MEMBER];
};

/* Null if the library is not in shared_preload_libraries. */
extern Shared *shared;

/* Installs the hooks that reserve and create the shared memory. From _PG_init only. */
void install_shared_memory();

/* The name users see: "running", … A running service that has seen the wish to pause is "paused".
 */
const char *state_name(const Slot &slot);
bool is_state_name(std::string_view name);

inline std::span<Slot>
all_slots()
{
	return {shared->slots, static_cast<size_t>(shared->slot_count)};
}

/* Does the slot belong to this service of this database? Lock held. */
bool is_of(const Slot &slot, const char *database, const char *service);

/* The slot of a service, or null. Lock held. */
Slot *find_slot(const char *database, const char *service, int instance);

/* Is a worker of this database running or registered? Lock held. */
bool has_workers(const char *database);

/* Moves to a state and notes the time. Lock held exclusively; announce() after it is released. */
void set_state(Slot &slot, State state);
void set_error(Slot &slot, int sqlstate, const char *message);
void clear_error(Slot &slot);

/* Sets what bigbrotr.services shows in waiting_for; null: nothing. Cannot fail. */
void set_waiting_locked(Slot &slot, const char *what); // lock held exclusively
void set_waiting(Slot &slot, const char *what);        // no lock

/* Logs the service's state. No lock. */
void log_state(const Slot &slot, int elevel, const char *detail = nullptr,
			   const char *hint = nullptr);
/* Error context: names the Slot that `slot` points to. */
void describe_slot(void *slot);

/* Wakes the processes that wait for a state. No lock. */
void announce();

/* Wakes the launcher. Lock held. */
void wake_launcher();

/*
 * Holds the lock for a block. For the core library only: the preload library has no destructors,
 * which would make it need libgcc. An ERROR, which skips the destructor, releases the lock as well.
 */
class SharedLock
{
  public:
	explicit SharedLock(LWLockMode mode) { LWLockAcquire(shared->lock, mode); }
	~SharedLock() { LWLockRelease(shared->lock); }
	SharedLock(const SharedLock &) = delete;
};

} // namespace pg
