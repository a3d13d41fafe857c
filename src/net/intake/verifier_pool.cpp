#include "net/intake/verifier_pool.h"

#include <csignal>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

#include "nostr/keys.h"

namespace net {

VerifierPool::VerifierPool(unsigned threads) : ready_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))
{
	if (ready_fd_ < 0)
		throw std::system_error(errno, std::generic_category(), "eventfd");
	for (unsigned i = 0; i < std::max(threads, 1U); i++)
		threads_.emplace_back([this] { work(); });
}

VerifierPool::~VerifierPool()
{
	{
		std::lock_guard lock(mutex_);
		stopping_ = true;
	}
	wake_.notify_all();
	for (std::thread &thread : threads_)
		thread.join();
	close(ready_fd_);
}

void
VerifierPool::submit(std::vector<Pending *> bundle)
{
	{
		std::lock_guard lock(mutex_);
		bundles_.push_back(std::move(bundle));
	}
	wake_.notify_one();
}

void
VerifierPool::take(std::vector<SignatureVerdict> &out)
{
	uint64_t count;
	(void) !read(ready_fd_, &count, sizeof count);
	std::lock_guard lock(mutex_);
	out.swap(verdicts_);
	verdicts_.clear();
}

/* An exception here (out of memory) ends the process, because no other thread could handle it. */
void
VerifierPool::work() noexcept
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, nullptr);

	nostr::Verifier verifier;
	std::vector<SignatureVerdict> done;
	std::unique_lock lock(mutex_);
	for (;;) {
		wake_.wait(lock, [this] { return stopping_ || !bundles_.empty(); });
		if (stopping_)
			return;
		std::vector<Pending *> bundle = std::move(bundles_.front());
		bundles_.pop_front();
		lock.unlock();
		done.clear();
		for (Pending *pending : bundle) {
			const nostr::Event &event = pending->event;
			done.push_back({pending, verifier.verify(event.id, event.pubkey, event.sig)});
		}
		lock.lock();
		bool silent = verdicts_.empty();
		verdicts_.insert(verdicts_.end(), done.begin(), done.end());
		if (silent) {
			uint64_t one = 1;
			(void) !write(ready_fd_, &one, sizeof one);
		}
	}
}

} // namespace net
