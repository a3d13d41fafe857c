/*
 * A service's connection to its net process. It keeps one process running, handles the messages
 * that all roles share (Hello, Log, Stats), and passes all others to the service. A child that
 * crashes, hangs, floods, lies or sends malformed messages is replaced after a back-off.
 */
#pragma once

#include <chrono>
#include <functional>
#include <set>

#include "pg/work/net_process.h"
#include "pg/work/worker.h"

namespace pg {

class NetLink
{
  public:
	using Clock = std::chrono::steady_clock;

	NetLink(Worker &worker, Service &service, wire::Role role)
		: worker_(worker), service_(service), role_(role)
	{
	}

	/* Starts the child when it is due, ends it when the service does not need it, and sends queued
	 * frames. Must not be called while the service is paused. */
	void tend();
	/*
	 * Handles messages of the child until `between`, which is called before each message, returns
	 * false. Ends a child that is silent for too long.
	 */
	void receive(bool readable, const std::function<bool()> &between);

	/* The next time at which tend() or receive() has work without being woken. */
	Clock::time_point next_deadline() const;
	int socket() const { return process_.socket(); } // -1: none
	uint64_t generation() const { return process_.generation(); }
	bool has_output() const { return process_.has_output(); }

	void send(std::string_view frame);
	bool ready() const { return phase_ == Phase::Ready; }
	/* Why the last child was lost, until another one is ready; empty: no child is missing. */
	const std::string &fault() const { return fault_; }
	/* If there is a fault: time of the first of the failures in a row. */
	Clock::time_point failing_since() const { return failing_since_; }
	/* Sends new settings to the child; replaces the child if it reads these settings only at its
	 * start. No callback of the service may be on the stack. */
	void reload();

  private:
	NetProcess::Arguments arguments(const NetSettings &settings) const;
	enum class Phase : uint8_t
	{
		Down,     // until retry_at_
		Greeting, // started, no Hello yet
		Ready
	};

	void start();
	void give_up(const std::string &reason);
	void stop();
	void queue(std::string_view frame);
	const char *why_late() const;
	void dispatch(const wire::Frame &frame);
	void take(const wire::Hello &hello);
	void take(const wire::Log &log);
	void take(const wire::Stats &stats);

	Worker &worker_;
	Service &service_;
	wire::Role role_;
	NetProcess process_;
	Phase phase_ = Phase::Down;
	Clock::time_point retry_at_{};   // Down: time of the next start
	Clock::time_point started_at_{}; // other states: time of the start
	Clock::time_point heard_at_{};   // Ready: time of the last bytes from the child
	Clock::time_point log_window_{}; // start of the minute in which log lines are counted
	int log_lines_ = 0;
	int failures_ = 0; // in a row
	std::string fault_;
	Clock::time_point failing_since_{};
	bool overflow_ = false;        // the child's queue is full: tend() ends the child
	std::set<std::string> gauges_; // names of the gauges reported so far
	std::string fixed_settings_;   // settings that the child was started with
	NetProcess::Arguments arguments_;
};

} // namespace pg
