#include "server.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace simulator {
namespace {

int64_t
now_ms()
{
	using namespace std::chrono;
	return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

sockaddr_in
address_of(size_t relay, uint16_t port)
{
	sockaddr_in address = {};
	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr =
		htonl(0x7f140000u + uint32_t(relay / 250) * 256 + uint32_t(relay % 250) + 1);
	return address;
}

} // namespace

Server::Server(const Pool &pool, std::vector<std::unique_ptr<Relay>> &relays)
	: pool_(pool), relays_(relays)
{
	rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	epoll_ = epoll_create1(EPOLL_CLOEXEC);
	watch(STDIN_FILENO, EPOLLIN, EPOLL_CTL_ADD);
	uint16_t port = 0;
	for (int attempt = 0; attempt < 100 && listeners_.empty(); attempt++) {
		port = uint16_t(20000 + (size_t(getpid()) * 131 + size_t(attempt) * 977) % 12000);
		if (!listen_at(port)) {
			for (auto &[fd, relay] : listeners_)
				::close(fd);
			listeners_.clear();
		}
	}
	if (listeners_.empty())
		throw std::runtime_error("no port is free at all addresses");
	for (size_t relay = 0; relay < relays.size(); relay++) {
		sockaddr_in address = address_of(relay, port);
		char text[INET_ADDRSTRLEN];
		inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
		urls_.push_back("ws://" + std::string(text) + ":" + std::to_string(port));
	}
}

bool
Server::listen_at(uint16_t port)
{
	for (size_t relay = 0; relay < relays_.size(); relay++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
		listeners_[fd] = relay;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		sockaddr_in address = address_of(relay, port);
		if (bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 ||
			listen(fd, 16) != 0)
			return false;
		watch(fd, EPOLLIN, EPOLL_CTL_ADD);
	}
	return true;
}

void
Server::watch(int fd, uint32_t events, int operation)
{
	epoll_event event = {};
	event.events = events;
	event.data.fd = fd;
	if (epoll_ctl(epoll_, operation, fd, &event) != 0)
		throw std::runtime_error("epoll_ctl: " + std::string(strerror(errno)));
}

int
Server::wait_ms()
{
	int64_t now = now_ms();
	while (!timers_.empty() && timers_.begin()->first <= now) {
		int fd = timers_.begin()->second;
		timers_.erase(timers_.begin());
		if (auto found = connections_.find(fd); found != connections_.end())
			serve(*found->second, 0);
	}
	return timers_.empty() ? -1 : int(timers_.begin()->first - now);
}

void
Server::run(const std::function<void(const std::string &)> &command)
{
	for (;;) {
		epoll_event events[256];
		int count = epoll_wait(epoll_, events, 256, wait_ms());
		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;
			if (fd == STDIN_FILENO) {
				char buffer[4096];
				ssize_t size = read(fd, buffer, sizeof buffer);
				if (size <= 0)
					return;
				commands_.append(buffer, size_t(size));
				for (size_t end; (end = commands_.find('\n')) != std::string::npos;) {
					command(commands_.substr(0, end));
					commands_.erase(0, end + 1);
				}
			} else if (auto listener = listeners_.find(fd); listener != listeners_.end()) {
				accept_all(listener->second);
			} else if (auto found = connections_.find(fd); found != connections_.end()) {
				serve(*found->second, events[i].events);
			}
		}
	}
}

void
Server::accept_all(size_t relay)
{
	for (auto &[listener, of] : listeners_)
		if (of == relay)
			for (int fd;
				 (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
				int on = 1;
				setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
				connections_[fd] = std::make_unique<Connection>(
					Connection{.fd = fd, .relay = relay, .conversation = {pool_, *relays_[relay]}});
				watch(fd, connections_[fd]->armed = EPOLLIN, EPOLL_CTL_ADD);
			}
}

void
Server::close(int fd)
{
	::close(fd);
	connections_.erase(fd);
}

void
Server::serve(Connection &connection, uint32_t events)
{
	bool alive = true;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		alive = receive(connection);
	if (!alive || !send(connection))
		close(connection.fd);
}

bool
Server::receive(Connection &c)
{
	char buffer[16384];
	ssize_t size = read(c.fd, buffer, sizeof buffer);
	if (size <= 0)
		return size < 0 && (errno == EAGAIN || errno == EINTR);
	c.in.append(buffer, size_t(size));
	if (!c.open) {
		auto request = ws::take_request(c.in);
		if (!request)
			return c.in.size() < 65536;
		c.open = true;
		c.conversation.on_handshake(request->key, now_ms());
	}
	while (auto message = c.reader.take(c.in)) {
		if (message->opcode == ws::Close)
			return false;
		if (message->opcode == ws::Ping)
			c.conversation.out.push_back({.bytes = ws::frame(ws::Pong, message->payload)});
		else if (message->opcode == ws::Text) {
			requests_ += message->payload.starts_with("[\"REQ\"");
			c.conversation.on_text(message->payload, now_ms());
		}
	}
	return true;
}

/* Writes until nothing is left, something must wait, or the socket is full. False: it is over. */
bool
Server::send(Connection &c)
{
	std::deque<Item> &out = c.conversation.out;
	const size_t patience = relays_[c.relay]->behaviour().dropped_past;
	bool full = false;
	while (!out.empty() && !full && !c.stalled) {
		Item &item = out.front();
		if (item.wait_ms > 0 && c.sent == 0) {
			if (c.ready_ms == 0) {
				c.ready_ms = now_ms() + item.wait_ms;
				timers_.emplace(c.ready_ms, c.fd);
			}
			if (now_ms() < c.ready_ms)
				break;
			c.ready_ms = 0;
		}
		if (item.may_drop && c.sent == 0) {
			int behind = 0;
			if (ioctl(c.fd, TIOCOUTQ, &behind) == 0 && size_t(behind) > patience) {
				out.pop_front();
				continue;
			}
		}
		while (c.sent < item.bytes.size() && !full) {
			ssize_t size =
				::send(c.fd, item.bytes.data() + c.sent, item.bytes.size() - c.sent, MSG_NOSIGNAL);
			if (size < 0 && errno != EAGAIN && errno != EINTR)
				return false;
			full = size < 0 && errno == EAGAIN;
			c.sent += size > 0 ? size_t(size) : 0;
		}
		if (full)
			break;
		if (item.act == Item::Act::Drop)
			return false;
		c.stalled = item.act == Item::Act::Stall;
		c.sent = 0;
		out.pop_front();
	}
	if (c.stalled)
		out.clear();
	uint32_t wanted = EPOLLIN | (full ? EPOLLOUT : 0u);
	if (wanted != c.armed)
		watch(c.fd, c.armed = wanted, EPOLL_CTL_MOD);
	return true;
}

void
Server::change()
{
	for (size_t relay = 0; relay < relays_.size(); relay++) {
		const Change change = relays_[relay]->behaviour().change;
		Numbers published = relays_[relay]->change(now_ms() / 1000);
		std::vector<int> fds;
		for (auto &[fd, connection] : connections_)
			if (connection->relay == relay)
				fds.push_back(fd);
		for (int fd : fds) {
			if (change != Change::None && change != Change::LateLive) {
				close(fd);
				continue;
			}
			for (uint32_t number : published)
				connections_[fd]->conversation.publish(number);
			serve(*connections_[fd], 0);
		}
	}
}

} // namespace simulator
