/* A monitor for tests: runs the net process of role probe on a thread, and keeps what it found. */
#pragma once

#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/process.h"
#include "wire/probe.h"

namespace test {

/* A copy of wire::Visited that stands alone. */
struct Found
{
	struct Step
	{
		wire::Outcome outcome;
		std::string reason, detail;
		int64_t microseconds;
	};
	struct Document
	{
		int http_status;
		std::string content_type, final_url, json;
		bool cors;
		uint32_t size;
	};
	uint32_t attempt;
	wire::Verdict verdict;
	std::vector<Step> steps;
	std::vector<std::string> addresses;
	int32_t ttl;
	std::string cname, address, server;
	uint16_t port;
	int http_status;
	std::vector<std::string> certificate_faults; // none or one
	std::vector<Document> document;              // none or one
	bool limit_ignored;

	const Step &step(wire::Step which) const { return steps.at(size_t(which)); }
};

class Prober
{
  public:
	static wire::ProbeSettings default_settings()
	{
		wire::ProbeSettings settings;
		settings.dial.allow_local_relays = true;
		settings.dial.connect_timeout_ms = settings.response_timeout_ms = 20000;
		settings.dial.user_agent = "bigbrotr-test";
		return settings;
	}

	explicit Prober(const wire::ProbeSettings &settings = default_settings(),
					const std::string &name_servers = "")
	{
		int pair[2];
		EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		fd_ = pair[0];
		process_ = std::thread([this, fd = pair[1], name_servers] {
			exit_code_ =
				net::serve(fd, wire::Role::Probe, net::Clock(), nullptr, {}, name_servers.c_str());
		});
		send(settings);
	}
	~Prober()
	{
		if (process_.joinable())
			stop();
	}

	int stop()
	{
		shutdown(fd_, SHUT_RDWR);
		process_.join();
		close(fd_);
		return exit_code_;
	}

	template <class Message> void send(const Message &message) { write(wire::encode(message)); }
	void write(const std::string &frame)
	{
		EXPECT_EQ(::send(fd_, frame.data(), frame.size(), MSG_NOSIGNAL), ssize_t(frame.size()));
	}

	void visit(int32_t relay_id, const std::string &url, bool try_nips = false,
			   const std::string &event = "")
	{
		send(wire::Visit{
			.relay_id = relay_id, .attempt = 1, .url = url, .try_nips = try_nips, .event = event});
	}

	/* Waits until so many visits are over; false if that takes more than two minutes. */
	bool until(size_t count)
	{
		auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
		while (found.size() < count) {
			auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
				deadline - std::chrono::steady_clock::now());
			pollfd poll_for{fd_, POLLIN, 0};
			if (left.count() <= 0 || poll(&poll_for, 1, int(left.count())) <= 0)
				return false;
			constexpr size_t size = 64 << 10;
			ssize_t got = read(fd_, input_.reserve(size), size);
			if (got <= 0)
				return false;
			input_.filled(size_t(got));
			while (auto frame = input_.next())
				handle(*frame);
		}
		return true;
	}

	/* One visit. */
	Found probe(const std::string &url, bool try_nips = false, const std::string &event = "")
	{
		found.clear();
		visit(1, url, try_nips, event);
		EXPECT_TRUE(until(1)) << url;
		return found.empty() ? Found{.steps = std::vector<Found::Step>(wire::kSteps)} : found[1];
	}

	std::map<int32_t, Found> found;

  private:
	void handle(const wire::Frame &frame)
	{
		std::string fault;
		auto message =
			wire::decode<std::variant<wire::Hello, wire::Log, wire::Stats, wire::VisitBatch>>(
				frame, fault);
		if (!message)
			ADD_FAILURE() << "malformed message: " << fault;
		else if (auto *batch = std::get_if<wire::VisitBatch>(&*message))
			keep(*batch);
	}

	void keep(const wire::VisitBatch &batch)
	{
		for (const wire::Visited &visit : batch.visits) {
			EXPECT_FALSE(found.contains(visit.relay_id)) << "told twice";
			Found &one = found[visit.relay_id];
			one = {.attempt = visit.attempt,
				   .verdict = visit.verdict,
				   .ttl = visit.ttl,
				   .cname = std::string(visit.cname),
				   .address = std::string(visit.address),
				   .server = std::string(visit.server),
				   .port = visit.port,
				   .http_status = visit.http_status,
				   .limit_ignored = visit.limit_ignored};
			for (const auto &step : visit.steps)
				one.steps.push_back({step.outcome, std::string(step.reason),
									 std::string(step.detail), step.microseconds});
			for (const auto &address : visit.addresses)
				one.addresses.emplace_back(address.text);
			for (const auto &certificate : visit.certificate)
				one.certificate_faults.emplace_back(certificate.fault);
			for (const auto &document : visit.document) {
				auto &copy = one.document.emplace_back();
				copy = {.http_status = document.http_status,
						.content_type = std::string(document.content_type),
						.final_url = std::string(document.final_url),
						.json = std::string(document.json),
						.cors = document.cors,
						.size = document.size};
			}
		}
		send(wire::Ack{batch.number});
	}

	int fd_;
	wire::FrameBuffer input_;
	int exit_code_ = -1;
	std::thread process_;
};

} // namespace test
