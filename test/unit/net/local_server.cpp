#include "local_server.h"

#include <algorithm>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test {

static int
bind_locally(uint16_t &port, bool ipv6 = false)
{
	int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in four{};
	four.sin_family = AF_INET;
	four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sockaddr_in6 six{};
	six.sin6_family = AF_INET6;
	six.sin6_addr = in6addr_loopback;
	auto *address = ipv6 ? reinterpret_cast<sockaddr *>(&six) : reinterpret_cast<sockaddr *>(&four);
	socklen_t size = ipv6 ? sizeof six : sizeof four;
	if (bind(fd, address, size) != 0)
		throw std::runtime_error("could not bind to the loopback address");
	getsockname(fd, address, &size);
	port = ntohs(ipv6 ? six.sin6_port : four.sin_port);
	return fd;
}

static int
listen_locally(uint16_t &port, bool ipv6 = false)
{
	int fd = bind_locally(port, ipv6);
	if (listen(fd, 512) != 0)
		throw std::runtime_error("could not listen on the loopback address");
	return fd;
}

/* The socket stays open until the process ends, so that no test that runs meanwhile gets the port.
 * The kernel refuses connections to a socket that does not listen. */
uint16_t
closed_port()
{
	uint16_t port;
	bind_locally(port);
	return port;
}

LocalServer::LocalServer(Serve serve, bool ipv6)
	: serve_(std::move(serve)), listener_(listen_locally(port_, ipv6)),
	  acceptor_([this] { accept_all(); })
{
}

LocalServer::~LocalServer()
{
	shutdown(listener_, SHUT_RDWR);
	acceptor_.join();
	close(listener_);
	{
		std::lock_guard lock(mutex_);
		for (int fd : open_)
			shutdown(fd, SHUT_RDWR);
	}
	for (std::thread &thread : threads_)
		thread.join();
}

void
LocalServer::accept_all()
{
	for (;;) {
		int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
		if (fd < 0)
			return;
		int on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		connections_++;
		std::lock_guard lock(mutex_);
		open_.push_back(fd);
		threads_.emplace_back([this, fd] { run(fd); });
	}
}

void
LocalServer::run(int fd)
{
	try {
		serve_(fd);
	} catch (const ConnectionGone &) {
	}
	std::lock_guard lock(mutex_);
	open_.erase(std::find(open_.begin(), open_.end(), fd));
	close(fd);
}

} // namespace test
