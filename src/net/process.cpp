#include "net/process.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/desk/archive_desk.h"
#include "net/desk/fetch_desk.h"
#include "net/desk/probe_desk.h"
#include "net/desk/publish_desk.h"
#include "net/desk/serve_desk.h"

namespace net {

using namespace std::chrono_literals;

constexpr auto kTick = 100ms;
constexpr auto kStatsEvery = 1s;
/* Statistics are sent even if nothing changes, because the worker replaces a silent child. */
constexpr auto kSignOfLife = 5s;
constexpr auto kFilesCheckedEvery = 1s;

namespace {

/* The resident memory of the process. The file in /proc is opened before the sandbox is
 * complete. */
class ResidentMemory
{
  public:
	~ResidentMemory() { close(fd_); }
	uint64_t bytes() const
	{
		char text[128] = "";
		unsigned long pages = 0;
		if (pread(fd_, text, sizeof text - 1, 0) <= 0 || std::sscanf(text, "%*u %lu", &pages) != 1)
			return 0;
		return pages * uint64_t(sysconf(_SC_PAGESIZE));
	}

  private:
	const int fd_ = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
};

std::unique_ptr<Desk>
make_desk(wire::Role role, const Transport &transport, Link &link, Inherited inherited)
{
	switch (role) {
	case wire::Role::Sync:
		break;
	case wire::Role::Probe:
		return std::make_unique<ProbeDesk>(transport, link, inherited.geoip_files);
	case wire::Role::Publish:
		return std::make_unique<PublishDesk>(transport, link);
	case wire::Role::Fetch:
		return std::make_unique<FetchDesk>(transport, link);
	case wire::Role::Serve:
		return std::make_unique<ServeDesk>(transport.reactor, transport.clock, link,
										   std::move(inherited.listening));
	}
	return std::make_unique<ArchiveDesk>(transport, link);
}

class Process
{
  public:
	Process(int fd, wire::Role role, const Clock &clock, Wall *wall, Inherited inherited,
			const char *name_servers)
		: role_(role), clock_(clock), wall_(wall), link_(fd),
		  reactor_([this](const char *line) { library_log(line); }),
		  resolver_(reactor_, clock, name_servers),
		  hosts_(reactor_, [this](auto &line) { link_.log(wire::LogLevel::Warning, 0, line); }),
		  desk_(make_desk(role, {reactor_, clock, resolver_, hosts_}, link_, std::move(inherited))),
		  ticker_(reactor_, [this] { tick(); })
	{
		reactor_.watch(link_.fd(), EPOLLIN, [this](uint32_t events) { link_ready(events); });
		link_.send(wire::Hello{.role = role, .build = wire::build_id(), .pid = int32_t(getpid())});
		ticker_.arm(kTick);
	}

	int run()
	{
		std::string lacking = wall_ ? wall_->raise(role_) : "";
		if (!lacking.empty())
			link_.log(wire::LogLevel::Warning, 0, "the sandbox lacks " + lacking);
		turn();
		return reactor_.run([this] { turn(); });
	}

	Link &link() { return link_; }

  private:
	void link_ready(uint32_t events)
	{
		if ((events & ~EPOLLOUT) != 0 &&
			!link_.receive([this](const wire::Frame &frame) { desk_->handle(frame); }))
			reactor_.stop(0);
		if (wall_ && !threads_closed_ && desk_->threads_made()) {
			wall_->close_threads();
			threads_closed_ = true;
		}
	}

	/* Runs after each round of events and sends what was collected, in both directions. */
	void turn()
	{
		desk_->end_of_turn();
		if (!link_.flush())
			return reactor_.stop(0);
		if (link_.wants_write() != writing_) {
			writing_ = link_.wants_write();
			reactor_.change(link_.fd(), writing_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
		}
	}

	void tick()
	{
		ticker_.arm(kTick);
		log_lines_ = 0;
		resolver_.tick();
		check_files();
		desk_->tick();
		if (clock_.now() - stats_sent_ >= kStatsEvery) {
			stats_sent_ = clock_.now();
			send_stats();
		}
	}

	void check_files()
	{
		if (!wall_ || clock_.now() - files_checked_ < kFilesCheckedEvery)
			return;
		files_checked_ = clock_.now();
		std::string file = wall_->replaced();
		if (!file.empty())
			throw std::runtime_error(file + " was replaced; only a new process can read it");
	}

	void send_stats()
	{
		std::vector<wire::Gauge> gauges = desk_->gauges();
		bool idle = std::ranges::equal(gauges, told_, {}, &wire::Gauge::value, &wire::Gauge::value);
		if (idle && clock_.now() - stats_told_ < kSignOfLife)
			return;
		stats_told_ = clock_.now();
		told_ = gauges;
		gauges.push_back({"rss_bytes", int64_t(resident_.bytes())});
		gauges.push_back({"cpu_ms", cpu_ms()});
		gauges.push_back({"queued_bytes", int64_t(link_.queued())});
		link_.send_if_idle(wire::Stats{std::move(gauges)});
	}

	/* CPU time of all threads of this process. */
	static int64_t cpu_ms()
	{
		timespec spent{};
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
		return int64_t{spent.tv_sec} * 1000 + spent.tv_nsec / 1'000'000;
	}

	/* Peers can cause these lines, so only a few are sent. */
	void library_log(const char *line)
	{
		if (++log_lines_ <= 10)
			link_.log(wire::LogLevel::Debug, 0, line);
	}

	const wire::Role role_;
	const Clock &clock_;
	Wall *const wall_; // null in tests
	const ResidentMemory resident_;
	Link link_;
	Reactor reactor_;
	Resolver resolver_;
	ClientHosts hosts_;
	const std::unique_ptr<Desk> desk_;
	Timer ticker_;
	bool writing_ = false;
	bool threads_closed_ = false;
	int log_lines_ = 0;
	Clock::Time stats_sent_{}, stats_told_{}, files_checked_{};
	std::vector<wire::Gauge> told_;
};

} // namespace

int
serve(int fd, wire::Role role, const Clock &clock, Wall *wall, Inherited inherited,
	  const char *name_servers)
{
	Process process(fd, role, clock, wall, std::move(inherited), name_servers);
	try {
		return process.run();
	} catch (const LinkError &) {
		return 1; // a worker that sends malformed frames would not read a log line
	} catch (const std::exception &error) {
		process.link().log(wire::LogLevel::Warning, 0, error.what());
	} catch (...) {
		process.link().log(wire::LogLevel::Warning, 0, "unknown C++ exception");
	}
	process.link().flush();
	return 1;
}

} // namespace net
