/*
 * The event loop of the main thread. It is libwebsockets' poll loop with one epoll descriptor
 * added, which holds all other descriptors (link, DNS, verifiers).
 */
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <unordered_map>

#include <libwebsockets.h>

namespace net {

class Reactor
{
  public:
	using Handler = std::function<void(uint32_t events)>; // EPOLLIN | EPOLLOUT | …
	/* Size of one read of a socket, and of the largest piece of a message that is passed on. */
	static constexpr size_t kReadSize = 16 << 10;

	/* `log` gets the error lines of libwebsockets. Only one reactor of a process can have a log. */
	explicit Reactor(std::function<void(const char *)> log);
	~Reactor();
	Reactor(const Reactor &) = delete;

	void watch(int fd, uint32_t events, Handler handler);
	void change(int fd, uint32_t events);
	void unwatch(int fd);

	/* Runs until stop() and calls `turn` after each round of events. Throws the exception that was
	 * given to fail(). */
	int run(const std::function<void()> &turn);
	void stop(int exit_code);
	/* Stops the loop with an exception; for callbacks that must not throw. */
	void fail(std::exception_ptr error) noexcept;

	lws_context *context() const { return context_; }

	static Reactor &of(lws *wsi);

  private:
	friend int adopted_callback(lws *, lws_callback_reasons, void *, void *, size_t) noexcept;
	void dispatch();

	lws_context *context_ = nullptr;
	lws_vhost *local_host_ = nullptr;
	int epoll_ = -1;
	std::unordered_map<int, Handler> handlers_;
	bool stopped_ = false;
	int exit_code_ = 0;
	std::exception_ptr error_;
};

/* A one-shot timer in the reactor's thread. */
class Timer
{
  public:
	Timer(Reactor &reactor, std::function<void()> fire);
	~Timer() { cancel(); }
	Timer(const Timer &) = delete;

	bool armed() const { return armed_; }
	void arm(std::chrono::microseconds delay);
	void cancel();

  private:
	static void fired(lws_sorted_usec_list_t *list) noexcept;

	struct Node
	{
		lws_sorted_usec_list_t list; // must be first: libwebsockets returns its address
		Timer *timer;
	};
	Node node_{};
	Reactor &reactor_;
	std::function<void()> fire_;
	bool armed_ = false;
};

} // namespace net
