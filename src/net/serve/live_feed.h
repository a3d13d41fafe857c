/*
 * New events for clients that wait for them: the worker names events as they are committed, the
 * feed numbers them, fetches them (the hidden route "news") and hands each to the readers whose
 * filters match it, in that order. The last ones are remembered, so that a reader can come back to
 * its place. If they come faster than they can be fetched, the readers are told that some are
 * missed.
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
	static constexpr size_t kAtOnce = 500;       // that are fetched by one call

	explicit LiveFeed(Server &server) : server_(server) {}

	/* Readers are told of new events from add() to remove(). */
	ReaderIndex &readers() { return readers_; }

	void take(const wire::News &news);

	/* The number of the newest event, and of the newest that the readers were told. */
	uint64_t newest() const { return first_ + eids_.size() - 1; }
	uint64_t told() const { return told_; }
	/* The number of the oldest event that is remembered. */
	uint64_t oldest() const { return first_; }

	/* Asks for the events from number `from` on, at most kAtOnce and none behind `to`; all of them
	 * are remembered. 0 if the archive is asked too much already. */
	uint64_t ask(uint64_t from, uint64_t to, Calls::Caller &caller) const;
	/* The number of an answer's row. `from` as it was asked. */
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
	uint64_t call_ = 0; // 0: none is under way
	uint64_t call_from_ = 0, call_to_ = 0;
	nostr::EventParser parser_;
};

} // namespace net
