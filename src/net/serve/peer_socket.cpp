#include "net/serve/peer_socket.h"

#include <array>
#include <cerrno>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net {

PeerSocket::PeerSocket(Reactor &reactor, const Clock &clock, Owner &owner, int fd)
	: reactor_(reactor), clock_(clock), owner_(owner), fd_(fd), watched_(EPOLLIN | EPOLLRDHUP)
{
	reactor_.watch(fd_, watched_, [this](uint32_t events) { ready(events); });
}

PeerSocket::~PeerSocket()
{
	if (!gone_)
		reactor_.unwatch(fd_);
	close(fd_);
}

void
PeerSocket::watch()
{
	if (gone_)
		return;
	uint32_t wanted = EPOLLRDHUP | (deaf_ ? 0U : EPOLLIN) | (unsent_ > 0 ? EPOLLOUT : 0U);
	/* A peer that is about to be left may say what it likes. */
	if (finishing_)
		wanted = EPOLLOUT;
	if (wanted != watched_)
		reactor_.change(fd_, watched_ = wanted);
}

void
PeerSocket::send(std::string bytes)
{
	if (bytes.empty() || finishing_ || gone_)
		return;
	if (unsent_ == 0)
		last_taken_ = clock_.now();
	unsent_ += bytes.size();
	queue_.push_back(std::move(bytes));
	/* Mostly the kernel takes it at once; a fault shows at the next event. */
	if (queue_.size() == 1)
		write();
	watch();
}

void
PeerSocket::be_deaf(bool deaf)
{
	deaf_ = deaf;
	watch();
}

void
PeerSocket::finish()
{
	finishing_ = true;
	if (unsent_ == 0)
		cut();
	else
		watch();
}

void
PeerSocket::cut()
{
	if (gone_)
		return;
	gone_ = true;
	reactor_.unwatch(fd_);
	owner_.on_gone();
}

void
PeerSocket::ready(uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		return cut();
	if (events & EPOLLOUT) {
		const bool had = unsent_ > 0;
		if (!write() || (unsent_ == 0 && finishing_))
			return cut();
		watch();
		if (unsent_ == 0 && had)
			return owner_.on_sent();
	}
	if (events & EPOLLIN)
		return read();
	/* A peer that has closed its side waits for no answer. */
	if (events & EPOLLRDHUP)
		cut();
}

void
PeerSocket::read()
{
	std::array<char, Reactor::kReadSize> bytes;
	ssize_t size = recv(fd_, bytes.data(), bytes.size(), 0);
	if (size > 0)
		owner_.on_bytes({bytes.data(), size_t(size)});
	else if (size == 0 || (errno != EAGAIN && errno != EINTR))
		cut();
}

/* False if the connection is broken. */
bool
PeerSocket::write()
{
	while (!queue_.empty()) {
		const std::string &front = queue_.front();
		ssize_t size = ::send(fd_, front.data() + sent_, front.size() - sent_, MSG_NOSIGNAL);
		if (size < 0)
			return errno == EAGAIN || errno == EINTR;
		last_taken_ = clock_.now();
		sent_ += size_t(size);
		unsent_ -= size_t(size);
		if (sent_ == front.size()) {
			queue_.pop_front();
			sent_ = 0;
		}
	}
	return true;
}

} // namespace net
