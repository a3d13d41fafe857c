/*
 * The keys of the API: the net process gets their digests and limits, and says what was asked with
 * each of them.
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
	/* Writes what was taken, every ten seconds; a standby forgets it. */
	void write(pg::Worker &worker);

  private:
	std::string frame_;
	std::map<uint32_t, wire::KeyUse> waiting_; // by key: not written yet
	std::chrono::steady_clock::time_point written_{};
};
