/* The calls that connections of clients make to the worker, and the state that connections
 * share. */
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/core/clock.h"
#include "net/core/reactor.h"
#include "net/serve/addresses.h"
#include "net/serve/admission.h"
#include "net/serve/routes.h"
#include "wire/serve.h"

namespace net {

class Calls
{
  public:
	/* Must live until on_end() or until it cancels the call. */
	class Caller
	{
	  public:
		virtual ~Caller() = default;
		/* A piece of rows came. The caller must call taken() once for each piece. */
		virtual void on_rows(const wire::Rows &rows) = 0;
		virtual void on_end(const wire::CallEnd &end) = 0;
	};

	virtual ~Calls() = default;
	/* Begins a call and returns its number; 0 if there are too many calls. `visitor`: who asks,
	 * and pays unless the route is open to everybody (it has no scope); null: this server itself.
	 * `cost_limit` 0: no limit. */
	virtual uint64_t begin(const ApiRoute &route, const Arguments &arguments, Caller &caller,
						   const Visitor *visitor = nullptr, int32_t cost_limit = 0) = 0;
	virtual void taken(uint64_t call) = 0;
	/* Cancels the call; its caller gets no more callbacks. */
	virtual void cancel(uint64_t call) = 0;
};

/* A copy of wire::ServeSettings. */
struct ServeOptions
{
	int max_connections = 0, max_connections_per_address = 0, max_subscriptions = 0;
	std::string name, description, contact, version;
};

class LiveFeed;
class Watch;

/* State that all connections share. */
struct Server
{
	/* Largest number of records of all reconciliations together; a record takes 42 bytes. */
	static constexpr size_t kMaxRecords = 3000000;

	Reactor &reactor;
	const Clock &clock;
	Calls &calls;
	RouteTable routes = {};
	ServeOptions options = {};
	AddressRanges proxies = {}, metrics_readers = {};
	Admission admission{clock};
	size_t records = 0; // records of all reconciliations
	Holdings visitor_records = {};
	/* WebSockets and streams of each address of a client, who may be behind a trusted proxy. */
	Holdings endless = {};
	LiveFeed *feed = nullptr;
	std::map<std::string, std::shared_ptr<Watch>> watches = {}; // by name of the route
	std::string epoch = {}; // part of the ids of this process's streams
	/* Counts since the start. */
	int64_t requests = 0, refused = 0, messages = 0;
};

/* The HTTP status for an SQLSTATE. Our functions choose the status with PT422 and PT429. */
int status_of(std::string_view sqlstate);
/* The error of a call as Nostr text: a prefix (NIP-01) and a sentence. */
std::string fault_text(const wire::CallEnd &end);

} // namespace net
