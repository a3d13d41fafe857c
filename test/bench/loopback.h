/* For programs of benchmarks: a connection to a port of this machine, and time. */
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

using Clock = std::chrono::steady_clock;

inline double
seconds_since(Clock::time_point begin)
{
	return std::chrono::duration<double>(Clock::now() - begin).count();
}

/* A connected socket. What it does not send or receive for so long is an error. */
inline int
connect_to(uint16_t port)
{
	const timeval deadline{.tv_sec = 120, .tv_usec = 0};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0)
		throw std::runtime_error("cannot connect");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
	return fd;
}
