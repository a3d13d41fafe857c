#include "worker.h"

#include <chrono>

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace test {

/* Much more than any test needs, because the thread sanitizer is slow on a busy machine. Only tests
 * that fail wait so long. */
constexpr auto kPatience = std::chrono::seconds(120);

nostr::Event
make_event(int64_t created_at, const std::string &content, uint8_t key)
{
	static std::map<uint8_t, nostr::Signer> signers;
	auto signer = signers.find(key);
	if (signer == signers.end()) {
		nostr::SecretKey secret{};
		secret[31] = key;
		signer = signers.try_emplace(key, secret).first;
	}
	nostr::Event event;
	event.created_at = created_at;
	event.kind = 1;
	event.tags = "[]";
	event.content = content;
	signer->second.sign(event);
	return event;
}

std::vector<nostr::Event>
make_events(int count, int64_t first, const std::string &content)
{
	std::vector<nostr::Event> events;
	for (int i = 0; i < count; i++)
		events.push_back(make_event(first + i, content + std::to_string(i)));
	return events;
}

wire::ArchiveSettings
Worker::default_settings()
{
	wire::ArchiveSettings settings;
	settings.dial.allow_local_relays = true;
	settings.dial.connect_timeout_ms = 20000;
	settings.response_timeout_ms = 20000;
	settings.verifier_threads = 2;
	settings.dial.user_agent = "bigbrotr-test";
	return settings;
}

/* The net process's end of the link. */
int
Worker::connect()
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		throw std::runtime_error("socketpair");
	fd_ = pair[0];
	return pair[1];
}

Worker::Worker(const wire::ArchiveSettings &settings, const char *name_servers)
{
	process_ = std::thread([this, fd = connect(), name_servers] {
		exit_code_ = net::serve(fd, wire::Role::Sync, clock, nullptr, {}, name_servers);
	});
	send(settings);
}

Worker::Worker(const wire::ArchiveSettings &settings, net::Wall &wall, const char *name_servers)
{
	constexpr int link = 3;
	constexpr size_t memory = size_t(1) << 50; // more than any sanitizer reserves
	int fd = connect();
	child_ = fork();
	if (child_ == 0) {
		try {
			if (fd != link)
				dup2(fd, link);
			net::enter_sandbox(link, link, memory);
			_exit(net::serve(link, wire::Role::Sync, net::Clock(), &wall, {}, name_servers));
		} catch (const std::exception &) {
			_exit(99);
		}
	}
	close(fd);
	send(settings);
}

Worker::~Worker()
{
	if (process_.joinable() || child_ != 0)
		stop();
}

int
Worker::stop()
{
	shutdown(fd_, SHUT_RDWR);
	return join();
}

int
Worker::join()
{
	if (child_ != 0) {
		int status = 0;
		waitpid(child_, &status, 0);
		exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
		child_ = 0;
	} else {
		process_.join();
	}
	close(fd_);
	return exit_code_;
}

void
Worker::write(const std::string &frame)
{
	size_t sent = 0;
	while (sent < frame.size()) {
		ssize_t size = ::send(fd_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
		if (size <= 0)
			return;
		sent += size_t(size);
	}
}

void
Worker::task(int32_t relay_id, const std::string &url, std::vector<nostr::TimeRange> ranges,
			 bool live, uint32_t page_limit)
{
	wire::RelayOpen open{
		.relay_id = relay_id, .attempt = 1, .url = url, .page_limit = page_limit, .live = live};
	for (const nostr::TimeRange &range : ranges)
		open.ranges.push_back({range.lower, range.upper});
	send(open);
}

bool
Worker::until(const std::function<bool()> &done)
{
	auto deadline = std::chrono::steady_clock::now() + kPatience;
	while (!done()) {
		auto left = deadline - std::chrono::steady_clock::now();
		auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
		if (ms <= 0 || !read_some(int(ms)))
			return done();
	}
	return true;
}

bool
Worker::until_ended(int32_t relay_id)
{
	return until([&] { return ended(relay_id) != nullptr; });
}

bool
Worker::read(const std::string &url, nostr::TimeRange range)
{
	task(1, url, {range});
	return until_ended(1);
}

bool
Worker::read_some(int timeout_ms)
{
	pollfd poll_for{fd_, POLLIN, 0};
	if (poll(&poll_for, 1, timeout_ms) <= 0)
		return false;
	constexpr size_t size = 64 << 10;
	ssize_t got = ::read(fd_, input_.reserve(size), size);
	if (got <= 0)
		return false;
	input_.filled(size_t(got));
	while (auto frame = input_.next())
		handle(*frame);
	return true;
}

void
Worker::handle(const wire::Frame &frame)
{
	std::string fault;
	auto message = wire::decode<
		std::variant<wire::Hello, wire::Log, wire::Stats, wire::KnownQuestion, wire::SeenQuestion,
					 wire::NeedQuestion, wire::SignIn, wire::Batch>>(frame, fault);
	if (message)
		std::visit([this](const auto &one) { handle(one); }, *message);
	else
		ADD_FAILURE() << "malformed message: " << fault;
}

void
Worker::handle(const wire::KnownQuestion &question)
{
	questions++;
	ids_asked += question.events.size();
	wire::Known answer{question.question, {}};
	for (const wire::Outline &event : question.events)
		answer.known.push_back(archived.count(*event.id) > 0);
	unanswered_.push_back(std::move(answer));
	if (this->answer)
		answer_questions();
}

void
Worker::answer_questions()
{
	for (const wire::Known &answer : unanswered_)
		send(answer);
	unanswered_.clear();
}

void
Worker::handle(const wire::SeenQuestion &question)
{
	windows.push_back(question.range);
	if (hold_seen)
		held_.push_back(question);
	else
		tell_seen(question);
}

void
Worker::answer_held()
{
	hold_seen = false;
	for (const wire::SeenQuestion &question : std::exchange(held_, {}))
		tell_seen(question);
}

/* In two messages, to see that they are put together. */
void
Worker::tell_seen(const wire::SeenQuestion &question)
{
	wire::SeenAnswer answers[2] = {{question.relay_id, question.attempt},
								   {question.relay_id, question.attempt}};
	size_t count = 0;
	const size_t most = std::min<size_t>(question.most, window_records);
	for (const nostr::Event &event : shown)
		if (event.created_at >= question.range.lower && event.created_at <= question.range.upper &&
			count++ < most)
			answers[count % 2].records.push_back({event.created_at, &event.id});
	answers[1].last = true;
	answers[1].too_many = count > most;
	for (const wire::SeenAnswer &part : answers)
		send(part);
}

void
Worker::handle(const wire::NeedQuestion &question)
{
	needs.insert(needs.end(), question.ids.begin(), question.ids.end());
	wire::Wanted answer{question.relay_id, question.attempt, {}};
	for (const nostr::Id &id : question.ids)
		answer.wants.push_back({withheld.count(id) > 0 ? wire::Want::Withheld : wire::Want::Fetch});
	if (too_much_withheld)
		answer.wants.clear();
	send(answer);
}

void
Worker::handle(const wire::SignIn &question)
{
	challenges.emplace_back(question.challenge);
	nostr::SecretKey secret{};
	secret[31] = 1;
	nostr::Event event =
		nostr::auth_event(nostr::Signer(secret), "ws://relay", question.challenge, 1735689600);
	std::string text = nostr::to_json(event);
	send(wire::SignedIn{question.relay_id, question.attempt, &event.id, text});
}

void
Worker::handle(const wire::Batch &batch)
{
	keep(batch);
	if (acknowledge)
		send(wire::Ack{batch.number});
	else
		unacknowledged.push_back(batch.number);
}

void
Worker::handle(const wire::Stats &gauges)
{
	for (const wire::Gauge &gauge : gauges.gauges)
		stats[std::string(gauge.name)] = gauge.value;
}

void
Worker::keep(const wire::Batch &batch)
{
	for (const wire::DeliveredEvent &event : batch.events) {
		EXPECT_TRUE(archived.insert(*event.id).second) << "an archived event came again";
		nostr::Event copy;
		copy.id = *event.id;
		copy.pubkey = *event.pubkey;
		copy.sig = *event.sig;
		copy.created_at = event.created_at;
		copy.kind = event.kind;
		copy.tags = event.tags;
		copy.content = event.content;
		copy.has_nul = event.has_nul;
		events.emplace(*event.id, copy);
	}
	sightings_sent += batch.sightings.size();
	std::set<nostr::Id> seen;
	for (const wire::Sighting &sighting : batch.sightings) {
		const nostr::Id &id = *sighting.event.id;
		EXPECT_TRUE(archived.count(id)) << "a sighting of nothing";
		seen.insert(id);
		sightings.insert({id, sighting.relay_id});
	}
	for (const wire::DeliveredEvent &event : batch.events)
		EXPECT_TRUE(seen.count(*event.id)) << "an event without a sighting";
	for (const wire::RelayRefusal &refusal : batch.refusals)
		refusals[{refusal.relay_id, std::string(refusal.reason)}] += refusal.count;
	for (const wire::RelayTraffic &part : batch.traffic) {
		wire::RelayTraffic &sum = traffic[part.relay_id];
		sum.bytes += part.bytes;
		sum.messages += part.messages;
		sum.pages += part.pages;
	}
	for (const wire::RelayClaim &claim : batch.claims)
		claims.push_back({claim.relay_id, claim.claim, archived.size(), claim.reader});
	for (const wire::RelayRetract &one : batch.retracts)
		retractions.push_back(one.retract);
	for (const wire::Compared &one : batch.compared)
		compared.push_back({one.outcome, one.needed, one.lost, std::string(one.detail)});
	for (const wire::RelayReport &report : batch.reports)
		reports.push_back({report.relay_id, report.phase, std::string(report.reason),
						   std::string(report.detail), claims.size(), report.attempt,
						   report.retry_after_ms, report.page_limit, report.pace_ms});
}

const Worker::Report *
Worker::ended(int32_t relay_id) const
{
	for (const Report &report : reports)
		if (report.relay_id == relay_id && report.phase == wire::RelayPhase::Ended)
			return &report;
	return nullptr;
}

bool
Worker::reported(int32_t relay_id, wire::RelayPhase phase) const
{
	for (const Report &report : reports)
		if (report.relay_id == relay_id && report.phase == phase)
			return true;
	return false;
}

} // namespace test
