/*
 * The loop around a service: waits for the next event, serves interrupts, reload and pause, runs
 * cycles and health checks, counts and times them. See README.md.
 */
#pragma once

#include <optional>

#include "pg/cycle/service_entry.h"
#include "pg/cycle/slots.h"
#include "pg/work/net_link.h"
#include "pg/work/retry.h"
#include "pg/work/worker.h"

namespace pg {

/* Thrown if SIGTERM came while no transaction was open. */
struct Terminated
{
};

/* Whether the worker must end. Its signal handler sets this. */
extern volatile sig_atomic_t told_to_end;

class Loop final : public Worker
{
  public:
	Loop(Slot &slot, const ServiceEntry &entry);
	~Loop() override;

	/*
	 * Returns when the service is done. Throws Terminated, NotReady or an exception of a callback.
	 */
	void run();

	void send_frame(std::string_view frame) override;
	bool net_running() const override;
	void renew_net_settings() override;
	std::string_view name() const override { return slot_.name; }
	void log(wire::LogLevel level, std::string_view message) override;
	void count(const char *key, int64_t add) override;
	void gauge(const char *key, int64_t value) override;
	void show_waiting(std::string_view what) override;
	int64_t now() const override;
	std::chrono::steady_clock::time_point steady_now() const override;

  protected:
	void begin(const char *activity, const TransactionOptions &options) override;
	void commit() override;
	void abort() noexcept override;
	void wait_for_retry(const char *activity, int attempt) override;

  private:
	using Clock = std::chrono::steady_clock;

	/* A transaction that does not succeed for longer than this, or a net process that is missing
	 * and began to fail longer ago, makes the service unhealthy. */
	static constexpr std::chrono::seconds kPatience{10};

	/* An obstacle that made at least one attempt of a transaction fail. */
	struct Obstruction
	{
		Clock::time_point since;
		std::string activity; // "storing a batch"
		std::string obstacle; // "a lock on bigbrotr.events, held by process 7"
	};

	void become_running();
	void wait();
	void serve_interrupts();
	void reload();
	bool may_go_on(); // also serves interrupts
	void update_waiting();
	void check_health();
	bool ask_health();
	bool health_is_due(uint64 &asked);
	void set_health(Health health, uint64 asked, const std::string &reason = {});
	void be_obstructed(const char *activity, Obstacle obstacle, const Error &error);
	void end_obstruction();
	void renew_if_due();
	void report_obstruction();
	Next run_cycle();
	pg_atomic_uint64 *custom(const char *key);
	void wait_on_socket(uint32_t events);

	Slot &slot_;
	const ServiceEntry &entry_;
	std::unique_ptr<Service> service_;
	std::unique_ptr<NetLink> net_;
	MemoryContext context_; // memory of one turn of the loop
	WaitEventSet *wait_set_ = nullptr;
	uint64_t waited_generation_ = 0; // net process whose socket is in the set
	uint32_t waited_events_ = 0;
	uint32_t wait_event_; // what pg_stat_activity shows while the loop waits
	bool readable_ = false;
	bool paused_ = false;
	bool out_of_counters_ = false;    // the warning was logged
	bool reloaded_ = false;           // settings were read; reload() must still run
	Clock::time_point out_of_time_{}; // when the last transaction timed out
	std::optional<Obstruction> obstruction_;
	std::string service_waits_; // as the service says
	std::string shown_waiting_; // in bigbrotr.services
	bool lacked_net_ = false;   // at the last check, no net process for longer than kPatience
	bool net_settings_changed_ = false;
	Clock::time_point next_cycle_{}, next_health_{};
	Clock::time_point next_renewal_{};                       // counts only while no cycle can run
	Clock::time_point next_turn_ = Clock::time_point::max(); // time of the service's next turn
};

} // namespace pg
