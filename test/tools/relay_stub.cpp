/*
 * A relay for load: serves events from memory as fast as they are read, with little CPU of its own.
 * One thread, one port; each path /0, /1, … is a relay. Answers REQ with one filter of since, until
 * and limit, ignores kinds and authors, and does nothing else of a relay. No TLS, no
 * compression.
 *
 * With --drop connections end without a word, one at a time.
 *
 * With --publish new events, signed as they are made, reach relays that are chosen at random, each
 * relay at a moment of its own within a second; a relay sends them to open subscriptions and serves
 * them from then on.
 *
 * Prints one line of JSON with the port when it listens, and ends with its standard input. A line
 * of standard input ends the publishing; when everything has reached its relays, that is printed.
 */
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <simdjson.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "nostr/event.h"
#include "publisher.h"
#include "served_events.h"
#include "ws_server.h"

namespace {

using namespace stub;

/* A part of the output queue: whole frames ready to be sent, or events of a subscription. */
struct Item
{
	std::string frames;
	std::string prefix;           // of events: ["EVENT","<subscription>",
	std::vector<uint32_t> events; // the last one stands for all that are beyond it
	size_t count = 0;             // of all that are to be sent
	size_t next = 0;
	bool is_done() const { return next == count; }
	uint32_t event(size_t i) const { return events[std::min(i, events.size() - 1)]; }
};

/* What an open subscription wants of what is new. */
struct Subscription
{
	int64_t since, until;
};

/* A message that is on its way. */
struct Delayed
{
	std::chrono::steady_clock::time_point due;
	std::string text;
};

struct Connection
{
	int fd;
	std::string in;
	ws::Reader reader;
	std::optional<size_t> relay; // set by the handshake
	std::map<std::string, Subscription, std::less<>> subscriptions;
	size_t repeats = 0; // of the last event of the next page that has any
	std::deque<Delayed> on_its_way;
	std::deque<Item> out;
	size_t sent = 0;    // bytes sent of the first item's frames or of its first event's frame
	size_t budget = 0;  // events that may be sent until the next tick, if the rate is limited
	uint32_t armed = 0; // epoll events asked for
	bool closing = false;
};

class Server
{
  public:
	Server(Corpus &corpus, const Options &options)
		: corpus_(corpus), options_(options), publisher_(corpus, options)
	{
		listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		int on = 1;
		setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		sockaddr_in address = {};
		address.sin_family = AF_INET;
		address.sin_port = htons(options.port);
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		socklen_t size = sizeof address;
		if (bind(listener_, reinterpret_cast<sockaddr *>(&address), size) != 0 ||
			listen(listener_, 512) != 0 ||
			getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size) != 0)
			throw std::runtime_error("cannot listen: " + std::string(strerror(errno)));
		port_ = ntohs(address.sin_port);
		epoll_ = epoll_create1(EPOLL_CLOEXEC);
		watch(listener_, EPOLLIN, EPOLL_CTL_ADD);
		watch(STDIN_FILENO, EPOLLIN, EPOLL_CTL_ADD);
		if (options.rate > 0 || options.publish > 0 || options.delay > 0 || options.drop > 0) {
			timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
			itimerspec tick = {};
			tick.it_interval.tv_nsec = tick.it_value.tv_nsec = 1000000000 / kTicksPerSecond;
			timerfd_settime(timer_, 0, &tick, nullptr);
			watch(timer_, EPOLLIN, EPOLL_CTL_ADD);
		}
	}

	uint16_t port() const { return port_; }

	void run()
	{
		for (;;) {
			epoll_event events[256];
			int count = epoll_wait(epoll_, events, 256, -1);
			for (int i = 0; i < count; i++) {
				int fd = events[i].data.fd;
				if (fd == listener_)
					accept_all();
				else if (fd == timer_)
					tick();
				else if (fd == STDIN_FILENO) {
					char drain[256];
					if (read(fd, drain, sizeof drain) <= 0)
						return;
					publisher_.end();
				} else
					serve(fd, events[i].events);
			}
		}
	}

  private:
	void watch(int fd, uint32_t events, int operation)
	{
		epoll_event event = {};
		event.events = events;
		event.data.fd = fd;
		// A regular file or /dev/null as standard input cannot be watched, and never changes.
		if (epoll_ctl(epoll_, operation, fd, &event) != 0 && errno != EPERM)
			throw std::runtime_error("epoll_ctl: " + std::string(strerror(errno)));
	}

	void accept_all()
	{
		int fd;
		while ((fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
			int on = 1;
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
			auto connection = std::make_unique<Connection>();
			connection->fd = fd;
			connection->armed = EPOLLIN;
			watch(fd, EPOLLIN, EPOLL_CTL_ADD);
			connections_[fd] = std::move(connection);
		}
	}

	void tick()
	{
		uint64_t ticks = 0;
		if (read(timer_, &ticks, sizeof ticks) != sizeof ticks)
			return;
		for (uint64_t i = 0; i < ticks; i++)
			publish();
		ticks_ += ticks;
		for (; options_.drop > 0 && dropped_ < ticks_ * 1000 / kTicksPerSecond / options_.drop;
			 dropped_++)
			drop_one();
		std::vector<int> waiting;
		for (auto &[fd, connection] : connections_) {
			connection->budget =
				std::max<size_t>(1, options_.rate * std::min<uint64_t>(ticks, 5) / kTicksPerSecond);
			hear_delayed(*connection);
			if (!connection->out.empty())
				waiting.push_back(fd);
		}
		for (int fd : waiting)
			serve(fd, EPOLLOUT);
	}

	void drop_one()
	{
		if (connections_.empty())
			return;
		auto one = std::next(connections_.begin(), long(random_() % connections_.size()));
		close(one->first);
		connections_.erase(one);
	}

	void hear_delayed(Connection &c)
	{
		const auto now = std::chrono::steady_clock::now();
		for (; !c.on_its_way.empty() && c.on_its_way.front().due <= now; c.on_its_way.pop_front())
			command(c, c.on_its_way.front().text);
	}

	void publish()
	{
		std::vector<Arrival> arrived = publisher_.tick();
		if (publisher_.has_ended()) {
			printf("{\"published\": %zu}\n", publisher_.made());
			fflush(stdout);
		}
		for (auto [relay, number] : arrived) {
			const Stored &event = corpus_.events[number];
			for (auto &[fd, connection] : connections_)
				if (connection->relay == relay)
					for (const auto &[id, wanted] : connection->subscriptions)
						if (event.created_at >= wanted.since && event.created_at <= wanted.until)
							send_later(*connection, id, {number});
		}
	}

	void serve(int fd, uint32_t events)
	{
		auto found = connections_.find(fd);
		if (found == connections_.end())
			return; // closed by an event before this one
		Connection &c = *found->second;
		bool alive = true;
		if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			alive = receive(c);
		if (alive)
			alive = send(c);
		if (!alive || (c.closing && c.out.empty())) {
			close(fd);
			connections_.erase(found);
		}
	}

	bool receive(Connection &c)
	{
		char buffer[16384];
		ssize_t size = read(c.fd, buffer, sizeof buffer);
		if (size <= 0)
			return size < 0 && (errno == EAGAIN || errno == EINTR);
		c.in.append(buffer, static_cast<size_t>(size));
		if (!c.relay && !handshake(c))
			return c.in.size() < 65536;
		while (auto message = c.reader.take(c.in)) {
			if (message->opcode == ws::Close) {
				frame(c, ws::Close, message->payload.substr(0, 2));
				c.closing = true;
			} else if (message->opcode == ws::Ping)
				frame(c, ws::Pong, message->payload);
			else if (message->opcode == ws::Text && options_.delay > 0)
				c.on_its_way.push_back(
					{std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.delay),
					 message->payload});
			else if (message->opcode == ws::Text)
				command(c, message->payload);
		}
		return true;
	}

	/* True once the connection is a WebSocket. */
	bool handshake(Connection &c)
	{
		auto request = ws::take_request(c.in);
		if (!request)
			return false;
		size_t relay = 0;
		const std::string &path = request->path;
		std::from_chars(path.data() + std::min<size_t>(1, path.size()), path.data() + path.size(),
						relay);
		if (request->key.empty() || relay >= corpus_.relays.size()) {
			c.out.push_back({.frames = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"});
			c.closing = true;
			return false;
		}
		c.out.push_back({.frames = ws::accept_response(request->key)});
		c.relay = relay;
		c.repeats = options_.repeats;
		return true;
	}

	void frame(Connection &c, ws::Opcode opcode, std::string_view payload)
	{
		c.out.push_back({.frames = ws::frame(opcode, payload)});
	}

	void say(Connection &c, const char *verb, std::string_view subscription, std::string_view text)
	{
		std::string message = "[\"" + std::string(verb) + "\",";
		nostr::append_json_string(subscription, message);
		if (!text.empty()) {
			message += ',';
			nostr::append_json_string(text, message);
		}
		frame(c, ws::Text, message += ']');
	}

	void command(Connection &c, const std::string &text)
	{
		simdjson::dom::element message;
		std::string_view verb, subscription;
		if (parser_.parse(text).get(message) || message.at(0).get(verb) ||
			message.at(1).get(subscription))
			return say(c, "NOTICE", "error: bad message", {});
		if (verb == "CLOSE") {
			if (auto found = c.subscriptions.find(subscription); found != c.subscriptions.end())
				c.subscriptions.erase(found);
			return;
		}
		simdjson::dom::object filter;
		simdjson::dom::element more;
		if (verb != "REQ" || message.at(2).get(filter) || !message.at(3).get(more))
			return say(c, "CLOSED", subscription, "unsupported: one REQ filter only");
		int64_t since = 0, until = INT64_MAX, limit = INT64_MAX;
		for (auto field : filter) {
			/* Some relays do this. */
			if (field.key == "kinds" || field.key == "authors")
				continue;
			int64_t *target = field.key == "since"   ? &since
							  : field.key == "until" ? &until
							  : field.key == "limit" ? &limit
													 : nullptr;
			if (!target || field.value.get(*target))
				return say(c, "CLOSED", subscription, "unsupported: filter");
		}
		answer(c, subscription, since, until, limit);
	}

	void answer(Connection &c, std::string_view subscription, int64_t since, int64_t until,
				int64_t limit)
	{
		const std::vector<uint32_t> &index = corpus_.relays[*c.relay];
		auto before = [&](int64_t second) {
			return std::partition_point(index.begin(), index.end(), [&](uint32_t i) {
				return corpus_.events[i].created_at < second;
			});
		};
		auto begin = before(since), end = until == INT64_MAX ? index.end() : before(until + 1);
		auto count = std::clamp<int64_t>(end - begin, 0,
										 std::min(limit, static_cast<int64_t>(options_.cap)));
		// Newest first.
		std::vector<uint32_t> page(std::make_reverse_iterator(end),
								   std::make_reverse_iterator(end - count));
		bool is_page = limit > 1 && !page.empty();
		send_later(c, subscription, std::move(page), is_page ? std::exchange(c.repeats, 0) : 0);
		say(c, "EOSE", subscription, {});
		c.subscriptions[std::string(subscription)] = {.since = since, .until = until};
	}

	void send_later(Connection &c, std::string_view subscription, std::vector<uint32_t> events,
					size_t repeats = 0)
	{
		if (events.empty())
			return;
		Item item;
		item.prefix = "[\"EVENT\",";
		nostr::append_json_string(subscription, item.prefix);
		item.prefix += ',';
		item.count = events.size() + repeats;
		item.events = std::move(events);
		c.out.push_back(std::move(item));
	}

	/* Writes until nothing is left, the socket is full or the rate is used up. False: peer is gone.
	 */
	bool send(Connection &c)
	{
		bool full = false, paused = false;
		while (!c.out.empty() && !full && !paused) {
			Item &item = c.out.front();
			ssize_t size;
			if (!item.is_done()) {
				paused = options_.rate > 0 && c.budget == 0;
				if (paused)
					break;
				size = send_events(c, item);
			} else {
				size = ::send(c.fd, item.frames.data() + c.sent, item.frames.size() - c.sent,
							  MSG_NOSIGNAL);
				if (size >= 0 && (c.sent += static_cast<size_t>(size)) == item.frames.size()) {
					c.sent = 0;
					c.out.pop_front();
				}
			}
			if (size < 0 && errno != EAGAIN && errno != EINTR)
				return false;
			full = size < 0 && errno == EAGAIN;
		}
		uint32_t wanted = EPOLLIN | (full ? EPOLLOUT : 0u);
		if (wanted != c.armed)
			watch(c.fd, c.armed = wanted, EPOLL_CTL_MOD);
		return true;
	}

	/* One gathered write of up to kGather frames of the page. */
	ssize_t send_events(Connection &c, Item &item)
	{
		constexpr size_t kGather = 256;
		char headers[kGather][16];
		iovec parts[kGather * 3];
		size_t count = std::min(kGather, item.count - item.next);
		if (options_.rate > 0)
			count = std::min(count, c.budget);
		int used = 0;
		size_t skip = c.sent;
		auto part = [&](const char *data, size_t size) {
			size_t cut = std::min(skip, size);
			skip -= cut;
			if (cut < size)
				parts[used++] = {const_cast<char *>(data) + cut, size - cut};
		};
		for (size_t i = 0; i < count; i++) {
			const std::string &body = corpus_.events[item.event(item.next + i)].body;
			part(headers[i],
				 ws::frame_header(ws::Text, item.prefix.size() + body.size(), headers[i]));
			part(item.prefix.data(), item.prefix.size());
			part(body.data(), body.size());
		}
		msghdr message = {};
		message.msg_iov = parts;
		message.msg_iovlen = static_cast<size_t>(used);
		ssize_t size = sendmsg(c.fd, &message, MSG_NOSIGNAL);
		if (size < 0)
			return size;
		// Removes the frames that were sent whole; the rest of a cut frame is sent first next time.
		c.sent += static_cast<size_t>(size);
		while (!item.is_done()) {
			size_t payload = item.prefix.size() + corpus_.events[item.event(item.next)].body.size();
			size_t whole = payload + (payload < 126 ? 2 : payload < 65536 ? 4 : 10);
			if (c.sent < whole)
				break;
			c.sent -= whole;
			item.next++;
			if (options_.rate > 0)
				c.budget--;
		}
		if (item.is_done())
			c.out.pop_front();
		return size;
	}

	Corpus &corpus_;
	const Options &options_;
	Publisher publisher_;
	int listener_ = -1, epoll_ = -1, timer_ = -1;
	uint16_t port_ = 0;
	std::map<int, std::unique_ptr<Connection>> connections_;
	uint64_t ticks_ = 0, dropped_ = 0;
	std::minstd_rand random_;
	simdjson::dom::parser parser_;
};

} // namespace

int
main(int argc, char **argv)
{
	try {
		Options options = parse_options(argc, argv);
		Corpus corpus = make_corpus(options);
		Server server(corpus, options);
		printf("{\"port\": %u, \"relays\": %zu, \"events\": %zu}\n", server.port(),
			   corpus.relays.size(), corpus.events.size());
		fflush(stdout);
		server.run();
	} catch (const std::exception &error) {
		fprintf(stderr, "relay_stub: %s\n", error.what());
		return 1;
	}
	return 0;
}
