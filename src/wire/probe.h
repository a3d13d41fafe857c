/*
 * Messages of the probe desk (role probe): relays to visit, and the results of the visits.
 */
#pragma once

#include "fields.h"
#include "link.h"

namespace wire {

constexpr size_t kMaxProbeEvent = 64 << 10; // bytes of the event of the write check
constexpr size_t kMaxDocument = 1 << 20;    // bytes of a document's canonical JSON
constexpr size_t kMaxProbeAddresses = 16;   // reported for one name
constexpr size_t kMaxSubjectNames = 100;    // reported for one certificate
constexpr size_t kMaxDocumentFaults = 100;  // reported for one document
constexpr size_t kMaxLocationName = 200;    // bytes of the name of a region, city or network

// ---- worker -> net process

/*
 * The first message, which is sent again after a reload. Fields have the names and units of the
 * server's settings.
 */
struct ProbeSettings
{
	static constexpr uint16_t kType = 0x20;
	DialSettings dial;
	int response_timeout_ms = 10 * 1000; // of each question, and of the document with redirects
	int max_per_address = 0;             // visits to one address at the same time; 0: no limit
	int max_document_size_kb = 64;       // before canonicalisation

	static void fields(auto &c, auto &m)
	{
		DialSettings::fields(c, m.dial);
		c.number(m.response_timeout_ms, 1, INT32_MAX, "setting out of range");
		c.number(m.max_per_address, 0, INT32_MAX, "setting out of range");
		c.number(m.max_document_size_kb, 1, int(kMaxDocument >> 10), "setting out of range");
	}
};

/* Tells the net process to visit the relay once. */
struct Visit
{
	static constexpr uint16_t kType = 0x21;
	int32_t relay_id = 0;
	uint32_t attempt = 0;   // number of this visit of the relay
	std::string_view url;   // normalised
	bool try_nips = false;  // run the steps from Challenge on
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

/* Tells the net process to end the visit without a result. Ignored if the visit has ended. */
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
	Names,     // DNS; only for clearnet names
	Connect,   // TCP, or the tunnel of a proxy
	Tls,       // only with wss://
	Upgrade,   // WebSocket handshake
	Read,      // from REQ to the first EVENT or EOSE
	Write,     // from EVENT to its OK
	ReadBack,  // from REQ for this event's id to the event; not run for ephemeral kinds
	Document,  // NIP-11, on its own connection, with redirects
	Challenge, // NIP-42: AUTH came unasked or in answer to a question
	Count,     // NIP-45
	Search,    // NIP-50
	Finish,    // NIP-67: EOSE says if there are more events
	Negentropy // NIP-77
};
constexpr size_t kSteps = size_t(Step::Negentropy) + 1;

/* The name of a step, such as "read_back". */
const char *step_name(Step step);
/* The NIP that a successful step proves; 0: none. */
int step_nip(Step step);

enum class Outcome : uint8_t
{
	NotRun, // reason says why; empty if only an earlier step failed
	Ok,
	Failed
};

struct StepResult
{
	Step step = Step::Names;
	Outcome outcome = Outcome::NotRun;
	std::string_view reason;   // a code; empty if ok. After CLOSED or a negative OK, the prefix of
							   // the relay's text: "auth_required", "rate_limited", …
	std::string_view detail;   // for people: fault, address and port; "the port speaks no TLS"
	int64_t microseconds = -1; // monotonic time until its end, good or bad; -1: not measured

	static void fields(auto &c, auto &m)
	{
		c.value(m.step, Step::Negentropy);
		c.value(m.outcome, Outcome::Failed);
		c.code(m.reason);
		c.detail(m.detail);
		c.number(m.microseconds, -1, INT64_MAX, "time of a step out of range");
	}
};

/* The verdict of a visit on the whole relay. Reason and detail are those of the first failed
 * step. */
enum class Verdict : uint8_t
{
	Nostr,       // the relay answered with a message that only a relay sends
	NotNostr,    // something else answers: a web server, another protocol, a wrong certificate
	Down,        // nothing answers: no such name, connection refused, timeout
	Refused,     // connecting is forbidden: local_address, blocked_port, a malformed URL
	Unreachable, // not from here: no working proxy for its network, or no IPv6 here
	Blind        // this machine has no network or no name server, so the relay stays unknown
};

struct AddressText
{
	std::string_view text; // numeric

	static void fields(auto &c, auto &m) { c.ascii(m.text, 45); }
};

/* The location and network of the address, from the operator's files. */
struct LocationReport
{
	static constexpr int32_t kDegree = 10000; // units of a degree
	static constexpr int32_t kUnknown = INT32_MAX;
	std::string_view country;                          // ISO 3166-1; empty: unknown (also below)
	std::string_view region, city;                     // names
	int32_t latitude = kUnknown, longitude = kUnknown; // both or neither
	uint32_t as_number = 0;                            // 0: unknown
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

/* The certificate that the relay has shown. */
struct Certificate
{
	std::string_view issuer, subject;                     // RFC 2253
	std::vector<SubjectName> names;                       // only the first ones
	int64_t not_before = 0, not_after = 0;                // Unix seconds
	const std::array<uint8_t, 32> *fingerprint = nullptr; // SHA-256
	std::string_view protocol;                            // "TLSv1.3"; empty: no TLS session
	bool valid = false;                                   // trusted, within its time, for this host
	std::string_view fault;                               // why it is not valid

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

/* The HTTP response to the request for the NIP-11 document, whatever its content. */
struct RelayDocument
{
	int http_status = 0;
	std::string_view content_type;
	bool cors = false;          // web pages of other origins may read it
	uint32_t size = 0;          // bytes received, inflated
	std::string_view final_url; // http(s), after redirects; empty: no redirects
	/* A JSON object with sorted keys, without whitespace, with U+FFFD for U+0000. Empty: none. */
	std::string_view json;
	std::vector<DocumentFault> faults;

	static void fields(auto &c, auto &m)
	{
		c.number(m.http_status, 0, 999, "HTTP status out of range");
		c.detail(m.content_type);
		c.flag(m.cors);
		c.number(m.size);
		c.detail(m.final_url, kMaxUrl);
		c.utf8(m.json, kMaxDocument);
		c.list(m.faults);
		c.demand([&] { return m.faults.size() <= kMaxDocumentFaults; }, "too many faults");
		c.demand([&] { return m.json.find('\0') == m.json.npos; }, "U+0000 in a document");
	}
};

/* The result of one visit. */
struct Visited
{
	int32_t relay_id = 0;
	uint32_t attempt = 0;
	int64_t started_at = 0; // Unix seconds
	Verdict verdict = Verdict::Down;
	std::vector<StepResult> steps; // one for each Step, in that order

	std::vector<AddressText> addresses; // all addresses of the name
	std::string_view cname;             // target of a CNAME; empty: none
	int32_t ttl = -1;                   // seconds; -1: unknown
	std::string_view address;           // connected to, or tried last; empty: none or a proxy
	uint16_t port = 0;

	std::vector<LocationReport> location; // of `address`; at most one
	std::vector<Certificate> certificate; // at most one
	int http_status = 0;                  // status of the handshake's response; 0: no response
	std::string_view server, powered_by;  // headers of that response: Server, X-Powered-By
	std::vector<RelayDocument> document;  // at most one; none without an HTTP response

	bool limit_ignored = false; // the relay sent more events than asked for

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

/* A batch is stored in one transaction. Each Visit without a VisitStop is in exactly one batch. */
struct VisitBatch
{
	static constexpr uint16_t kType = 0x23;
	uint64_t number = 0; // 1, 2, 3, …; must be acknowledged
	std::vector<Visited> visits;

	static void fields(auto &c, auto &m)
	{
		c.number(m.number);
		c.list(m.visits);
	}
};

using ProbeToWorker = std::variant<VisitBatch>;

} // namespace wire
