/*
 * A worker for tests: runs the net process on a thread behind a socketpair, or as a child in its
 * sandbox, answers questions, acknowledges batches, and keeps the messages.
 */
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "net/process.h"
#include "nostr/keys.h"
#include "nostr/paging.h"
#include "wire/archive.h"

namespace test {

/* An event of key `key`, really signed. */
nostr::Event make_event(int64_t created_at, const std::string &content, uint8_t key = 1);
/* `count` events, one per second from `first` on. */
std::vector<nostr::Event> make_events(int count, int64_t first, const std::string &content = "");

/* A clock that goes on by itself and can be moved forward; set_by(): only its date changes. */
class TestClock final : public net::Clock
{
  public:
	Time now() const override { return Clock::now() + std::chrono::seconds(ahead_); }
	std::chrono::seconds since_boot() const override
	{
		return Clock::since_boot() + std::chrono::seconds(ahead_);
	}
	int64_t unix_seconds() const override { return Clock::unix_seconds() + ahead_ + set_by_; }
	void advance(std::chrono::seconds by) { ahead_ += by.count(); }
	void set_by(std::chrono::seconds by) { set_by_ += by.count(); }

  private:
	std::atomic<int64_t> ahead_{0}, set_by_{0};
};

class Worker
{
  public:
	Worker() : Worker(default_settings()) {}
	explicit Worker(const wire::ArchiveSettings &settings, const char *name_servers = "");
	/*
	 * As a child, whose clock this worker cannot move. It is forked here, so there should be no
	 * other threads yet.
	 */
	Worker(const wire::ArchiveSettings &settings, net::Wall &wall, const char *name_servers);
	~Worker();

	static wire::ArchiveSettings default_settings();

	template <class Message> void send(const Message &message) { write(wire::encode(message)); }
	void task(int32_t relay_id, const std::string &url, std::vector<nostr::TimeRange> ranges,
			  bool live = false, uint32_t page_limit = 0);
	/* Handles messages until `done` holds; false if it does not within two minutes. */
	bool until(const std::function<bool()> &done);
	bool until_ended(int32_t relay_id);
	/* Has the net process read this range of relay 1, until the relay has ended. */
	bool read(const std::string &url, nostr::TimeRange range);
	/* Closes the link and waits for the net process; its exit code. */
	int stop();
	/* Waits for the net process to end by itself; its exit code. */
	int join();
	int fd() const { return fd_; }

	TestClock clock;
	bool acknowledge = true;
	bool answer = true; // questions; else they wait for answer_questions()
	void answer_questions();
	std::set<nostr::Id> archived; // questions are answered from here; batches add to it
	/* Comparisons of sets: what relays have shown, how much of it fits into a window, and what they
	 * have offered in vain. */
	std::vector<nostr::Event> shown;
	bool hold_seen = false; // what relays have shown is told by answer_held()
	void answer_held();
	size_t window_records = SIZE_MAX;
	std::set<nostr::Id> withheld;
	bool too_much_withheld = false;

	/* The messages that came. */
	struct Claim
	{
		int32_t relay_id;
		nostr::Claim claim;
		size_t events_before; // archived when it came
		wire::ReadAs reader = wire::ReadAs::Anonymous;
	};
	struct Report
	{
		int32_t relay_id;
		wire::RelayPhase phase;
		std::string reason, detail;
		size_t claims_before;
		uint32_t attempt = 0, retry_after_ms = 0, page_limit = 0, pace_ms = 0;
	};
	std::map<nostr::Id, nostr::Event> events;
	std::set<std::pair<nostr::Id, int32_t>> sightings;
	std::map<std::pair<int32_t, std::string>, uint64_t> refusals;
	std::map<int32_t, wire::RelayTraffic> traffic;
	std::vector<Claim> claims;
	std::vector<nostr::Retract> retractions;
	struct Compared
	{
		wire::Comparison outcome;
		uint64_t needed, lost;
		std::string detail;
	};
	std::vector<Compared> compared;
	std::vector<nostr::TimeRange> windows; // that were asked about
	std::vector<nostr::Id> needs;          // likewise
	std::vector<Report> reports;
	std::vector<std::string> challenges; // that were answered
	std::vector<std::string> logs;
	std::vector<uint64_t> unacknowledged;
	size_t questions = 0, ids_asked = 0, sightings_sent = 0;
	std::map<std::string, int64_t> stats;
	bool hello = false;

	const Report *ended(int32_t relay_id) const;
	bool reported(int32_t relay_id, wire::RelayPhase phase) const;

  private:
	int connect();
	std::vector<wire::Known> unanswered_;
	std::vector<wire::SeenQuestion> held_;
	void tell_seen(const wire::SeenQuestion &question);
	bool read_some(int timeout_ms);
	void write(const std::string &frame);
	void handle(const wire::Frame &frame);
	void handle(const wire::KnownQuestion &question);
	void handle(const wire::SeenQuestion &question);
	void handle(const wire::NeedQuestion &question);
	void handle(const wire::SignIn &question);
	void handle(const wire::Batch &batch);
	void keep(const wire::Batch &batch);
	void handle(const wire::Hello &) { hello = true; }
	void handle(const wire::Log &log) { logs.emplace_back(log.message); }
	void handle(const wire::Stats &gauges);

	int fd_;
	wire::FrameBuffer input_;
	int exit_code_ = -1;
	std::thread process_;
	pid_t child_ = 0;
};

} // namespace test
