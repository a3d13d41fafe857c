/*
 * The keys of the API. The net process gets their digests and limits, and reports the use of each
 * key.
 */
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "pg/work/worker.h"
#include "wire/serve.h"

class KeyBook
{
  public:
	/* Reads the keys. Throws pg::Error. */
	void read(pg::Worker &worker);
	/* The message wire::ApiKeys, encoded. */
	const std::string &frame() const { return frame_; }

	void take(const wire::KeyUses &message);
	/* Writes the reports every ten seconds. A standby drops them. */
	void write(pg::Worker &worker);

  private:
	std::string frame_;
	std::map<uint32_t, wire::KeyUse> waiting_; // uses not written yet, by key
	std::chrono::steady_clock::time_point written_{};
};
