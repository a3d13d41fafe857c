/*
 * bigbrotr-load PORT CLIENTS RATE SECONDS PATH…
 *
 * Loads the API on 127.0.0.1: CLIENTS WebSockets with five subscriptions each, which all have their
 * stored events before the clock starts; then RATE requests a second for SECONDS, the paths in
 * turn, over kept connections. A request counts from when it was due. Events of kind 1 whose
 * content is a number are taken for microseconds of the Unix time at which they were written.
 *
 * Prints one line of JSON: p50_ms and p99_ms of the requests; requests, of these failed; live
 * (events that came to all clients), live_p99_ms; ready_seconds until all clients had their stored
 * events; closed (subscriptions that the server ended).
 */
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"

namespace {

struct Connection
{
	explicit Connection(uint16_t port) : fd(connect_to(port)) {}
	~Connection() { close(fd); }
	Connection(const Connection &) = delete;

	/* Requests are small: the kernel takes them whole. */
	void write(const std::string &bytes) const
	{
		if (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) != ssize_t(bytes.size()))
			throw std::runtime_error("cannot send");
	}
	void read()
	{
		char piece[64 << 10];
		ssize_t size = recv(fd, piece, sizeof piece, 0);
		if (size <= 0)
			throw std::runtime_error("the server has closed");
		input.append(piece, size_t(size));
	}

	const int fd;
	std::string input;
	bool is_socket = false;
	bool upgraded = false;
	bool busy = false;       // HTTP
	Clock::time_point due{}; // of the request under way
};

class Load
{
  public:
	Load(uint16_t port, size_t clients) : poll_(epoll_create1(0))
	{
		rlimit files{};
		getrlimit(RLIMIT_NOFILE, &files);
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
		const auto begin = Clock::now();
		/* The server answers 500 calls in turn and refuses more. */
		for (size_t i = 0; i < clients; i++) {
			subscribe(add(port), i);
			await_stored(i * kSubscriptions >= 300 ? i * kSubscriptions - 299 : 0);
		}
		await_stored(clients * kSubscriptions);
		ready_ = seconds_since(begin);
		for (int i = 0; i < kRequesters; i++)
			requesters_.push_back(&add(port));
	}

	void run(double rate, double seconds, const std::vector<std::string> &paths)
	{
		begun_ = now_microseconds();
		const auto begin = Clock::now();
		const auto total = static_cast<size_t>(rate * seconds);
		while (answered_ < total) {
			const double now = seconds_since(begin);
			for (; asked_ < total && double(asked_) / rate <= now; asked_++)
				due_.push_back(begin +
							   std::chrono::microseconds(int64_t(double(asked_) / rate * 1e6)));
			for (Connection *one : requesters_) {
				if (one->busy && seconds_since(one->due) > kDeadline)
					throw std::runtime_error("a request has no answer");
				if (!one->busy && !due_.empty()) {
					one->busy = true;
					one->due = due_.front();
					due_.pop_front();
					one->write("GET " + paths[next_path_++ % paths.size()] +
							   " HTTP/1.1\r\nHost: localhost\r\n\r\n");
				}
			}
			turn(1);
		}
		/* What was written at the end is on its way. */
		const auto end = Clock::now();
		while (seconds_since(end) < 0.5)
			turn(10);
	}

	void print()
	{
		std::printf("{\"requests\": %zu, \"failed\": %zu, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
					"\"live\": %zu, \"live_p99_ms\": %.3f, \"ready_seconds\": %.2f, "
					"\"closed\": %zu}\n",
					answered_, failed_, share(times_, 50), share(times_, 99), live_.size(),
					share(live_, 99), ready_, closed_);
	}

  private:
	static constexpr size_t kSubscriptions = 5;
	static constexpr int kRequesters = 20;

	static constexpr double kDeadline = 120; // seconds

	/* Until so many subscriptions have their stored events. */
	void await_stored(size_t wanted)
	{
		const auto begin = Clock::now();
		while (stored_ < wanted) {
			if (seconds_since(begin) > kDeadline)
				throw std::runtime_error("subscriptions have no stored events");
			turn(1000);
		}
	}

	static double now_microseconds()
	{
		return std::chrono::duration<double, std::micro>(
				   std::chrono::system_clock::now().time_since_epoch())
			.count();
	}

	static double share(std::vector<double> &values, size_t percent)
	{
		std::sort(values.begin(), values.end());
		return values.empty() ? 0 : values[(values.size() - 1) * percent / 100];
	}

	Connection &add(uint16_t port)
	{
		Connection &made = *connections_.emplace_back(std::make_unique<Connection>(port));
		epoll_event event{.events = EPOLLIN, .data = {.ptr = &made}};
		epoll_ctl(poll_, EPOLL_CTL_ADD, made.fd, &event);
		return made;
	}

	/* A mask of zeros changes nothing. */
	static std::string frame(const std::string &text)
	{
		std::string out = "\x81";
		if (text.size() < 126) {
			out += char(0x80 | text.size());
		} else {
			out += char(0x80 | 126);
			out += char(text.size() >> 8);
			out += char(text.size());
		}
		return out + std::string(4, '\0') + text;
	}

	static void subscribe(Connection &socket, size_t client)
	{
		socket.is_socket = true;
		char author[65];
		std::snprintf(author, sizeof author, "%064zx", client + 1);
		const std::string filters[kSubscriptions] = {
			R"({"kinds":[1],"limit":5})", R"({"kinds":[7],"limit":5})",
			R"({"authors":[")" + std::string(author) + R"("],"limit":5})",
			R"({"#p":[")" + std::string(author) + R"("],"limit":5})",
			R"({"kinds":[30023],"limit":5})"};
		std::string bytes =
			"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
		for (size_t i = 0; i < kSubscriptions; i++)
			bytes += frame("[\"REQ\",\"" + std::to_string(i) + "\"," + filters[i] + "]");
		socket.write(bytes);
	}

	void turn(int milliseconds)
	{
		epoll_event events[256];
		const int count = epoll_wait(poll_, events, 256, milliseconds);
		for (int i = 0; i < count; i++) {
			auto &one = *static_cast<Connection *>(events[i].data.ptr);
			one.read();
			if (one.is_socket)
				hear_frames(one);
			else
				hear_answer(one);
		}
	}

	void hear_answer(Connection &one)
	{
		const size_t head = one.input.find("\r\n\r\n");
		if (head == std::string::npos)
			return;
		const size_t length = one.input.find("Content-Length: ");
		if (length < head) {
			if (one.input.size() <
				head + 4 + std::strtoul(one.input.c_str() + length + 16, nullptr, 10))
				return;
		} else if (!one.input.ends_with("\r\n\r\n") ||
				   one.input.rfind("\r\n0\r\n") == std::string::npos) {
			return;
		}
		failed_ += !one.input.starts_with("HTTP/1.1 200 ");
		one.input.clear();
		one.busy = false;
		answered_++;
		times_.push_back(seconds_since(one.due) * 1000);
	}

	void hear_frames(Connection &one)
	{
		size_t at = 0;
		if (!one.upgraded) {
			at = one.input.find("\r\n\r\n");
			if (at == std::string::npos)
				return;
			at += 4;
			one.upgraded = true;
		}
		for (;;) {
			const auto *bytes = reinterpret_cast<const uint8_t *>(one.input.data()) + at;
			const size_t left = one.input.size() - at;
			if (left < 2)
				break;
			size_t size = bytes[1], head = 2;
			if (size >= 126) {
				head += size == 126 ? 2 : 8;
				if (left < head)
					break;
				size = 0;
				for (size_t i = 2; i < head; i++)
					size = size << 8 | bytes[i];
			}
			if (left < head + size)
				break;
			hear(std::string_view(one.input).substr(at + head, size));
			at += head + size;
		}
		one.input.erase(0, at);
	}

	void hear(std::string_view message)
	{
		if (message.starts_with("[\"EOSE\""))
			stored_++;
		if (message.starts_with("[\"CLOSED\"")) {
			closed_++;
			stored_++;
		}
		constexpr std::string_view content = "\"content\":\"17";
		const size_t found = message.find(content);
		if (!message.starts_with("[\"EVENT\",\"0\"") || found == std::string_view::npos)
			return;
		const double written = std::strtod(message.data() + found + content.size() - 2, nullptr);
		/* Stored events may be of a load before. */
		if (written >= begun_)
			live_.push_back((now_microseconds() - written) / 1000);
	}

	const int poll_;
	std::vector<std::unique_ptr<Connection>> connections_;
	std::vector<Connection *> requesters_;
	std::deque<Clock::time_point> due_;
	size_t asked_ = 0, answered_ = 0, failed_ = 0, next_path_ = 0, stored_ = 0, closed_ = 0;
	double ready_ = 0;
	double begun_ = 1e300;             // microseconds: events that were written later are live
	std::vector<double> times_, live_; // milliseconds
};

} // namespace

int
main(int argc, char **argv)
{
	try {
		if (argc < 6)
			throw std::runtime_error("usage: bigbrotr-load PORT CLIENTS RATE SECONDS PATH…");
		Load load(uint16_t(std::atoi(argv[1])), std::strtoul(argv[2], nullptr, 10));
		load.run(std::atof(argv[3]), std::atof(argv[4]), {argv + 5, argv + argc});
		load.print();
		return 0;
	} catch (const std::exception &error) {
		std::fprintf(stderr, "bigbrotr-load: %s\n", error.what());
		return 1;
	}
}
