#include "net/transport/tunnel.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net {

static int
checked(int result, const char *what)
{
	if (result < 0)
		throw std::system_error(errno, std::generic_category(), what);
	return result;
}

Tunnel::Tunnel(Reactor &reactor, int fd, ProxyHandshake handshake, Owner &owner)
	: reactor_(reactor), number_(fd), socket_(checked(fcntl(fd, F_DUPFD_CLOEXEC, 0), "dup")),
	  handshake_(std::move(handshake)), owner_(owner)
{
	/* An epoll descriptor that watches nothing is never ready. */
	int idle = epoll_create1(EPOLL_CLOEXEC);
	int result = idle < 0 ? -1 : dup3(idle, number_, O_CLOEXEC);
	int error = errno;
	if (idle >= 0)
		close(idle);
	if (result < 0) {
		close(socket_);
		throw std::system_error(error, std::generic_category(), "dup3");
	}
	reactor_.watch(socket_, EPOLLOUT, [this](uint32_t events) { ready(events); });
}

Tunnel::~Tunnel()
{
	if (socket_ < 0)
		return;
	reactor_.unwatch(socket_);
	close(socket_);
}

void
Tunnel::ready(uint32_t events)
{
	if (((events & ~uint32_t(EPOLLOUT)) != 0 && !read()) || !write())
		return;
	switch (handshake_.state()) {
	case ProxyHandshake::State::Talking:
		reactor_.change(socket_, handshake_.unsent().empty() ? EPOLLIN : EPOLLOUT);
		break;
	case ProxyHandshake::State::Open:
		hand_over();
		break;
	case ProxyHandshake::State::Failed:
		fail(handshake_.reason(), handshake_.detail());
		break;
	}
}

/* False: the tunnel has failed. */
bool
Tunnel::write()
{
	std::string_view unsent = handshake_.unsent();
	if (unsent.empty())
		return true;
	ssize_t sent = send(socket_, unsent.data(), unsent.size(), MSG_NOSIGNAL);
	if (sent >= 0)
		handshake_.sent(size_t(sent));
	else if (errno != EAGAIN && errno != EINTR)
		return fail("proxy_failed", strerror(errno));
	return true;
}

bool
Tunnel::read()
{
	char bytes[1024];
	ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
	if (got >= 0)
		handshake_.received({bytes, size_t(got)});
	else if (errno != EAGAIN && errno != EINTR)
		return fail("proxy_failed", strerror(errno));
	return true;
}

void
Tunnel::hand_over()
{
	reactor_.unwatch(socket_);
	int result = dup3(socket_, number_, O_CLOEXEC);
	close(socket_);
	socket_ = -1;
	checked(result, "dup3");
	owner_.on_tunnel_open();
}

/* The owner may destroy the tunnel during this call. */
bool
Tunnel::fail(const char *reason, std::string detail)
{
	owner_.on_tunnel_failed(reason, std::move(detail));
	return false;
}

} // namespace net
