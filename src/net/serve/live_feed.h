/*
 * New events for clients that wait for them: the worker names events as they are committed, the
 * feed fetches them (the hidden route "news") and hands each to the readers. In order; if they come
 * faster than they can be fetched, the readers are told that some are missed.
 */
#pragma once

#include <deque>
#include <string_view>

#include "net/serve/calls.h"
#include "nostr/event.h"

namespace net {

class LiveFeed final : public Calls::Caller
{
  public:
	class Readers
	{
	  public:
		virtual ~Readers() = default;
		/* Does anyone wait for events? */
		virtual bool are_there() const = 0;
		/* An event that is visible, and its JSON. */
		virtual void on_event(const nostr::Event &event, std::string_view json) = 0;
		virtual void on_missed() = 0;
	};

	static constexpr size_t kMaxWaiting = 50000; // events that are not fetched yet
	static constexpr size_t kAtOnce = 500;       // that are fetched by one call

	LiveFeed(Server &server, Readers &readers) : server_(server), readers_(readers) {}

	void take(const wire::News &news);

  private:
	void on_rows(const wire::Rows &rows) override;
	void on_end(const wire::CallEnd &end) override;
	void fetch();
	void miss();

	Server &server_;
	Readers &readers_;
	std::deque<int64_t> waiting_; // eids
	uint64_t call_ = 0;           // 0: none is under way
	nostr::EventParser parser_;
};

} // namespace net
