/*
 * Messages of the serve desk (role serve): calls of SQL functions, which requests of clients by
 * HTTP and WebSocket cause, and the rows that answer them.
 *
 * A route is an SQL function (sql/install/api.sql). The worker sends the list of routes; the net
 * process turns each request into a call. Rows come in pieces: at most kMaxPieces pieces of a call
 * may be waiting for the client's connection.
 */
#pragma once

#include "fields.h"
#include "link.h"

namespace wire {

constexpr size_t kMaxRoutes = 200;
constexpr size_t kMaxParameters = 30;      // of one route
constexpr size_t kMaxArgument = 256 << 10; // bytes of one value
constexpr size_t kMaxRow = 4 << 20;        // bytes of one row's item
constexpr size_t kMaxPosition = 2000;      // bytes
constexpr size_t kPieceBytes = 64 << 10;   // a piece with this many bytes is sent
constexpr size_t kMaxPieces = 4;
constexpr size_t kMaxOpenCalls = 10000; // calls that the worker has not ended
constexpr size_t kMaxPem = 256 << 10;   // bytes of a certificate with its chain, or of a key
constexpr size_t kMaxKeys = 10000;
constexpr size_t kMaxScopes = 2000; // bytes of the list of scopes

// ---- worker -> net process

/* The limits of one visitor; 0: no limit. Costs are the planner's estimates. */
struct VisitorBudget
{
	int requests_per_minute = 0;
	int kilobytes_per_minute = 0; // of answers
	int cost_per_minute = 0;
	int cost_limit = 0; // for one question

	static void fields(auto &c, auto &m)
	{
		c.number(m.requests_per_minute, 0, INT32_MAX, "budget out of range");
		c.number(m.kilobytes_per_minute, 0, INT32_MAX, "budget out of range");
		c.number(m.cost_per_minute, 0, INT32_MAX, "budget out of range");
		c.number(m.cost_limit, 0, INT32_MAX, "budget out of range");
	}
};

/*
 * The first message, which is sent again after a reload. Fields are the settings api_<field>, in
 * the server's units.
 */
struct ServeSettings
{
	static constexpr uint16_t kType = 0x60;
	int max_connections = 1000;
	int max_connections_per_address = 50;
	int max_subscriptions = 20;                  // for one WebSocket
	VisitorBudget anonymous;                     // for one address without a key
	std::string_view anonymous_scopes;           // allowed without a key, separated by commas
	std::string_view trusted_proxies;            // addresses and networks, separated by commas
	std::string_view metrics_networks;           // the same, of readers of the route "metrics"
	std::string_view public_urls;                // of this server, separated by commas
	std::string_view name, description, contact; // NIP-11
	std::string_view version;                    // of the extension
	std::string_view tls; // for each socket, in order: '1' if it speaks TLS, else '0'

	static void fields(auto &c, auto &m)
	{
		c.number(m.max_connections, 1, 60000, "setting out of range");
		c.number(m.max_connections_per_address, 1, 60000, "setting out of range");
		c.number(m.max_subscriptions, 1, 1000, "setting out of range");
		VisitorBudget::fields(c, m.anonymous);
		c.ascii(m.anonymous_scopes, kMaxScopes);
		c.ascii(m.trusted_proxies, kMaxPath);
		c.ascii(m.metrics_networks, kMaxPath);
		c.ascii(m.public_urls, kMaxPath);
		c.utf8(m.name, kMaxDetail);
		c.utf8(m.description, kMaxPath);
		c.utf8(m.contact, kMaxDetail);
		c.ascii(m.version, 64);
		c.ascii(m.tls, kMaxPath);
	}
};

/* For the sockets with TLS. Sent after ServeSettings and when the certificate changes. The answer
 * is CertificateTaken. */
struct ServerCertificate
{
	static constexpr uint16_t kType = 0x68;
	std::string_view chain, key; // PEM

	static void fields(auto &c, auto &m)
	{
		c.utf8(m.chain, kMaxPem);
		c.utf8(m.key, kMaxPem);
	}
};

/* The form of a value. */
enum class Kind : uint8_t
{
	Text,    // UTF-8
	Integer, // 64 bits
	Flag,    // true or false
	Json     // the body of a POST, or a query parameter
};

struct RouteParameter
{
	std::string_view name;
	Kind kind = Kind::Text;
	bool required = false;

	static void fields(auto &c, auto &m)
	{
		c.ascii(m.name, kMaxCode);
		c.demand([&] { return !m.name.empty(); }, "parameter without a name");
		c.value(m.kind, Kind::Json);
		c.flag(m.required);
	}
};

/* How the rows become an answer. */
enum class Shape : uint8_t
{
	One,      // the first row is the body; status 404 if there are no rows
	List,     // {"items": […], "next": …}; NDJSON, CSV or HTML if the client wants it
	Array,    // a bare JSON array
	Accepted, // the worker calls the function itself; the first row is the body of a 202, whose
			  // Location is the path of the request, "/" and the position of the row
	Stream, // server-sent events: changes of the rows; for live_events, new events that
			// match the filter in the row
	Hidden  // only the net process calls it: REQ, COUNT, records for NIP-77, new events
};

/*
 * The parameters "row_limit" and "after" are special: the first is the request's parameter "limit"
 * within its bounds, the second is the position in the request's "cursor", a JSON array.
 */
struct Route
{
	uint16_t number = 0;
	std::string_view name;  // a code
	std::string_view path;  // "/api/v1/events/{id}"
	std::string_view scope; // must be among the key's scopes; empty: open to all
	bool post = false;      // POST; otherwise GET
	Shape shape = Shape::One;
	std::string_view content_type; // of the body of One
	int32_t cache_seconds = 0;     // for which the answer may be cached; 0: not at all
	int32_t default_rows = 0, most_rows = 0;
	std::vector<RouteParameter> parameters; // in the order of the function's parameters

	static void fields(auto &c, auto &m)
	{
		c.number(m.number);
		c.code(m.name);
		c.ascii(m.path, 200);
		c.code(m.scope);
		c.flag(m.post);
		c.value(m.shape, Shape::Hidden);
		c.ascii(m.content_type, 100);
		c.number(m.cache_seconds, 0, INT32_MAX, "seconds out of range");
		c.number(m.default_rows, 0, INT32_MAX, "rows out of range");
		c.number(m.most_rows, 0, INT32_MAX, "rows out of range");
		c.list(m.parameters);
		c.demand([&] { return m.parameters.size() <= kMaxParameters; }, "too many parameters");
	}
};

/* Replaces all routes. Sent after ServeSettings and when the routes change. */
struct Routes
{
	static constexpr uint16_t kType = 0x61;
	std::vector<Route> routes;

	static void fields(auto &c, auto &m)
	{
		c.list(m.routes);
		c.demand([&] { return m.routes.size() <= kMaxRoutes; }, "too many routes");
	}
};

/* A key of the API. The net process knows only its SHA-256. */
struct ApiKey
{
	uint32_t number = 0; // not 0
	const std::array<uint8_t, 32> *digest = nullptr;
	bool has_pubkey = false; // otherwise pubkey is zero
	const std::array<uint8_t, 32> *pubkey = nullptr;
	bool revoked = false;
	int64_t expires_at = 0; // Unix seconds; 0: never
	VisitorBudget budget;
	std::string_view scopes; // separated by commas

	static void fields(auto &c, auto &m)
	{
		c.number(m.number);
		c.fixed(m.digest);
		c.flag(m.has_pubkey);
		c.fixed(m.pubkey);
		c.flag(m.revoked);
		c.number(m.expires_at);
		VisitorBudget::fields(c, m.budget);
		c.ascii(m.scopes, kMaxScopes);
	}
};

/* Replaces all keys. Sent before Routes and when the keys change. */
struct ApiKeys
{
	static constexpr uint16_t kType = 0x6a;
	std::vector<ApiKey> keys;

	static void fields(auto &c, auto &m)
	{
		c.list(m.keys);
		c.demand([&] { return m.keys.size() <= kMaxKeys; }, "too many keys");
	}
};

struct Row
{
	std::string_view item;     // JSON, or text of content_type
	std::string_view position; // a JSON array for "after"; empty: no next page

	static void fields(auto &c, auto &m)
	{
		c.utf8(m.item, kMaxRow);
		c.utf8(m.position, kMaxPosition);
	}
};

/* Some rows of a call, in their order. */
struct Rows
{
	static constexpr uint16_t kType = 0x62;
	uint64_t call = 0;
	std::vector<Row> rows;

	static void fields(auto &c, auto &m)
	{
		c.number(m.call);
		c.list(m.rows);
	}
};

/* The last message of a call. */
struct CallEnd
{
	static constexpr uint16_t kType = 0x63;
	uint64_t call = 0;
	int64_t cost = 0;          // the planner's estimate for the statements that began
	std::string_view sqlstate; // five characters; empty: success
	std::string_view message, detail, hint;

	static void fields(auto &c, auto &m)
	{
		c.number(m.call);
		c.number(m.cost, 0, INT64_MAX, "negative cost");
		c.ascii(m.sqlstate, 5);
		c.utf8(m.message, kMaxPath);
		c.utf8(m.detail, kMaxPath);
		c.utf8(m.hint, kMaxPath);
	}
};

struct NewEvent
{
	int64_t eid = 0;

	static void fields(auto &c, auto &m) { c.number(m.eid); }
};

/* Events that were committed since the previous NewEvents, in the order of commits. */
struct NewEvents
{
	static constexpr uint16_t kType = 0x67;
	bool missed = false; // more events came, which can no longer be delivered
	std::vector<NewEvent> events;

	static void fields(auto &c, auto &m)
	{
		c.flag(m.missed);
		c.list(m.events);
	}
};

using ServeToNet =
	std::variant<ServeSettings, ServerCertificate, ApiKeys, Routes, Rows, CallEnd, NewEvents>;

// ---- net process -> worker

struct Argument
{
	bool given = false; // false: NULL
	std::string_view value;

	static void fields(auto &c, auto &m)
	{
		c.flag(m.given);
		c.utf8(m.value, kMaxArgument);
	}
};

/* Calls the function of the route. Numbers ascend. */
struct CallRoute
{
	static constexpr uint16_t kType = 0x64;
	uint64_t number = 0;
	uint16_t route = 0;
	int32_t cost_limit = 0;          // 0: no limit
	std::vector<Argument> arguments; // one per parameter of the route

	static void fields(auto &c, auto &m)
	{
		c.number(m.number);
		c.number(m.route);
		c.number(m.cost_limit, 0, INT32_MAX, "cost limit out of range");
		c.list(m.arguments);
		c.demand([&] { return m.arguments.size() <= kMaxParameters; }, "too many arguments");
	}
};

/* The client's connection has taken one piece of rows. */
struct RowsTaken
{
	static constexpr uint16_t kType = 0x65;
	uint64_t call = 0;

	static void fields(auto &c, auto &m) { c.number(m.call); }
};

/* Nobody waits for the rows any more. CallEnd follows, unless it is under way. */
struct CallCancel
{
	static constexpr uint16_t kType = 0x66;
	uint64_t call = 0;

	static void fields(auto &c, auto &m) { c.number(m.call); }
};

/* The certificate is used for new connections; with a fault, the previous one stays in use. */
struct CertificateTaken
{
	static constexpr uint16_t kType = 0x69;
	std::string_view fault; // a sentence; empty: none
	std::string_view doubt; // why clients may refuse it; empty: no reason

	static void fields(auto &c, auto &m)
	{
		c.detail(m.fault);
		c.detail(m.doubt);
	}
};

/* The use of a key since the previous KeyUses. */
struct KeyUse
{
	uint32_t key = 0;
	int64_t requests = 0, bytes = 0, cost = 0;

	static void fields(auto &c, auto &m)
	{
		c.number(m.key);
		c.number(m.requests, 0, INT64_MAX, "negative count");
		c.number(m.bytes, 0, INT64_MAX, "negative count");
		c.number(m.cost, 0, INT64_MAX, "negative count");
	}
};

struct KeyUses
{
	static constexpr uint16_t kType = 0x6b;
	std::vector<KeyUse> uses; // without duplicates

	static void fields(auto &c, auto &m)
	{
		c.list(m.uses);
		c.demand([&] { return m.uses.size() <= kMaxKeys; }, "too many keys");
	}
};

using ServeToWorker = std::variant<CallRoute, RowsTaken, CallCancel, CertificateTaken, KeyUses>;

} // namespace wire
