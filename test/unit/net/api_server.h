/*
 * A server of the API for tests: the net process of role serve on a thread, behind a worker whose
 * answers the test decides; and a client of it.
 */
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/process.h"
#include "wire/serve.h"
#include "worker.h"

namespace test {

class ApiServer
{
  public:
	struct Call
	{
		uint64_t number;
		uint16_t route;
		int32_t cost_limit;
		std::vector<std::string> arguments; // "NULL" for those that were not given
	};
	/* What the worker does with a call; it may send nothing. Runs on the worker's thread. */
	using Answer = std::function<void(ApiServer &, const Call &)>;

	static wire::ServeSettings default_settings()
	{
		return {.anonymous_scopes = "open", .name = "test", .version = "1"};
	}
	static std::vector<wire::Route> default_routes()
	{
		using wire::Kind;
		return {{.number = 1,
				 .name = "one",
				 .path = "/one/{id}",
				 .scope = "open",
				 .content_type = "application/json",
				 .cache_seconds = 60,
				 .parameters = {{.name = "id", .required = true},
								{.name = "flag", .kind = Kind::Flag}}},
				{.number = 2,
				 .name = "list",
				 .path = "/list",
				 .shape = wire::Shape::List,
				 .default_rows = 2,
				 .most_rows = 1000,
				 .parameters = {{.name = "since", .kind = Kind::Integer},
								{.name = "row_limit", .kind = Kind::Integer},
								{.name = "after", .kind = Kind::Json}}},
				{.number = 3, .name = "array", .path = "/array", .shape = wire::Shape::Array},
				{.number = 4,
				 .name = "posted",
				 .path = "/list",
				 .post = true,
				 .shape = wire::Shape::Array,
				 .parameters = {{.name = "body", .kind = Kind::Json, .required = true}}},
				{.number = 5,
				 .name = "req",
				 .path = "/req",
				 .scope = "open",
				 .shape = wire::Shape::Hidden,
				 .parameters = {{.name = "filters", .kind = Kind::Json}}},
				{.number = 6,
				 .name = "count_req",
				 .path = "/count",
				 .scope = "open",
				 .shape = wire::Shape::Hidden,
				 .parameters = {{.name = "filters", .kind = Kind::Json}}},
				{.number = 7,
				 .name = "news",
				 .path = "/news",
				 .scope = "open",
				 .shape = wire::Shape::Hidden,
				 .parameters = {{.name = "eids", .kind = Kind::Json}}},
				{.number = 8,
				 .name = "records",
				 .path = "/records",
				 .scope = "open",
				 .shape = wire::Shape::Hidden,
				 .parameters = {{.name = "filters", .kind = Kind::Json},
								{.name = "row_limit", .kind = Kind::Integer}}},
				{.number = 9,
				 .name = "live_events",
				 .path = "/live/events",
				 .shape = wire::Shape::Stream,
				 .parameters = {{.name = "kinds"}}},
				{.number = 10,
				 .name = "live_relays",
				 .path = "/live/relays",
				 .shape = wire::Shape::Stream},
				{.number = 11,
				 .name = "noted",
				 .path = "/noted",
				 .post = true,
				 .shape = wire::Shape::Accepted,
				 .content_type = "application/json",
				 .parameters = {{.name = "body", .kind = Kind::Json, .required = true}}},
				{.number = 12,
				 .name = "told",
				 .path = "/told",
				 .post = true,
				 .parameters = {{.name = "body", .required = true}}}};
	}

	explicit ApiServer(Answer answer, const wire::ServeSettings &settings = default_settings())
		: answer_(std::move(answer))
	{
		int pair[2];
		EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		fd_ = pair[0];
		int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		address_.sin_family = AF_INET;
		address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		socklen_t size = sizeof address_;
		EXPECT_EQ(bind(listening, reinterpret_cast<sockaddr *>(&address_), size), 0);
		EXPECT_EQ(::listen(listening, 100), 0);
		getsockname(listening, reinterpret_cast<sockaddr *>(&address_), &size);
		process_ = std::thread([this, fd = pair[1], listening] {
			exit_code_ = net::serve(fd, wire::Role::Serve, clock, nullptr,
									{.listening = {listening}, .geoip_files = {}});
		});
		send(settings);
		send(wire::Routes{.routes = default_routes()});
		worker_ = std::thread([this] { work(); });
	}
	~ApiServer()
	{
		shutdown(fd_, SHUT_RDWR);
		process_.join();
		worker_.join();
		close(fd_);
		EXPECT_EQ(exit_code_, 0);
	}

	template <class Message> void send(const Message &message)
	{
		std::string frame = wire::encode(message);
		EXPECT_EQ(::send(fd_, frame.data(), frame.size(), MSG_NOSIGNAL), ssize_t(frame.size()));
	}
	void rows(uint64_t call, const std::vector<std::string> &items,
			  const std::string &position = "")
	{
		wire::Rows message{.call = call};
		for (const std::string &item : items)
			message.rows.push_back({.item = item, .position = position});
		send(message);
	}
	/* Nothing if it has ended already: it was cancelled. */
	void end(uint64_t call, const std::string &sqlstate = "", const std::string &text = "",
			 int64_t cost = 0)
	{
		{
			std::lock_guard guard(open_mutex_);
			if (open_.erase(call) == 0)
				return;
		}
		send(wire::CallEnd{.call = call, .cost = cost, .sqlstate = sqlstate, .message = text});
	}

	/* Waits until so many requests were made with that key; what was told of it so far. */
	wire::KeyUse until_used(uint32_t key, int64_t requests)
	{
		std::unique_lock lock(mutex_);
		EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20),
									  [&] { return uses_[key].requests >= requests; }));
		return uses_[key];
	}

	/* Waits until so many calls were cancelled, or rows taken. */
	bool until_cancelled(size_t count) { return until(cancelled_, count); }
	bool until_taken(size_t count) { return until(taken_, count); }
	size_t taken()
	{
		std::lock_guard guard(mutex_);
		return taken_;
	}

	/* Gives it a certificate; what it says of it: fault and doubt. */
	std::pair<std::string, std::string> certify(const std::string &chain, const std::string &key)
	{
		std::unique_lock lock(mutex_);
		const size_t before = verdicts_.size();
		send(wire::ServerCertificate{.chain = chain, .key = key});
		EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20),
									  [&] { return verdicts_.size() > before; }));
		return verdicts_.back();
	}

	/* A connection to it. */
	int connect() const
	{
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		timeval limit{.tv_sec = 20, .tv_usec = 0};
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr *>(&address_), sizeof address_), 0);
		return fd;
	}
	enum class Closes : uint8_t
	{
		Nothing,
		ItsSide
	};
	/* Sends the bytes and reads until the server closes. A server that has closed already answers
	 * nothing. */
	std::string talk(const std::string &bytes, Closes closes = Closes::Nothing) const
	{
		int fd = connect();
		::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
		if (closes == Closes::ItsSide)
			shutdown(fd, SHUT_WR);
		std::string out;
		char piece[4096];
		for (ssize_t size; (size = recv(fd, piece, sizeof piece, 0)) > 0;)
			out.append(piece, size_t(size));
		close(fd);
		return out;
	}
	/* One request, after which the connection ends. */
	std::string get(const std::string &target, const std::string &headers = "") const
	{
		return talk("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
					headers + "\r\n");
	}

	TestClock clock;
	std::atomic<int64_t> cancelled_cost = 0; // of calls that are cancelled

  private:
	bool until(const size_t &counter, size_t count)
	{
		std::unique_lock lock(mutex_);
		return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return counter >= count; });
	}

	void work()
	{
		wire::FrameBuffer input;
		constexpr size_t size = 64 << 10;
		for (ssize_t got; (got = read(fd_, input.reserve(size), size)) > 0;) {
			input.filled(size_t(got));
			while (auto frame = input.next())
				handle(*frame);
		}
	}
	void handle(const wire::Frame &frame)
	{
		std::string fault;
		if (auto own = wire::decode<wire::LinkToWorker>(frame, fault)) {
			auto *log = std::get_if<wire::Log>(&*own);
			EXPECT_FALSE(log && log->level >= wire::LogLevel::Warning) << log->message;
			return;
		}
		auto message = wire::decode<wire::ServeToWorker>(frame, fault);
		ASSERT_TRUE(message) << fault;
		if (auto *call = std::get_if<wire::CallRoute>(&*message)) {
			Call copy{.number = call->number,
					  .route = call->route,
					  .cost_limit = call->cost_limit,
					  .arguments = {}};
			for (const wire::Argument &argument : call->arguments)
				copy.arguments.emplace_back(argument.given ? argument.value : "NULL");
			{
				std::lock_guard guard(open_mutex_);
				open_.insert(copy.number);
			}
			return answer_(*this, copy);
		}
		std::lock_guard guard(mutex_);
		if (auto *told = std::get_if<wire::KeyUses>(&*message)) {
			for (const wire::KeyUse &use : told->uses) {
				wire::KeyUse &sum = uses_[use.key];
				sum.requests += use.requests;
				sum.bytes += use.bytes;
				sum.cost += use.cost;
			}
			return changed_.notify_all();
		}
		if (auto *taken = std::get_if<wire::CertificateTaken>(&*message)) {
			verdicts_.push_back({std::string(taken->fault), std::string(taken->doubt)});
		} else if (std::holds_alternative<wire::CallCancel>(*message)) {
			cancelled_++;
			end(std::get<wire::CallCancel>(*message).call, "57014", "", cancelled_cost);
		} else {
			taken_++;
		}
		changed_.notify_all();
	}

	Answer answer_;
	sockaddr_in address_{};
	int fd_ = -1;
	int exit_code_ = -1;
	std::thread process_, worker_;
	std::mutex mutex_;
	std::condition_variable changed_;
	std::mutex open_mutex_;
	std::set<uint64_t> open_; // calls that have not ended
	size_t cancelled_ = 0, taken_ = 0;
	std::vector<std::pair<std::string, std::string>> verdicts_; // of certificates
	std::map<uint32_t, wire::KeyUse> uses_;
};

} // namespace test
