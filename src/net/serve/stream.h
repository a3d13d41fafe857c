/*
 * An endless answer of server-sent events (HTML standard, 9.2): sends events or changes while the
 * client listens. Each has an id; a client that comes back sends the last id that it got
 * (Last-Event-ID). The last events are remembered while this process lives. If the client's place
 * is no longer remembered, the client is told that events were missed.
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
		/* Whether so much is queued that the client should get nothing more now. */
		virtual bool is_slow() const = 0;
	};

	Stream(Server &server, Out &out);
	virtual ~Stream() = default;

	/* Must be called once. `last_id`: the client's Last-Event-ID; "": the client is new. */
	void begin(std::string_view last_id);
	/* Must be called every 100 ms. */
	void tick();
	/* Must be called when the client has read everything that was sent. */
	virtual void on_sent() {}

  protected:
	/* The number before the oldest item that is remembered, and the number of the newest. */
	virtual uint64_t oldest_place() const = 0;
	virtual uint64_t newest_place() const = 0;
	/* Sends the items after place(), as far as the client reads. */
	virtual void go_on() = 0;

	uint64_t place() const { return place_; }
	void set_place(uint64_t place) { place_ = place; }
	/* Sends an event with this name. Its id is place(). */
	void send(std::string_view name, std::string_view json);
	/* Tells the client that events were missed, and continues after the newest one. */
	void miss();

	Server &server_;
	Out &out_;

  private:
	uint64_t place_ = 0; // number of the last item that was sent or left out
	Clock::Time sent_;
};

/* A stream of new events that match the filter. */
std::unique_ptr<Stream> stream_of_events(Server &server, Stream::Out &out, const Visitor &visitor,
										 nostr::Filter filter);
/* A stream of the changes of a watch. */
std::unique_ptr<Stream> stream_of_changes(Server &server, Stream::Out &out, Watch &watch);

} // namespace net
