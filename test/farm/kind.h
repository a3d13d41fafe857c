/*
 * What the relays of the farm are like, and what a monitor should find each to be. One table: the
 * share of each kind, its address, its verdict.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace farm {

enum class Kind : uint8_t
{
	Refused,
	BlackHole,
	Silent,
	NoSuchName,
	FailingName,
	SilentName,
	TlsExpired,
	TlsWrongName,
	TlsSelfSigned,
	TlsNotSpoken,
	TlsSilent,
	TlsHugeChain,
	Http404,
	Http503,
	WebPage,
	Redirect,
	SlowLoris,
	Mute,
	Echo,
	DocumentOnly,
	NotHttp,
	EndlessHead,
	FlappingDown,
	Healthy,
	Slow,
	Tls,
	Named,
	AuthRequired,
	Closes,
	NoticeOnly,
	AuthOnly,
	NoDocument,
	FlappingUp,
	HugeDocument,
	GzipBomb,
	EndlessDocument,
	Flood,
	LyingAboutNips
};

/* Where the URL of a relay leads. */
enum class Place : uint8_t
{
	Plain,   // ws: all addresses share a port
	Tls,     // wss: likewise
	Closed,  // a port on which nothing listens
	Hole,    // a listener whose queue is full
	Name,    // ws with a name instead of the address
	Nowhere, // likewise; the name server knows no such name
};

/* Which time-out of the monitor its visit waits for. */
enum class Wait : uint8_t
{
	None,
	Connect,
	Response
};

struct Traits
{
	Kind kind;
	const char *name;
	int share; // of a thousand
	Place place;
	const char *status; // after the first visit
	const char *reason; // of that visit; "": it answers
	Wait wait;
};

std::span<const Traits> all_traits();
const Traits &traits(Kind kind);

struct Relay
{
	Kind kind = Kind::Healthy;
	int delay_ms = 0;          // of each answer
	std::string address, name; // numeric; name: "" if the URL has none
	std::string url;
	std::optional<std::string> document; // served instead of one of its own
	int upgrades = 0;                    // that were asked for
	int64_t open_us = -1, read_us = -1;  // from the request's arrival to our answer, last visit
};

/* Relays without URLs. Every kind is there if there are 200; the shares are exact for each
 * thousand. `only`: names of kinds that are there in turn, instead. */
std::vector<Relay> make_relays(uint64_t seed, size_t count, const std::vector<std::string> &only);

} // namespace farm
