/*
 * The messages of the probe desk (role probe): relays to be visited once, and what each visit
 * found.
 */
#pragma once

#include "fields.h"
#include "link.h"

namespace wire {

constexpr size_t kMaxProbeEvent = 64 << 10; // bytes of the event of the write check
constexpr size_t kMaxDocument = 1 << 20; // bytes of a document's canonical JSON, and of its extract
constexpr size_t kMaxProbeAddresses = 16;  // that are told of one name
constexpr size_t kMaxSubjectNames = 100;   // that are told of one certificate
constexpr size_t kMaxDocumentFaults = 100; // that are told of one document
constexpr size_t kMaxLocationName = 200;   // bytes of a name of a region, city or network
constexpr size_t kMaxNips = 1000;          // that one document claims

// ---- worker -> net process

/*
 * The first message; sent again after a reload. The fields are settings of the same name, in the
 * units in which the server keeps them.
 */
struct ProbeSettings
{
	static constexpr uint16_t kType = 0x20;
	DialSettings dial;
	int response_timeout_ms = 10 * 1000; // of each question, and of the document with all redirects
	int max_per_address = 0;             // visits to one address at a time; 0: no limit
	int max_document_size_kb = 64;       // before canonicalisation

	static void fields(auto &c, auto &m)
	{
		DialSettings::fields(c, m.dial);
		c.number(m.response_timeout_ms, 1, INT32_MAX, "setting out of range");
		c.number(m.max_per_address, 0, INT32_MAX, "setting out of range");
		c.number(m.max_document_size_kb, 1, int(kMaxDocument >> 10), "setting out of range");
	}
};

/* Visit the relay once. */
struct Visit
{
	static constexpr uint16_t kType = 0x21;
	int32_t relay_id = 0;
	uint32_t attempt = 0;   // which visit of this relay
	std::string_view url;   // normalised
	bool try_nips = false;  // with the steps from Challenge on
	std::string_view event; // JSON of a signed event for the write check; empty: no such check

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.ascii(m.url, kMaxUrl);
		c.flag(m.try_nips);
		c.utf8(m.event, kMaxProbeEvent);
	}
};

/* End the visit; nothing is told of it. Means nothing if it has ended. */
struct VisitStop
{
	static constexpr uint16_t kType = 0x22;
	int32_t relay_id = 0;
	uint32_t attempt = 0;

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
	}
};

using ProbeToNet = std::variant<ProbeSettings, Visit, VisitStop, Ack>;

// ---- net process -> worker

enum class Step : uint8_t
{
	Names,     // DNS: clearnet names only
	Connect,   // TCP, or the proxy's tunnel
	Tls,       // wss only
	Upgrade,   // WebSocket handshake
	Read,      // REQ until the first EVENT or EOSE
	Write,     // EVENT until its OK
	ReadBack,  // REQ for that event's id until it comes; ephemeral kinds: not run
	Document,  // NIP-11, a connection of its own: the whole of it, with redirects
	Challenge, // NIP-42: AUTH came by itself or in answer to a question
	Count,     // NIP-45
	Search,    // NIP-50
	Finish,    // NIP-67: EOSE says whether there is more
	Negentropy // NIP-77
};
constexpr size_t kSteps = size_t(Step::Negentropy) + 1;

/* "names"; "read_back" */
const char *step_name(Step step);
/* The NIP that a relay does if the step is ok; 0: none in particular. */
int step_nip(Step step);

enum class Outcome : uint8_t
{
	NotRun, // a reason says why not, if it is not only that an earlier step failed
	Ok,
	Failed
};

struct StepResult
{
	Step step = Step::Names;
	Outcome outcome = Outcome::NotRun;
	std::string_view reason;   // a code; empty if ok. After CLOSED and OK false it is the prefix of
							   // the relay's text: "auth_required", "rate_limited", …
	std::string_view detail;   // for people: what, address and port; "the port speaks no TLS"
	int64_t microseconds = -1; // by the monotonic clock; -1: not measured

	static void fields(auto &c, auto &m)
	{
		c.value(m.step, Step::Negentropy);
		c.value(m.outcome, Outcome::Failed);
		c.code(m.reason);
		c.detail(m.detail);
		c.number(m.microseconds, -1, INT64_MAX, "time of a step out of range");
	}
};

/* What a visit says of the relay as a whole. Reason and detail are those of the first step that
 * failed. */
enum class Verdict : uint8_t
{
	Nostr,       // it answered REQ with EVENT, EOSE, CLOSED or AUTH or NOTICE
	NotNostr,    // something answers there: a web server, a foreign protocol, a wrong certificate
	Down,        // nothing answers: no such name, refused, no answer in time
	Refused,     // may not be connected to: local_address, blocked_port, a malformed URL
	Unreachable, // not from here: no proxy for its network, or it failed; IPv6 only, and none here
	Blind        // this side has no network or no name server: it says nothing about the relay
};

struct AddressText
{
	std::string_view text; // numeric

	static void fields(auto &c, auto &m) { c.ascii(m.text, 45); }
};

/* Where the address is and whose it is, as far as the operator's files know. */
struct HostLocation
{
	static constexpr int32_t kDegree = 10000; // units of a degree
	static constexpr int32_t kUnknown = INT32_MAX;
	std::string_view country;                          // ISO 3166-1; empty: not known, as below
	std::string_view region, city;                     // names
	int32_t latitude = kUnknown, longitude = kUnknown; // both or none
	uint32_t as_number = 0;                            // 0: not known
	std::string_view as_name;

	static void fields(auto &c, auto &m)
	{
		auto degrees = [&](int32_t value, int32_t most) {
			return value == kUnknown || (value >= -most * kDegree && value <= most * kDegree);
		};
		c.ascii(m.country, 2);
		c.utf8(m.region, kMaxLocationName);
		c.utf8(m.city, kMaxLocationName);
		c.number(m.latitude);
		c.number(m.longitude);
		c.demand([&] { return degrees(m.latitude, 90) && degrees(m.longitude, 180); },
				 "coordinates out of range");
		c.demand([&] { return (m.latitude == kUnknown) == (m.longitude == kUnknown); },
				 "half of the coordinates");
		c.number(m.as_number);
		c.utf8(m.as_name, kMaxLocationName);
	}
};

struct SubjectName
{
	std::string_view text; // "DNS" names as they are, addresses numeric

	static void fields(auto &c, auto &m) { c.detail(m.text, 255); }
};

/* The certificate that the relay showed. */
struct Certificate
{
	std::string_view issuer, subject;                     // RFC 2253
	std::vector<SubjectName> names;                       // the first ones
	int64_t not_before = 0, not_after = 0;                // Unix seconds
	const std::array<uint8_t, 32> *fingerprint = nullptr; // SHA-256
	std::string_view protocol;                            // "TLSv1.3"; empty: no session
	bool valid = false;                                   // trusted, in time, of this host
	std::string_view fault;                               // why it is not

	static void fields(auto &c, auto &m)
	{
		c.detail(m.issuer, 500);
		c.detail(m.subject, 500);
		c.list(m.names);
		c.demand([&] { return m.names.size() <= kMaxSubjectNames; }, "too many names");
		c.number(m.not_before);
		c.number(m.not_after);
		c.fixed(m.fingerprint);
		c.ascii(m.protocol, 20);
		c.flag(m.valid);
		c.detail(m.fault);
	}
};

struct DocumentFault
{
	std::string_view field; // "limitation.max_limit"
	std::string_view fault; // a code: "not_a_string", …

	static void fields(auto &c, auto &m)
	{
		c.detail(m.field);
		c.code(m.fault);
	}
};

struct Nip
{
	uint16_t number = 0;

	static void fields(auto &c, auto &m) { c.number(m.number); }
};

/* The answer to the question for the NIP-11 document, whatever it was. */
struct RelayDocument
{
	int http_status = 0;
	std::string_view content_type;
	bool cors = false;          // readable by web pages of other origins
	uint32_t size = 0;          // bytes received, inflated
	std::string_view final_url; // http(s), after redirects; empty: there were none
	/* Sorted keys, no whitespace, U+FFFD for U+0000; an object. Empty: there was none. */
	std::string_view json;
	bool has_nul = false; // there was U+0000
	/* The fields that NIP-11 names and whose type is right, an object; empty as json is. Without
	 * supported_nips, which are `nips`. */
	std::string_view extract;
	std::vector<Nip> nips; // claimed; ascending, none twice
	std::vector<DocumentFault> faults;

	static void fields(auto &c, auto &m)
	{
		c.number(m.http_status, 0, 999, "HTTP status out of range");
		c.detail(m.content_type);
		c.flag(m.cors);
		c.number(m.size);
		c.detail(m.final_url, kMaxUrl);
		c.utf8(m.json, kMaxDocument);
		c.flag(m.has_nul);
		c.utf8(m.extract, kMaxDocument);
		c.list(m.nips);
		c.demand([&] { return m.nips.size() <= kMaxNips; }, "too many NIPs");
		c.demand(
			[&] {
				for (size_t i = 1; i < m.nips.size(); i++)
					if (m.nips[i - 1].number >= m.nips[i].number)
						return false;
				return true;
			},
			"NIPs out of order");
		c.list(m.faults);
		c.demand([&] { return m.faults.size() <= kMaxDocumentFaults; }, "too many faults");
		c.demand(
			[&] {
				return m.json.find('\0') == m.json.npos && m.extract.find('\0') == m.extract.npos;
			},
			"U+0000 in a document");
	}
};

/* One visit. */
struct Visited
{
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	int64_t started_at = 0; // Unix seconds
	Verdict verdict = Verdict::Down;
	std::vector<StepResult> steps; // all of them, in the order of Step

	std::vector<AddressText> addresses; // that the name has, of both families
	std::string_view cname;             // what the name stands for; empty: nothing else
	int32_t ttl = -1;                   // seconds; -1: not known
	std::string_view address;           // connected to, or tried last; empty: none, or a proxy's
	uint16_t port = 0;

	std::vector<HostLocation> location;   // of the address: none or one
	std::vector<Certificate> certificate; // none or one
	int http_status = 0;                  // of the handshake's answer; 0: there was none
	std::string_view server, powered_by;  // headers of that answer: Server, X-Powered-By
	std::vector<RelayDocument> document;  // none or one: was there an HTTP answer?

	bool limit_ignored = false; // more events came than were asked for

	static void fields(auto &c, auto &m)
	{
		relay_id_field(c, m.relay_id);
		c.number(m.attempt);
		c.number(m.started_at, 0, INT64_MAX, "time of a visit out of range");
		c.value(m.verdict, Verdict::Blind);
		c.list(m.steps);
		c.demand(
			[&] {
				for (size_t i = 0; i < m.steps.size(); i++)
					if (m.steps[i].step != Step(i))
						return false;
				return m.steps.size() == kSteps;
			},
			"steps out of order");
		c.list(m.addresses);
		c.demand([&] { return m.addresses.size() <= kMaxProbeAddresses; }, "too many addresses");
		c.detail(m.cname, 255);
		c.number(m.ttl, -1, INT32_MAX, "time to live out of range");
		c.ascii(m.address, 45);
		c.number(m.port);
		c.list(m.location);
		c.list(m.certificate);
		c.number(m.http_status, 0, 999, "HTTP status out of range");
		c.detail(m.server);
		c.detail(m.powered_by);
		c.list(m.document);
		c.demand(
			[&] {
				return m.location.size() <= 1 && m.certificate.size() <= 1 &&
					   m.document.size() <= 1;
			},
			"more than one location, certificate or document");
		c.flag(m.limit_ignored);
	}
};

/* One transaction. Each Visit that was not stopped is in exactly one of them. */
struct VisitBatch
{
	static constexpr uint16_t kType = 0x23;
	uint64_t number = 0; // 1, 2, 3, …; to be acknowledged
	std::vector<Visited> visits;

	static void fields(auto &c, auto &m)
	{
		c.number(m.number);
		c.list(m.visits);
	}
};

using ProbeToWorker = std::variant<VisitBatch>;

} // namespace wire
