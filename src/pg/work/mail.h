/*
 * Events on their way to relays: one connection to a relay at a time, which takes all that waits
 * for that relay.
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
	std::string request;   // id of the request if that is to be noted; empty: nothing depends on it
	size_t pending = 0;    // relays that it is still on its way to
	bool accepted = false; // by one of them
	std::string fault;     // of the last one that did not take it, in words
};

class Mail
{
  public:
	using Delivered = std::function<void(const Letter &)>;

	/* Relays are called by numbers from `first_number` on. `delivered`: a letter with a request has
	 * been to all of its relays. */
	Mail(int32_t first_number, Delivered delivered)
		: number_(first_number), delivered_(std::move(delivered))
	{
	}

	/* `urls`: normalised. A relay for which too many wait does not get it. */
	void send(Letter letter, const std::vector<std::string> &urls);
	/* Begins what can be begun. */
	void turn(Worker &worker);

	void take(const wire::Answered &answer);
	void take(const wire::ConnectionEnded &end);
	/* Where that connection goes; null: there is none. It may ask who writes a few times. */
	const std::string *asks_who_writes(int32_t number, uint32_t attempt);
	/* The net process is gone, and what it was given with it. */
	void forget_all() { outlets_.clear(); }
	size_t waiting() const;

  private:
	using LetterPtr = std::shared_ptr<Letter>;
	struct Outlet
	{
		std::string url;
		uint32_t attempt = 0;
		std::deque<LetterPtr> waiting;
		std::vector<LetterPtr> sent; // on the connection that is open; empty: none is
		int signatures = 0;          // made for this connection
	};

	Outlet *find(int32_t number, uint32_t attempt);
	void done(const LetterPtr &letter);

	int32_t number_;
	Delivered delivered_;
	std::map<int32_t, Outlet> outlets_;
	uint32_t attempts_ = 0;
};

} // namespace pg
