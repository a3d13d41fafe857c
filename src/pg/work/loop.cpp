#include "pg/work/loop.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "pg/border/error.h"
#include "pg/cycle/settings.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "utils/timestamp.h"
}

namespace pg {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/* Before a longer sleep than this, pending statistics of the last transaction are reported. */
static constexpr milliseconds kSoon{1000};

Loop::Loop(Slot &slot, const ServiceEntry &entry)
	: slot_(slot), entry_(entry), service_(make_service(entry.name)), context_(call([] {
		  return AllocSetContextCreate(TopMemoryContext, "bigbrotr loop", ALLOCSET_DEFAULT_SIZES);
	  })),
	  wait_event_(call([] { return compat::wait_event("BigbrotrWorker"); }))
{
	if (entry.net_role)
		net_ = std::make_unique<NetLink>(*this, *service_, *entry.net_role);
}

Loop::~Loop()
{
	if (wait_set_)
		FreeWaitEventSet(wait_set_);
}

void
Loop::run()
{
	MemoryContextSwitchTo(context_);
	transaction_with_retries("bigbrotr: start", {.read_only = true}, [] {});
	service_->start(*this);
	if (settings::warmup)
		service_->warm_up(*this);
	become_running();
	next_cycle_ = next_health_ = steady_now();
	for (;;) {
		if (may_go_on() && net_) {
			if (std::exchange(net_settings_changed_, false))
				net_->reload();
			net_->tend();
			net_->receive(std::exchange(readable_, false), [this] { return may_go_on(); });
		}
		check_health();
		if (paused_)
			renew_if_due();
		if (!paused_ && steady_now() >= next_cycle_ && run_cycle() == Next::Done)
			return;
		if (!paused_)
			next_turn_ = service_->turn(*this); // after each ResetLatch() of this turn
		if (!paused_ && net_)
			net_->tend(); // flushes queued frames before the loop sleeps
		update_waiting();
		MemoryContextReset(context_);
		wait();
	}
}

void
Loop::become_running()
{
	{
		SharedLock lock(LW_EXCLUSIVE);
		if (slot_.state == State::Starting)
			set_state(slot_, State::Running);
		/* Clears last_error only if it says "not ready" (55000); other errors remain. */
		if (strcmp(slot_.last_sqlstate, "55000") == 0)
			clear_error(slot_);
	}
	announce();
	call([&] { log_state(slot_, LOG); });
}

/* ---- waiting ---- */

/* Creates the set again when the socket or the awaited events change, because PostgreSQL cannot
 * remove an event from a set. */
void
Loop::wait_on_socket(uint32_t events)
{
	int socket = events ? net_->socket() : -1;
	uint64_t generation = net_ ? net_->generation() : 0;
	if (wait_set_ && generation == waited_generation_ && events == waited_events_)
		return;
	call([&] {
		if (wait_set_)
			FreeWaitEventSet(wait_set_);
		wait_set_ = nullptr;
		wait_set_ = compat::create_wait_event_set(3);
		AddWaitEventToSet(wait_set_, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
		AddWaitEventToSet(wait_set_, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
		if (events)
			AddWaitEventToSet(wait_set_, events, socket, nullptr, nullptr);
	});
	waited_generation_ = generation;
	waited_events_ = events;
}

void
Loop::wait()
{
	Clock::time_point next = next_health_;
	uint32_t events = 0;
	if (paused_) {
		next = std::min(next, next_renewal_);
	} else {
		next = std::min({next, next_cycle_, next_turn_});
		if (net_)
			next = std::min(next, net_->next_deadline());
	}
	if (net_ && net_->socket() >= 0 && !paused_)
		events = WL_SOCKET_READABLE | (net_->has_output() ? WL_SOCKET_WRITEABLE : 0);
	wait_on_socket(events);
	auto delay = std::chrono::ceil<milliseconds>(next - steady_now());
	long timeout = std::clamp<long>(delay.count(), 0, 3600 * 1000);
	WaitEvent happened[3];
	int count = call([&] {
		if (delay > kSoon)
			pgstat_report_stat(true); // the server limits the rate of reports
		return WaitEventSetWait(wait_set_, timeout, happened, lengthof(happened), wait_event_);
	});
	for (int i = 0; i < count; i++)
		readable_ |= (happened[i].events & WL_SOCKET_READABLE) != 0;
}

/*
 * Called at the start of each turn, between messages, and while a transaction waits for its next
 * attempt. In the last case a callback of the service is on the stack, so this function must not
 * call the service.
 */
void
Loop::serve_interrupts()
{
	ResetLatch(MyLatch);
	if (told_to_end)
		throw Terminated{};
	call([] {
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
			ProcessConfigFile(PGC_SIGHUP);
	});
	reloaded_ |= std::exchange(ConfigReloadPending, false) != 0;
	bool pause;
	{
		SharedLock lock(LW_SHARED);
		pause = slot_.pause;
	}
	if (pause == paused_)
		return;
	paused_ = pause;
	{
		SharedLock lock(LW_EXCLUSIVE);
		slot_.paused = pause;
		slot_.since = GetCurrentTimestamp();
	}
	announce();
	call([&] { log_state(slot_, LOG); });
}

void
Loop::reload()
{
	next_health_ = std::min(next_health_,
							steady_now() + std::chrono::seconds(settings::health_check_interval_s));
	if (net_)
		net_->reload();
	service_->on_reload(*this);
}

bool
Loop::may_go_on()
{
	serve_interrupts();
	if (std::exchange(reloaded_, false))
		reload();
	return !paused_;
}

/* ---- cycles and health ---- */

Next
Loop::run_cycle()
{
	auto begin = steady_now();
	milliseconds delay{0};
	Next next = service_->cycle(*this, delay);
	auto end = steady_now();
	next_cycle_ = end + delay;
	uint64_t spent = duration_cast<microseconds>(end - begin).count();
	pg_atomic_write_u64(&slot_.cycle_last_us, spent);
	pg_atomic_fetch_add_u64(&slot_.cycle_total_us, spent);
	if (spent > pg_atomic_read_u64(&slot_.cycle_max_us))
		pg_atomic_write_u64(&slot_.cycle_max_us, spent);
	pg_atomic_fetch_add_u64(&slot_.cycles, 1);
	size_t time_class = std::ranges::lower_bound(kCycleBounds, spent) - std::begin(kCycleBounds);
	pg_atomic_fetch_add_u64(&slot_.cycle_classes[time_class], 1);
	pg_atomic_write_u64(&slot_.last_success, GetCurrentTimestamp());
	return next;
}

bool
Loop::ask_health()
{
	// Checks that the extension still exists.
	transaction_with_retries("bigbrotr: health check", {.read_only = true}, [] {});
	try {
		return service_->healthy(*this);
	} catch (const std::exception &error) {
		log(wire::LogLevel::Warning, std::string("health check failed: ") + error.what());
		return false;
	}
}

bool
Loop::health_is_due(uint64 &asked)
{
	SharedLock lock(LW_SHARED);
	asked = slot_.health_asked;
	return asked != slot_.health_answered || steady_now() >= next_health_;
}

void
Loop::check_health()
{
	bool lacks_net =
		net_ && !net_->fault().empty() && steady_now() - net_->failing_since() >= kPatience;
	if (lacks_net != std::exchange(lacked_net_, lacks_net))
		next_health_ = steady_now();
	uint64 asked;
	if (health_is_due(asked))
		set_health(ask_health() && !lacks_net ? Health::Healthy : Health::Unhealthy, asked,
				   lacks_net ? net_->fault() : std::string());
}

void
Loop::set_health(Health health, uint64 asked, const std::string &reason)
{
	next_health_ = steady_now() + std::chrono::seconds(settings::health_check_interval_s);
	pg_atomic_fetch_add_u64(&slot_.health_checks, 1);
	if (health == Health::Unhealthy)
		pg_atomic_fetch_add_u64(&slot_.health_failures, 1);
	bool changed;
	{
		SharedLock lock(LW_EXCLUSIVE);
		changed = slot_.health != health &&
				  (slot_.health != Health::Unknown || health == Health::Unhealthy);
		slot_.health = health;
		slot_.health_answered = asked;
	}
	announce();
	if (changed)
		log(health == Health::Healthy ? wire::LogLevel::Info : wire::LogLevel::Warning,
			health == Health::Healthy ? "healthy again"
									  : "unhealthy" + (reason.empty() ? "" : ": " + reason));
}

/* ---- what the service uses ---- */

void
Loop::send_frame(std::string_view frame)
{
	if (net_)
		net_->send(frame);
}

bool
Loop::net_running() const
{
	return net_ && net_->ready();
}

void
Loop::renew_net_settings()
{
	net_settings_changed_ = true;
	SetLatch(MyLatch);
}

/* At most `most` bytes of the text, with spaces in place of control characters except `kept`. */
static std::string
loggable(std::string_view text, size_t most, unsigned char kept)
{
	const int length =
		pg_encoding_mbcliplen(PG_UTF8, text.data(), static_cast<int>(std::min(text.size(), most)),
							  static_cast<int>(most));
	std::string out(text.substr(0, length));
	std::ranges::replace_if(
		out, [&](unsigned char c) { return (c < 0x20 && c != kept) || c == 0x7f; }, ' ');
	return out;
}

/* All messages of services reach the log here. Applies bigbrotr.log_level, replaces control
 * characters, and limits the length. The server indents the lines of a detail, so that none
 * looks like an entry of its own. */
void
Loop::log(wire::LogLevel level, std::string_view text)
{
	int elevel = level == wire::LogLevel::Warning ? WARNING : LOG;
	if (level < settings::log_level_of(entry_.name))
		elevel = DEBUG1;
	if (!message_level_is_interesting(elevel))
		return;
	const size_t end = std::min(text.find('\n'), text.size());
	const std::string message = loggable(text.substr(0, end), 1024, ' ');
	const std::string detail =
		end < text.size() ? loggable(text.substr(end + 1), 16 << 10, '\n') : std::string();
	call([&] {
		ereport(elevel, (errmsg_internal("%s", message.c_str()),
						 detail.empty() ? 0 : errdetail_internal("%s", detail.c_str())));
	});
}

/* Finds or adds a counter by linear search, because names are few and never removed. Null if all
 * are used, which is logged once. */
pg_atomic_uint64 *
Loop::custom(const char *key)
{
	for (Counter &counter : slot_.custom) {
		if (strlen(key) >= sizeof counter.name)
			break;
		if (counter.name[0] == '\0') {
			SharedLock lock(LW_EXCLUSIVE);
			strlcpy(counter.name, key, sizeof counter.name);
		}
		if (strcmp(counter.name, key) == 0)
			return &counter.value;
	}
	if (!std::exchange(out_of_counters_, true))
		log(wire::LogLevel::Warning,
			std::string("no place for statistic \"") + key + "\" and further ones");
	return nullptr;
}

void
Loop::count(const char *key, int64_t add)
{
	if (pg_atomic_uint64 *counter = custom(key))
		pg_atomic_fetch_add_u64(counter, add);
}

void
Loop::gauge(const char *key, int64_t value)
{
	if (pg_atomic_uint64 *counter = custom(key))
		pg_atomic_write_u64(counter, value);
}

void
Loop::show_waiting(std::string_view what)
{
	service_waits_ = what;
	update_waiting();
}

/* Shows the first that there is: an obstacle of the transaction under way, a missing net process,
 * what the service says. */
void
Loop::update_waiting()
{
	const std::string &words = obstruction_                     ? obstruction_->obstacle
							   : net_ && !net_->fault().empty() ? net_->fault()
																: service_waits_;
	if (words == shown_waiting_)
		return;
	shown_waiting_ = words;
	set_waiting(slot_, words.c_str());
}

int64_t
Loop::now() const
{
	return time(nullptr);
}

std::chrono::steady_clock::time_point
Loop::steady_now() const
{
	return Clock::now();
}

} // namespace pg
