/*
 * One connection of a simulated relay, without I/O: takes what came, and gives what to send, when,
 * and where the connection breaks.
 */
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "relay.h"

namespace simulator {

struct Item
{
	enum class Act
	{
		Send,
		Drop, // close the connection
		Stall // send nothing more
	};
	std::string bytes;    // whole frames, or a part of one before a Drop or Stall
	uint32_t wait_ms = 0; // before it
	Act act = Act::Send;
	bool may_drop = false; // an event that is dropped if the client is far behind
};

class Conversation
{
  public:
	Conversation(const Pool &pool, Relay &relay) : pool_(pool), relay_(relay) {}

	/* The answer to the WebSocket handshake, or to the request for the relay's document if `key` is
	 * empty. */
	void on_handshake(std::string_view key, int64_t now_ms);
	void on_text(std::string_view text, int64_t now_ms);
	/* A new event of the relay. */
	void publish(uint32_t number);

	std::deque<Item> out; // the owner takes from the front

  private:
	struct Breaks // where this answer breaks, if it does
	{
		const Trouble *trouble = nullptr;
		bool at(Position position) const { return trouble && trouble->position == position; }
	};

	void say(std::string text, uint32_t wait_ms = 0, bool may_drop = false);
	void say(const char *verb, std::string_view subscription, std::string_view text);
	Breaks pick_trouble(std::initializer_list<Position> positions);
	void fail(const Breaks &breaks, bool in_frame = false);
	bool too_fast(std::string_view subscription, int64_t now_ms);
	void request(std::string_view subscription, std::vector<nostr::Filter> filters);
	void event(std::string_view subscription, uint32_t number);
	void end_of_stored(std::string_view subscription, const Answer &answer);
	/* NEG-OPEN, NEG-MSG; `message` in hexadecimal. */
	void reconcile(std::string_view verb, std::string_view id, const nostr::Filter &filter,
				   std::string_view message);
	void made_up_times(std::string_view subscription, const Answer &answer);

	const Pool &pool_;
	Relay &relay_;
	uint32_t node_ = 0; // the replica that it speaks with
	int64_t opened_ms_ = 0, second_ = 0;
	uint32_t asked_in_second_ = 0, requests_ = 0;
	std::map<std::string, std::vector<nostr::Filter>, std::less<>> subscriptions_;
	std::map<std::string, nostr::negentropy::RecordSet, std::less<>> reconciling_;
};

} // namespace simulator
