/*
 * Messages between any worker and its net process, independent of the role.
 */
#pragma once

#include "codec.h"

namespace wire {

/* The role of a net process. It accepts only the messages of the desk of its role. */
enum class Role : uint8_t
{
	Sync,    // archive.h
	Probe,   // probe.h
	Publish, // publish.h
	Fetch,   // fetch.h
	Serve    // serve.h
};
constexpr Role kLastRole = Role::Serve;
constexpr std::string_view kRoleNames[] = {"sync", "probe", "publish", "fetch", "serve"};

constexpr std::string_view
role_name(Role role)
{
	return kRoleNames[static_cast<size_t>(role)];
}

constexpr std::optional<Role>
role_of(std::string_view name)
{
	for (size_t i = 0; i < std::size(kRoleNames); i++)
		if (kRoleNames[i] == name)
			return static_cast<Role>(i);
	return std::nullopt;
}

/* Limits of the load on one relay: the values of bigbrotr.politeness. */
enum class Politeness : uint8_t
{
	Quiet,
	Normal,
	Sweep
};

/* The build of this program. Worker and net process must have the same build. */
std::string_view build_id();

// ---- net process -> worker

/* The first message. */
struct Hello
{
	static constexpr uint16_t kType = 0x01;
	Role role = Role::Sync;
	std::string_view build;
	int32_t pid = 0;

	static void fields(auto &c, auto &m)
	{
		c.value(m.role, kLastRole);
		c.ascii(m.build, 64);
		c.number(m.pid);
	}
};

enum class LogLevel : uint8_t
{
	Debug,
	Info,
	Warning
};

struct Log
{
	static constexpr uint16_t kType = 0x02;
	LogLevel level = LogLevel::Debug;
	int32_t relay_id = 0; // 0: not about one relay
	std::string_view message;

	static void fields(auto &c, auto &m)
	{
		c.value(m.level, LogLevel::Warning);
		c.number(m.relay_id, 0, INT32_MAX, "relay id out of range");
		c.detail(m.message, 1000);
	}
};

struct Gauge
{
	std::string_view name; // a code
	int64_t value = 0;

	static void fields(auto &c, auto &m)
	{
		c.code(m.name);
		c.demand([&] { return !m.name.empty(); }, "gauge without a name");
		c.number(m.value);
	}
};

/* Sent at least every 5 seconds, also as a sign of life. */
struct Stats
{
	static constexpr uint16_t kType = 0x03;
	std::vector<Gauge> gauges;

	static void fields(auto &c, auto &m) { c.list(m.gauges); }
};

using LinkToWorker = std::variant<Hello, Log, Stats>;

// ---- worker -> net process

/* The result with this number was committed, so the net process may send another one. */
struct Ack
{
	static constexpr uint16_t kType = 0x04;
	uint64_t number = 0;

	static void fields(auto &c, auto &m) { c.number(m.number); }
};

} // namespace wire
