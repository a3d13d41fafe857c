/*
 * An endless answer of server-sent events (HTML, 9.2): what becomes known while the client listens.
 * Each event has an id, by which a client that comes back says how far it has got (Last-Event-ID).
 * The last events are remembered as long as this process lives; a client whose place is
 * not remembered any more is told that it has missed some.
 */
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/core/clock.h"
#include "net/serve/calls.h"
#include "net/serve/watch.h"
#include "nostr/filter.h"

namespace net {

class Stream
{
  public:
	static constexpr std::chrono::seconds kHeartbeat{15};

	class Out
	{
	  public:
		virtual ~Out() = default;
		virtual void send_bytes(std::string bytes) = 0;
		/* Is more queued than the client should be sent at once? */
		virtual bool is_slow() const = 0;
	};

	Stream(Server &server, Out &out);
	virtual ~Stream() = default;

	/* Once. `last_id` is that of the client; "": it listens for the first time. */
	void begin(std::string_view last_id);
	/* Every 100 ms. */
	void tick();
	/* The client has taken what it was sent. */
	virtual void on_sent() {}

  protected:
	/* The numbers of the oldest thing that can still be told, less one, and of the newest. */
	virtual uint64_t oldest_place() const = 0;
	virtual uint64_t newest_place() const = 0;
	/* Tells what follows place(), as far as the client reads. */
	virtual void go_on() = 0;

	uint64_t place() const { return place_; }
	void set_place(uint64_t place) { place_ = place; }
	/* An event of that name, whose id is place(). */
	void send(std::string_view name, std::string_view json);
	/* Says that some are missed, and goes on behind the newest. */
	void miss();

	Server &server_;
	Out &out_;

  private:
	uint64_t place_ = 0; // number of the last thing that was told, or is not for this client
	Clock::Time sent_;
};

/* New events that a filter matches. */
std::unique_ptr<Stream> stream_of_events(Server &server, Stream::Out &out, const Visitor &visitor,
										 nostr::Filter filter);
/* What changes of a watch. */
std::unique_ptr<Stream> stream_of_changes(Server &server, Stream::Out &out, Watch &watch);

} // namespace net
