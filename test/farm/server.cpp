#include "server.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace farm {

enum Id : uint64_t
{
	kCommands,
	kPlain,
	kTls,
	kNames
};

constexpr size_t kMaxRequest = 64 << 10;

/* By the clock of the kernel's time stamps. */
static int64_t
now_us()
{
	timespec now{};
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * int64_t{1000000} + now.tv_nsec / 1000;
}

static sockaddr_in
socket_address(const std::string &address, uint16_t port)
{
	sockaddr_in out{};
	out.sin_family = AF_INET;
	out.sin_port = htons(port);
	inet_pton(AF_INET, address.c_str(), &out.sin_addr);
	return out;
}

static sockaddr_in
own_address(int fd)
{
	sockaddr_in address{};
	socklen_t size = sizeof address;
	getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size);
	return address;
}

static int
bound_socket(int type, const std::string &address, uint16_t port)
{
	const int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	sockaddr_in at = socket_address(address, port);
	const int on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, reinterpret_cast<sockaddr *>(&at), sizeof at) != 0)
		throw std::runtime_error("cannot bind " + address + ": " + strerror(errno));
	return fd;
}

Server::Server(std::vector<Relay> &relays, const Certificates &certificates, uint16_t port)
	: relays_(relays), certificates_(certificates)
{
	rlimit files{};
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	epoll_ = epoll_create1(EPOLL_CLOEXEC);
	watch(STDIN_FILENO, kCommands, EPOLLIN, EPOLL_CTL_ADD);
	open_name_server();
	listen(port);
}

void
Server::open_name_server()
{
	names_fd_ = bound_socket(SOCK_DGRAM, "127.0.0.1", 0);
	name_server_ = "127.0.0.1:" + std::to_string(ntohs(own_address(names_fd_).sin_port));
	watch(names_fd_, kNames, EPOLLIN, EPOLL_CTL_ADD);
}

int
Server::listen_at(const std::string &address, uint16_t port, int backlog)
{
	const int fd = bound_socket(SOCK_STREAM, address, port);
	if (::listen(fd, backlog) != 0)
		throw std::runtime_error("cannot listen: " + std::string(strerror(errno)));
	return fd;
}

/* A listener whose queue is full, because nothing is accepted: the kernel drops further SYNs. */
static int
listen_and_fill(int fd)
{
	const sockaddr_in address = own_address(fd);
	const int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(filler, reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0)
		throw std::runtime_error("cannot fill a queue: " + std::string(strerror(errno)));
	return ntohs(address.sin_port);
}

void
Server::listen(uint16_t port)
{
	constexpr int backlog = 4096;
	constexpr uint32_t first = 0x7f400000, per_net = 250, nets = 250;
	auto next = [port, used = 0]() mutable { return uint16_t(port == 0 ? 0 : port + used++); };
	plain_ = listen_at("0.0.0.0", next(), backlog);
	tls_ = listen_at("0.0.0.0", next(), backlog);
	watch(plain_, kPlain, EPOLLIN, EPOLL_CTL_ADD);
	watch(tls_, kTls, EPOLLIN, EPOLL_CTL_ADD);
	const std::string plain = ":" + std::to_string(ntohs(own_address(plain_).sin_port));
	const std::string tls = ":" + std::to_string(ntohs(own_address(tls_).sin_port));
	/* It is bound, so that nobody else listens there. */
	const int closed_fd = bound_socket(SOCK_STREAM, "0.0.0.0", next());
	const std::string closed = ":" + std::to_string(ntohs(own_address(closed_fd).sin_port));
	for (size_t i = 0; i < relays_.size(); i++) {
		Relay &relay = relays_[i];
		const auto n = uint32_t(i);
		const in_addr bytes{htonl(first + n / (per_net * nets) * 65536 + n / per_net % nets * 256 +
								  n % per_net + 1)};
		char text[INET_ADDRSTRLEN];
		relay.address = inet_ntop(AF_INET, &bytes, text, sizeof text);
		by_address_[bytes.s_addr] = &relay;
		switch (traits(relay.kind).place) {
		case Place::Plain:
			relay.url = "ws://" + relay.address + plain;
			break;
		case Place::Tls:
			relay.url = "wss://" + relay.address + tls;
			break;
		case Place::Closed:
			relay.url = "ws://" + relay.address + closed;
			break;
		case Place::Hole: {
			const int fd = listen_at(relay.address, 0, 0);
			relay.url = "ws://" + relay.address + ":" + std::to_string(listen_and_fill(fd));
			break;
		}
		case Place::Name:
		case Place::Nowhere:
			/* Each has a domain of its own: of one domain few are visited at a time. There is no
			 * such country. */
			relay.name = "relay.farm" + std::to_string(i) + ".zz";
			relay.url = "ws://" + relay.name + plain;
			names_.add(relay);
			break;
		}
	}
}

void
Server::watch(int fd, uint64_t id, uint32_t events, int operation) const
{
	epoll_event event{};
	event.events = events;
	event.data.u64 = id;
	/* A file as standard input cannot be watched, and never changes. */
	if (epoll_ctl(epoll_, operation, fd, &event) != 0 && errno != EPERM)
		throw std::runtime_error("epoll_ctl: " + std::string(strerror(errno)));
}

int
Server::wait_ms()
{
	while (!timers_.empty() && timers_.begin()->first <= now_us()) {
		const uint64_t id = timers_.begin()->second;
		timers_.erase(timers_.begin());
		ready(id, 0);
	}
	/* Rounded up: a wait of 0 ms would turn in circles. */
	return timers_.empty()
			   ? -1
			   : int(std::max<int64_t>(0, timers_.begin()->first - now_us()) / 1000 + 1);
}

void
Server::run(const std::function<void()> &asked)
{
	for (;;) {
		epoll_event events[256];
		const int count = epoll_wait(epoll_, events, 256, wait_ms());
		for (int i = 0; i < count; i++) {
			const uint64_t id = events[i].data.u64;
			if (id == kCommands) {
				char buffer[4096];
				const ssize_t size = ::read(STDIN_FILENO, buffer, sizeof buffer);
				if (size <= 0)
					return;
				for (ssize_t at = 0; at < size; at++)
					if (buffer[at] == '\n')
						asked();
			} else if (id == kPlain) {
				accept_all(plain_, false);
			} else if (id == kTls) {
				accept_all(tls_, true);
			} else if (id == kNames) {
				answer_names();
			} else {
				ready(id, events[i].events);
			}
		}
	}
}

void
Server::answer_names()
{
	char query[512];
	sockaddr_in from{};
	socklen_t size = sizeof from;
	ssize_t got;
	while ((got = recvfrom(names_fd_, query, sizeof query, 0, reinterpret_cast<sockaddr *>(&from),
						   &size)) > 0)
		if (auto answer = names_.answer({query, size_t(got)}))
			sendto(names_fd_, answer->data(), answer->size(), 0,
				   reinterpret_cast<sockaddr *>(&from), size);
}

void
Server::accept_all(int listener, bool tls)
{
	for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
		const auto found = by_address_.find(own_address(fd).sin_addr.s_addr);
		if (found == by_address_.end()) {
			::close(fd);
			continue;
		}
		const int on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
		auto connection = std::make_unique<Connection>();
		connection->fd = fd;
		connection->relay = found->second;
		if (tls && reads_requests(*connection->relay))
			connection->tls.reset(certificates_.new_session(*connection->relay));
		watch(fd, ++last_id_, connection->armed = EPOLLIN, EPOLL_CTL_ADD);
		connections_.emplace(last_id_, std::move(connection));
	}
}

void
Server::close(uint64_t id)
{
	const auto found = connections_.find(id);
	::close(found->second->fd);
	connections_.erase(found);
}

/* Something came, may be sent, or is due. */
void
Server::ready(uint64_t id, uint32_t events)
{
	const auto found = connections_.find(id);
	if (found == connections_.end())
		return;
	Connection &connection = *found->second;
	if ((events & ~uint32_t(EPOLLOUT)) != 0 && !receive(connection))
		return close(id);
	take_answers(id, connection);
	if (!send(connection) || (connection.closing && connection.out.empty()))
		return close(id);
	const bool more = !connection.answers.empty() && connection.ready_us == 0;
	const uint32_t wanted = EPOLLIN | (more || !connection.out.empty() ? uint32_t(EPOLLOUT) : 0);
	if (wanted != connection.armed)
		watch(connection.fd, id, connection.armed = wanted, EPOLL_CTL_MOD);
}

/* False: the peer is gone. */
bool
Server::receive(Connection &c)
{
	char bytes[16384];
	for (;;) {
		alignas(cmsghdr) char control[128];
		iovec part{bytes, sizeof bytes};
		msghdr message{};
		message.msg_iov = &part;
		message.msg_iovlen = 1;
		message.msg_control = control;
		message.msg_controllen = sizeof control;
		const ssize_t size = recvmsg(c.fd, &message, 0);
		if (size <= 0)
			return size < 0 && (errno == EAGAIN || errno == EINTR);
		c.arrived_us = now_us();
		for (cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one))
			if (one->cmsg_level == SOL_SOCKET && one->cmsg_type == SCM_TIMESTAMPNS) {
				timespec stamp;
				memcpy(&stamp, CMSG_DATA(one), sizeof stamp);
				c.arrived_us = stamp.tv_sec * int64_t{1000000} + stamp.tv_nsec / 1000;
			}
		if (!decrypt(c, {bytes, size_t(size)}))
			return false;
		read(c);
		if (c.in.size() > kMaxRequest)
			return false;
	}
}

bool
Server::decrypt(Connection &c, std::string_view bytes)
{
	if (!c.tls) {
		c.in += bytes;
		return true;
	}
	BIO_write(SSL_get_rbio(c.tls.get()), bytes.data(), int(bytes.size()));
	char plain[16384];
	int size;
	ERR_clear_error(); // of another connection
	while ((size = SSL_read(c.tls.get(), plain, sizeof plain)) > 0)
		c.in.append(plain, size_t(size));
	const bool alive = SSL_get_error(c.tls.get(), size) == SSL_ERROR_WANT_READ;
	put(c, ""); // what the handshake says
	return alive;
}

/* Requests and messages become answers. */
void
Server::read(Connection &c)
{
	auto add = [&](Answers answers) {
		for (Answer &answer : answers)
			c.answers.push_back(std::move(answer));
	};
	if (!reads_requests(*c.relay)) {
		c.in.clear();
		if (!std::exchange(c.told, true))
			add(answer_bytes(*c.relay));
		return;
	}
	if (!c.open) {
		const auto request = ws::take_request(c.in);
		if (!request)
			return;
		c.open = !request->key.empty();
		add(answer_request(*c.relay, request->key));
	}
	while (auto message = c.reader.take(c.in)) {
		if (message->opcode == ws::Close)
			add({{.bytes = ws::frame(ws::Close, message->payload.substr(0, 2)), .close = true}});
		else if (message->opcode == ws::Ping)
			add({{.bytes = ws::frame(ws::Pong, message->payload)}});
		else if (message->opcode == ws::Text)
			add(answer_message(*c.relay, message->payload));
	}
}

void
Server::put(Connection &c, const std::string &bytes)
{
	if (!c.tls) {
		c.out += bytes;
		return;
	}
	if (!bytes.empty())
		SSL_write(c.tls.get(), bytes.data(), int(bytes.size()));
	char sealed[16384];
	int size;
	while ((size = BIO_read(SSL_get_wbio(c.tls.get()), sealed, sizeof sealed)) > 0)
		c.out.append(sealed, size_t(size));
}

/* Puts out what is due. */
void
Server::take_answers(uint64_t id, Connection &c)
{
	while (!c.answers.empty() && c.out.empty()) {
		Answer &answer = c.answers.front();
		const int64_t now = now_us();
		if (answer.delay_ms > 0 && c.ready_us == 0) {
			c.ready_us = now + answer.delay_ms * int64_t{1000};
			timers_.emplace(c.ready_us, id);
		}
		if (now < c.ready_us)
			return;
		c.ready_us = 0;
		put(c, answer.bytes);
		if (answer.measured == Measured::Open)
			c.relay->open_us = now_us() - c.arrived_us;
		else if (answer.measured == Measured::Read)
			c.relay->read_us = now_us() - c.arrived_us;
		c.closing = answer.close;
		if (!answer.again)
			c.answers.erase(c.answers.begin());
	}
}

bool
Server::send(Connection &c)
{
	while (!c.out.empty()) {
		const ssize_t size = ::send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
		if (size < 0)
			return errno == EAGAIN || errno == EINTR;
		c.out.erase(0, size_t(size));
	}
	return true;
}

} // namespace farm
