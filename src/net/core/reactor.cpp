#include "net/core/reactor.h"

#include <stdexcept>
#include <system_error>

#include <sys/epoll.h>
#include <unistd.h>

namespace net {

/* Size limit of the headers of an HTTP response. Relays behind proxies send more than 4 kB. */
constexpr unsigned kHeaderBytes = 16 << 10;

static std::function<void(const char *)> log_sink;

static void
emit_log(int, const char *line) noexcept
{
	try {
		if (log_sink)
			log_sink(line);
	} catch (...) {
		/* The log line is lost. */
	}
}

int
adopted_callback(lws *wsi, lws_callback_reasons reason, void *, void *, size_t) noexcept
{
	if (reason == LWS_CALLBACK_RAW_RX_FILE) {
		Reactor &reactor = Reactor::of(wsi);
		try {
			reactor.dispatch();
		} catch (...) {
			reactor.fail(std::current_exception());
		}
	}
	return 0;
}

static const lws_protocols local_protocols[] = {{"adopted", adopted_callback, 0, 0}, {}};

Reactor::Reactor(std::function<void(const char *)> log)
{
	log_sink = std::move(log);
	lws_set_log_level(LLL_ERR, emit_log);

	lws_context_creation_info info{};
	info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info.user = this;
	info.pt_serv_buf_size = kReadSize;
	info.max_http_header_data2 = kHeaderBytes;
	info.timeout_secs = 3600; // connections have their own timeouts (heartbeat.h)
	/* The process has no privileges that libwebsockets could drop. */
	info.gid = info.uid = -1;
	context_ = lws_create_context(&info);
	if (!context_)
		throw std::runtime_error("could not create the libwebsockets context");

	lws_context_creation_info host{};
	host.port = CONTEXT_PORT_NO_LISTEN;
	host.protocols = local_protocols;
	host.vhost_name = "local";
	local_host_ = lws_create_vhost(context_, &host);

	epoll_ = epoll_create1(EPOLL_CLOEXEC);
	if (!local_host_ || epoll_ < 0)
		throw std::runtime_error("could not create the event loop");
	lws_sock_file_fd_type adopted;
	adopted.filefd = epoll_;
	if (!lws_adopt_descriptor_vhost(local_host_, LWS_ADOPT_RAW_FILE_DESC, adopted, "adopted",
									nullptr))
		throw std::runtime_error("could not adopt the epoll descriptor");
}

Reactor::~Reactor()
{
	lws_context_destroy(context_); // also closes epoll_
	log_sink = nullptr;
}

Reactor &
Reactor::of(lws *wsi)
{
	return *static_cast<Reactor *>(lws_context_user(lws_get_context(wsi)));
}

void
Reactor::watch(int fd, uint32_t events, Handler handler)
{
	epoll_event event{events, {.fd = fd}};
	if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
		throw std::system_error(errno, std::generic_category(), "epoll_ctl");
	handlers_[fd] = std::move(handler);
}

void
Reactor::change(int fd, uint32_t events)
{
	epoll_event event{events, {.fd = fd}};
	if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0)
		throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void
Reactor::unwatch(int fd)
{
	/* The owner may have closed the descriptor, which removes it from the set. */
	epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
	handlers_.erase(fd);
}

void
Reactor::dispatch()
{
	epoll_event events[16];
	int count = epoll_wait(epoll_, events, 16, 0);
	for (int i = 0; i < count; i++) {
		auto found = handlers_.find(events[i].data.fd);
		if (found == handlers_.end())
			continue;
		/* The handler is copied, because its call may unwatch() it. */
		Handler handler = found->second;
		handler(events[i].events);
	}
}

int
Reactor::run(const std::function<void()> &turn)
{
	while (!stopped_ && !error_) {
		if (lws_service(context_, 0) < 0)
			throw std::runtime_error("the event loop failed");
		if (!stopped_ && !error_)
			turn();
	}
	if (error_)
		std::rethrow_exception(error_);
	return exit_code_;
}

void
Reactor::stop(int exit_code)
{
	stopped_ = true;
	exit_code_ = exit_code;
	lws_cancel_service(context_);
}

void
Reactor::fail(std::exception_ptr error) noexcept
{
	error_ = error;
	lws_cancel_service(context_);
}

Timer::Timer(Reactor &reactor, std::function<void()> fire)
	: reactor_(reactor), fire_(std::move(fire))
{
	node_.timer = this;
}

void
Timer::arm(std::chrono::microseconds delay)
{
	armed_ = true;
	lws_sul_schedule(reactor_.context(), 0, &node_.list, fired, delay.count());
}

void
Timer::cancel()
{
	if (armed_)
		lws_sul_cancel(&node_.list);
	armed_ = false;
}

void
Timer::fired(lws_sorted_usec_list_t *list) noexcept
{
	Timer *timer = reinterpret_cast<Node *>(list)->timer;
	timer->armed_ = false;
	try {
		timer->fire_();
	} catch (...) {
		timer->reactor_.fail(std::current_exception());
	}
}

} // namespace net
