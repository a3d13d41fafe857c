#include "net/process.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include <sys/epoll.h>
#include <unistd.h>

#include "net/desk/sessions.h"

namespace net {

using namespace std::chrono_literals;

constexpr auto kTick = 100ms;
constexpr auto kStatsEvery = 1s;
/* Even if nothing changes: the worker replaces a child that is silent for long. */
constexpr auto kSignOfLife = 5s;

static uint64_t
resident_bytes()
{
	unsigned long pages = 0;
	if (FILE *file = std::fopen("/proc/self/statm", "r")) {
		if (std::fscanf(file, "%*u %lu", &pages) != 1)
			pages = 0;
		std::fclose(file);
	}
	return pages * uint64_t(sysconf(_SC_PAGESIZE));
}

namespace {

class Process
{
  public:
	Process(int fd, const Clock &clock, const char *name_servers)
		: clock_(clock), link_(fd), reactor_([this](const char *line) { library_log(line); }),
		  resolver_(reactor_, clock, name_servers),
		  hosts_(reactor_, [this](auto &line) { link_.log(wire::LogLevel::Warning, 0, line); }),
		  ticker_(reactor_, [this] { tick(); })
	{
		reactor_.watch(link_.fd(), EPOLLIN, [this](uint32_t events) { link_ready(events); });
		link_.send(wire::Hello{
			.role = wire::Role::Sync, .build = wire::build_id(), .pid = int32_t(getpid())});
		ticker_.arm(kTick);
	}

	int run()
	{
		turn();
		return reactor_.run([this] { turn(); });
	}

	Link &link() { return link_; }

  private:
	/* Everything that needs settings; made when they are there. */
	struct Work
	{
		Intake intake;
		Shared shared;
		Sessions sessions;

		Work(Process &process, const wire::ArchiveSettings &settings)
			: intake(process.reactor_, process.link_, settings.verifier_threads),
			  shared{{process.reactor_, process.clock_, process.resolver_, process.hosts_},
					 process.link_,
					 intake,
					 process.clock_,
					 Config(settings),
					 nostr::MessageParser(Config(settings).limits)},
			  sessions(shared)
		{
		}
	};

	void link_ready(uint32_t events)
	{
		if ((events & ~EPOLLOUT) != 0 &&
			!link_.receive([this](const wire::Frame &frame) { handle(frame); }))
			reactor_.stop(0);
	}

	void handle(const wire::Frame &frame)
	{
		std::string fault;
		auto message = wire::decode<wire::ArchiveToNet>(frame, fault);
		if (!message)
			throw LinkError(fault);
		if (!work_ && !std::holds_alternative<wire::ArchiveSettings>(*message))
			throw LinkError("no settings yet");
		std::visit([this](const auto &one) { take(one); }, *message);
	}

	void take(const wire::RelayOpen &task) { work_->sessions.open(task); }
	void take(const wire::RelayMore &task) { work_->sessions.more(task); }
	void take(const wire::RelayStop &stop) { work_->sessions.stop(stop); }
	void take(const wire::Known &known) { work_->intake.answered(known); }
	void take(const wire::Forget &forget) { work_->intake.forget(forget.ids); }
	void take(const wire::Ack &ack) { work_->intake.outbox().acknowledged(ack.number); }
	void take(const wire::ArchiveSettings &settings)
	{
		if (!work_) {
			work_.emplace(*this, settings);
			return;
		}
		work_->shared.config = Config(settings);
		work_->shared.parser = nostr::MessageParser(work_->shared.config.limits);
	}

	/* After each round of events: hand over what was collected, in both directions. */
	void turn()
	{
		if (work_) {
			work_->intake.end_of_turn();
			work_->sessions.regulate();
		}
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
		if (!work_)
			return;
		work_->sessions.tick();
		if (clock_.now() - stats_sent_ >= kStatsEvery) {
			stats_sent_ = clock_.now();
			send_stats();
		}
	}

	void send_stats()
	{
		auto [open, opening] = work_->sessions.count();
		const int64_t stats[] = {open, opening, int64_t(work_->intake.outbox().in_flight()),
								 int64_t(work_->intake.verified()),
								 int64_t(work_->shared.messages)};
		bool idle = std::equal(std::begin(stats), std::end(stats), std::begin(last_stats_));
		if (idle && clock_.now() - stats_told_ < kSignOfLife)
			return;
		stats_told_ = clock_.now();
		std::copy(std::begin(stats), std::end(stats), std::begin(last_stats_));
		link_.send_if_idle(wire::Stats{{{"connections", stats[0]},
										{"connecting", stats[1]},
										{"bytes_in_flight", stats[2]},
										{"verified", stats[3]},
										{"messages", stats[4]},
										{"rss_bytes", int64_t(resident_bytes())}}});
	}

	/* Peers can provoke such lines: only a few are worth sending. */
	void library_log(const char *line)
	{
		if (++log_lines_ <= 10)
			link_.log(wire::LogLevel::Debug, 0, line);
	}

	const Clock &clock_;
	Link link_;
	Reactor reactor_;
	Resolver resolver_;
	ClientHosts hosts_;
	std::optional<Work> work_;
	Timer ticker_;
	bool writing_ = false;
	int log_lines_ = 0;
	Clock::Time stats_sent_{}, stats_told_{};
	int64_t last_stats_[5] = {};
};

} // namespace

int
serve(int fd, const Clock &clock, const char *name_servers)
{
	Process process(fd, clock, name_servers);
	try {
		return process.run();
	} catch (const LinkError &) {
		return 1; // whoever sends such frames is nobody to tell
	} catch (const std::exception &error) {
		process.link().log(wire::LogLevel::Warning, 0, error.what());
	} catch (...) {
		process.link().log(wire::LogLevel::Warning, 0, "unknown C++ exception");
	}
	process.link().flush();
	return 1;
}

} // namespace net
