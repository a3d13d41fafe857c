/*
 * Alerts: changes of status that are sent to the receivers of bigbrotr.watch_relay. What is under
 * way is known here only: if this worker ends, it is sent again, with the same id.
 */
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "pg/work/worker.h"
#include "wire/publish.h"

class Alerts
{
  public:
	/* Hands what is due to the net process. */
	void tend(pg::Worker &worker);
	/* Notes what became of an alert; throws pg::NetFault if the net process did not have it. */
	void take(pg::Worker &worker, const wire::Posted &posted);
	/* The net process has ended: what was under way has failed, since it may be the cause. */
	void fail_all(pg::Worker &worker);
	/* Is there an alert that waits for bigbrotr.alert_secret_file? */
	bool lacks_secret() const { return lacks_secret_; }
	/* Were there any since the worker began? */
	bool any() const { return attempts_ > 0; }

  private:
	struct Sent
	{
		int32_t relay_id;
		std::string alert_id;
	};

	static void record(pg::Worker &worker, const Sent &sent, std::string_view error);

	std::unordered_map<uint32_t, Sent> under_way_; // by attempt
	uint32_t attempts_ = 0;
	bool lacks_secret_ = false;
	std::string fault_; // of the secret, in words, as the log has it; empty: none
};
