/*
 * A relay that speaks NIP-77 with the server side of our own, and does what a test tells it
 * otherwise.
 */
#pragma once

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "nostr/message.h"
#include "nostr/negentropy.h"
#include "scripted_relay.h"

namespace test {

class NegentropyRelay
{
  public:
	explicit NegentropyRelay(std::vector<nostr::Event> events) : events(std::move(events)) {}

	std::vector<nostr::Event> events;
	std::set<nostr::Id> withheld;      // offered, not served
	std::vector<nostr::Event> unasked; // sent with each answer to a question for ids
	size_t frame_limit = 0;
	size_t most = SIZE_MAX; // of its set: the newest
	/* Instead of the answer to NEG-OPEN and to NEG-MSG; ID stands for the id. Empty: silence. */
	std::optional<std::string> instead_of_open, instead_of_message;

	/* What was asked, in the order of time. */
	std::vector<std::string> asked()
	{
		std::lock_guard lock(mutex_);
		return asked_;
	}
	size_t asked(const std::string &verb)
	{
		auto all = asked();
		return size_t(std::count_if(all.begin(), all.end(), [&](const std::string &message) {
			return message.rfind("[\"" + verb + "\"", 0) == 0;
		}));
	}

	ScriptedRelay::Script script()
	{
		return [this](Peer &peer) { serve(peer); };
	}

  private:
	void serve(Peer &peer)
	{
		simdjson::dom::parser parser;
		for (;;) {
			const std::string text = peer.receive();
			{
				std::lock_guard lock(mutex_);
				asked_.push_back(text);
			}
			simdjson::dom::element message = parser.parse(text);
			const std::string verb(std::string_view(message.at(0)));
			const std::string id(std::string_view(message.at(1)));
			if (verb == "REQ")
				answer_request(peer, id, message.at(2));
			else if (verb == "NEG-OPEN" && instead_of_open)
				say(peer, id, *instead_of_open);
			else if (verb == "NEG-MSG" && instead_of_message)
				say(peer, id, *instead_of_message);
			else if (verb == "NEG-OPEN")
				open(peer, id, message);
			else if (verb == "NEG-MSG")
				reconcile(peer, id, std::string_view(message.at(2)));
		}
	}

	static void say(Peer &peer, const std::string &id, std::string text)
	{
		size_t place = text.find("ID");
		if (place != text.npos)
			text.replace(place, 2, id);
		if (!text.empty())
			peer.text(text);
	}

	static int64_t bound(const simdjson::dom::element &filter, const char *name, int64_t otherwise)
	{
		int64_t value;
		return filter[name].get(value) == simdjson::SUCCESS ? value : otherwise;
	}

	void answer_request(Peer &peer, const std::string &id, const simdjson::dom::element &filter)
	{
		simdjson::dom::array ids;
		if (filter["ids"].get(ids) != simdjson::SUCCESS) {
			std::vector<nostr::Event> served = events;
			std::sort(served.begin(), served.end(),
					  [](auto &a, auto &b) { return a.created_at > b.created_at; });
			int64_t left = bound(filter, "limit", 500);
			for (const nostr::Event &event : served)
				if (event.created_at >= bound(filter, "since", 0) &&
					event.created_at <= bound(filter, "until", INT64_MAX) && left-- > 0 &&
					!withheld.count(event.id))
					peer.text(event_message(id, event));
			return peer.text(eose_message(id));
		}
		std::set<nostr::Id> wanted;
		for (std::string_view hex : ids) {
			nostr::Id one;
			ASSERT_TRUE(nostr::from_hex(hex, one.data(), one.size()));
			wanted.insert(one);
		}
		for (const nostr::Event &event : unasked)
			peer.text(event_message(id, event));
		for (const nostr::Event &event : events)
			if (wanted.count(event.id) && !withheld.count(event.id))
				peer.text(event_message(id, event));
		peer.text(eose_message(id));
	}

	void open(Peer &peer, const std::string &id, const simdjson::dom::element &message)
	{
		set_ = {};
		size_t left = most;
		for (auto event = events.rbegin(); event != events.rend() && left > 0; ++event)
			if (event->created_at >= bound(message.at(2), "since", 0) &&
				event->created_at <= bound(message.at(2), "until", INT64_MAX)) {
				set_.add(event->created_at, event->id);
				left--;
			}
		set_.seal();
		reconcile(peer, id, std::string_view(message.at(3)));
	}

	void reconcile(Peer &peer, const std::string &id, std::string_view hex)
	{
		std::string bytes(hex.size() / 2, '\0'), reply;
		ASSERT_TRUE(nostr::from_hex(hex, reinterpret_cast<uint8_t *>(bytes.data()), bytes.size()));
		ASSERT_EQ(nostr::negentropy::answer(set_, frame_limit, bytes, reply),
				  nostr::negentropy::Fault::None);
		std::string text = nostr::neg_message(id, reply);
		/* Upper case is legal. */
		size_t digits = text.rfind('"', text.size() - 3) + 1;
		std::transform(text.begin() + ptrdiff_t(digits), text.end(),
					   text.begin() + ptrdiff_t(digits), ::toupper);
		peer.text(text);
	}

	std::mutex mutex_;
	std::vector<std::string> asked_;
	nostr::negentropy::RecordSet set_;
};

} // namespace test
