/*
 * Messages of the fetch desk (role fetch): lists of relays to fetch, and the names in them.
 */
#pragma once

#include "fields.h"
#include "link.h"

namespace wire {

constexpr size_t kMaxFetches = 4; // under way at a time
constexpr size_t kMaxListBytes = 8 << 20;
constexpr size_t kMaxListPath = 200; // bytes
/* Longer than a relay's URL may be, even after its last character is cut off: a name that was cut
 * is refused because of its length. */
constexpr size_t kMaxListName = kMaxUrl + 4;

// ---- worker -> net process

/* The first message, which is sent again after a reload. Fields as in ProbeSettings. */
struct FetchSettings
{
	static constexpr uint16_t kType = 0x30;
	DialSettings dial;

	static void fields(auto &c, auto &m) { DialSettings::fields(c, m.dial); }
};

/* Tells the net process to fetch this list. At most kMaxFetches are under way. */
struct Fetch
{
	static constexpr uint16_t kType = 0x31;
	uint32_t attempt = 0;                  // number that the worker gave the fetch
	std::string_view url;                  // http(s)
	std::string_view path;                 // net/job/relay_list.h; empty: one name a line
	std::string_view etag, modified_since; // of the last fetch; empty: unknown
	int max_bytes = 0;                     // of the document
	int max_names = 0;                     // further names are left out

	static void fields(auto &c, auto &m)
	{
		c.number(m.attempt);
		c.ascii(m.url, kMaxUrl);
		c.utf8(m.path, kMaxListPath);
		c.ascii(m.etag, kMaxDetail);
		c.ascii(m.modified_since, kMaxDetail);
		c.number(m.max_bytes, 1, int(kMaxListBytes), "size of a list out of range");
		c.number(m.max_names, 1, int(kMaxItems), "names of a list out of range");
	}
};

using FetchToNet = std::variant<FetchSettings, Fetch>;

// ---- net process -> worker

enum class FetchOutcome : uint8_t
{
	Read,
	Unchanged, // HTTP status 304; without names
	Failed     // see reason and detail; without names
};

struct ListName
{
	std::string_view text; // as written in the list

	static void fields(auto &c, auto &m)
	{
		c.utf8(m.text, kMaxListName);
		c.demand([&] { return m.text.find('\0') == m.text.npos; }, "U+0000 in a name");
	}
};

/* The answer to one Fetch. */
struct Fetched
{
	static constexpr uint16_t kType = 0x32;
	uint32_t attempt = 0;
	FetchOutcome outcome = FetchOutcome::Failed;
	int http_status = 0; // 0: no response
	std::string_view reason;
	std::string_view detail;
	std::string_view etag, modified_at; // headers ETag, Last-Modified; empty: none, or too long
	std::vector<ListName> names;
	uint32_t other_values = 0; // values at the path that are not strings
	bool cut = false;          // the list has more names than were asked for

	static void fields(auto &c, auto &m)
	{
		c.number(m.attempt);
		c.value(m.outcome, FetchOutcome::Failed);
		c.number(m.http_status, 0, 999, "HTTP status out of range");
		c.code(m.reason);
		c.detail(m.detail);
		c.ascii(m.etag, kMaxDetail);
		c.ascii(m.modified_at, kMaxDetail);
		c.list(m.names);
		c.number(m.other_values);
		c.flag(m.cut);
		c.demand([&] { return m.names.size() <= kMaxItems; }, "too many names");
		c.demand(
			[&] {
				return (m.outcome == FetchOutcome::Failed) != m.reason.empty() &&
					   (m.outcome == FetchOutcome::Read ||
						(m.names.empty() && m.other_values == 0 && !m.cut));
			},
			"outcome and names of a list contradict each other");
	}
};

using FetchToWorker = std::variant<Fetched>;

} // namespace wire
