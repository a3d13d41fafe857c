/*
 * Sends events to relays. A relay has one connection at a time, which takes all events that wait
 * for the relay.
 */
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "nostr/event.h"
#include "wire/publish.h"
#include "worker.h"

namespace pg {

struct Letter
{
	nostr::Id id;
	std::string text;      // JSON of the event
	std::string request;   // id of a request whose result must be noted; empty: none
	size_t pending = 0;    // number of relays that have not answered yet
	bool accepted = false; // a relay has accepted the event
	std::string fault;     // from the last relay that did not accept it, in words
};

class Mail
{
  public:
	using Delivered = std::function<void(const Letter &)>;

	/* Numbers from `first_number` on name the relays. `delivered` is called when a letter with a
	 * request was sent to all its relays. */
	Mail(int32_t first_number, Delivered delivered)
		: number_(first_number), delivered_(std::move(delivered))
	{
	}

	/* `urls` must be normalised. A relay does not get the event if too many events wait for it. */
	void send(Letter letter, const std::vector<std::string> &urls);
	/* Opens the connections that are due. */
	void turn(Worker &worker);

	void take(const wire::Answered &answer);
	void take(const wire::ConnectionEnded &end);
	/* The URL of this connection; null if it is over or has asked for too many signatures. */
	const std::string *asks_who_writes(int32_t number, uint32_t attempt);
	/* Must be called when the net process has ended, which loses everything it was given. */
	void forget_all() { outlets_.clear(); }
	size_t waiting() const;

  private:
	using LetterPtr = std::shared_ptr<Letter>;
	struct Outlet
	{
		std::string url;
		uint32_t attempt = 0;
		std::deque<LetterPtr> waiting;
		std::vector<LetterPtr> sent; // sent on the open connection; empty: no connection
		int signatures = 0;          // answers to challenges on this connection
	};

	Outlet *find(int32_t number, uint32_t attempt);
	void done(const LetterPtr &letter);

	int32_t number_;
	Delivered delivered_;
	std::map<int32_t, Outlet> outlets_;
	uint32_t attempts_ = 0;
};

} // namespace pg
