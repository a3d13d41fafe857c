/*
 * Gives new events to the clients that wait for them. The worker names events when they are
 * committed. The feed numbers the events, fetches them (the hidden route "news") and gives each
 * one, in that order, to the readers whose filters match it. The last events are remembered, so
 * that a client can continue at its place. If events come faster than they can be fetched, the
 * readers are told that events were missed.
 */
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "net/serve/calls.h"
#include "net/serve/reader_index.h"

namespace net {

class LiveFeed final : public Calls::Caller
{
  public:
	static constexpr size_t kRemembered = 50000; // events
	static constexpr size_t kAtOnce = 500;       // number of events that one call fetches

	explicit LiveFeed(Server &server) : server_(server) {}

	/* A reader gets new events from add() to remove(). */
	ReaderIndex &readers() { return readers_; }

	void take(const wire::NewEvents &news);

	/* Number of the newest event, and of the newest event that readers were given. */
	uint64_t newest() const { return first_ + eids_.size() - 1; }
	uint64_t told() const { return told_; }
	/* Number of the oldest remembered event. */
	uint64_t oldest() const { return first_; }

	/* Asks for the events from number `from` on, at most kAtOnce and none after `to`; all of them
	 * must be remembered. Returns 0 if too many calls are under way. `visitor`: as in
	 * Calls::begin(). */
	uint64_t ask(uint64_t from, uint64_t to, Calls::Caller &caller,
				 const Visitor *visitor = nullptr) const;
	/* The number of the event in a row. `from`: as in the call of ask(). */
	static uint64_t number_of(const wire::Row &row, uint64_t from);

  private:
	void on_rows(const wire::Rows &rows) override;
	void on_end(const wire::CallEnd &end) override;
	void fetch();
	void miss();

	Server &server_;
	ReaderIndex readers_;
	std::deque<int64_t> eids_;
	uint64_t first_ = 1; // number of eids_.front()
	uint64_t told_ = 0;
	uint64_t call_ = 0; // 0: no call is under way
	uint64_t call_from_ = 0, call_to_ = 0;
	bool has_failed_ = false; // the last call failed, and was made again
	nostr::EventParser parser_;
};

} // namespace net
