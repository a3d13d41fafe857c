/*
 * Checks signatures on separate threads. Events are passed in bundles, so that locks and wake-ups
 * are rare; verdicts come back through an eventfd.
 *
 * The budget of events in flight bounds both queues (budget.h).
 */
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "net/intake/pending.h"

namespace net {

struct SignatureVerdict
{
	Pending *pending;
	bool valid;
};

class VerifierPool
{
  public:
	static constexpr size_t kBundle = 32;

	explicit VerifierPool(unsigned threads);
	~VerifierPool();
	VerifierPool(const VerifierPool &) = delete;

	/* The threads read id, pubkey and sig of each event until its verdict is taken. */
	void submit(std::vector<Pending *> bundle);
	/* Readable while there are verdicts. */
	int ready_fd() const { return ready_fd_; }
	/* Moves all verdicts so far into `out`. */
	void take(std::vector<SignatureVerdict> &out);

  private:
	void work() noexcept;

	std::mutex mutex_;
	std::condition_variable wake_;
	std::deque<std::vector<Pending *>> bundles_; // guarded by mutex_
	std::vector<SignatureVerdict> verdicts_;     // guarded by mutex_
	bool stopping_ = false;                      // guarded by mutex_
	int ready_fd_;
	std::vector<std::thread> threads_;
};

} // namespace net
