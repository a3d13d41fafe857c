/* What a client's connection asks the worker, and by which rules it asks. */
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
	/* Lives until on_end(), or until it cancels. */
	class Caller
	{
	  public:
		virtual ~Caller() = default;
		/* One piece of rows; taken() must follow for it. */
		virtual void on_rows(const wire::Rows &rows) = 0;
		virtual void on_end(const wire::CallEnd &end) = 0;
	};

	virtual ~Calls() = default;
	/* The number of the call; 0 if there are too many. It may have that cost (0: any). */
	virtual uint64_t begin(const ApiRoute &route, const Arguments &arguments, Caller &caller,
						   int32_t cost_limit = 0) = 0;
	virtual void taken(uint64_t call) = 0;
	/* Its caller is not called any more. */
	virtual void cancel(uint64_t call) = 0;
};

/* wire::ServeSettings, kept. */
struct ServeOptions
{
	int max_connections = 0, max_connections_per_address = 0, max_subscriptions = 0;
	std::string name, description, contact, version;
};

class LiveFeed;
class Watch;

/* What all connections share. */
struct Server
{
	/* Of all reconciliations: 42 bytes each. */
	static constexpr size_t kMaxRecords = 3000000;

	Reactor &reactor;
	const Clock &clock;
	Calls &calls;
	RouteTable routes = {};
	ServeOptions options = {};
	Networks proxies = {}, metrics_readers = {};
	Admission admission{clock};
	size_t records = 0; // of all reconciliations
	LiveFeed *feed = nullptr;
	std::map<std::string, std::shared_ptr<Watch>> watches = {}; // by route
	std::string epoch = {}; // tells the ids of this process's streams from others'
	/* Since the start. */
	int64_t requests = 0, refused = 0, messages = 0;
};

/* The status of HTTP for an SQLSTATE; PT422 and PT429 of our functions name theirs. */
int status_of(std::string_view sqlstate);
/* Why a call failed, as Nostr says it: a prefix (NIP-01) and words. */
std::string fault_text(const wire::CallEnd &end);

} // namespace net
