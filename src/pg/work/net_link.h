/*
 * A service's connection to its net process: keeps one running, speaks its protocol (Hello,
 * Settings, Log, Stats), hands everything else to the service. A child that crashes, hangs, floods
 * or speaks nonsense is replaced after a back-off; it costs nobody else anything.
 */
#pragma once

#include <chrono>
#include <functional>

#include "pg/work/net_process.h"
#include "pg/work/worker.h"

namespace pg {

class NetLink
{
  public:
	using Clock = std::chrono::steady_clock;

	NetLink(Worker &worker, Service &service) : worker_(worker), service_(service) {}

	/* Starts, restarts and gives up the child, as the time demands; sends what is queued. */
	void tend();
	/* Handles what the child says, with `between` before each message. */
	void receive(bool readable, const std::function<bool()> &between);

	/* When tend() has something to do without being woken. */
	Clock::time_point next_deadline() const;
	int socket() const { return process_.socket(); } // -1: none
	bool has_output() const { return process_.has_output(); }

	void send(std::string_view frame);
	bool ready() const { return phase_ == Phase::Ready; }
	/* After a pause, in which nobody listened: the child is not blamed for that. */
	void resume();
	/* New settings: sent on, or the child is replaced if it reads them at its start only. */
	void reload();

  private:
	enum class Phase : uint8_t
	{
		Down,     // until retry_at_
		Greeting, // started, has not said Hello
		Ready
	};

	void start();
	void give_up(const std::string &reason);
	void stop();
	void queue(std::string_view frame);
	void dispatch(const wire::Frame &frame);
	void take(const wire::Hello &hello);
	void take(const wire::Log &log);
	void take(const wire::Stats &stats);

	Worker &worker_;
	Service &service_;
	NetProcess process_;
	Phase phase_ = Phase::Down;
	Clock::time_point retry_at_{};   // Down: then it starts again
	Clock::time_point started_at_{}; // otherwise
	Clock::time_point heard_at_{};   // Ready: last bytes from it
	Clock::time_point log_window_{}; // begin of the minute whose log lines are counted
	int log_lines_ = 0;
	int failures_ = 0;                      // in a row
	bool overflow_ = false;                 // its output queue is full: tend() gives it up
	int threads_ = 0, memory_limit_kb_ = 0; // what it was started with
};

} // namespace pg
