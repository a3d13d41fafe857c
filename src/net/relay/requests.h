/*
 * The open subscriptions of one connection, each with the handler of its answers. The last closed
 * subscriptions are remembered with their windows, because a relay may send more events before it
 * reads the CLOSE.
 */
#pragma once

#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "nostr/message.h"

namespace net {

class Requests
{
  public:
	class Handler
	{
	  public:
		virtual ~Handler() = default;
		virtual void on_event(nostr::Event &event, std::string_view text) = 0;
		/* An event of this subscription was refused. `text`: the message; empty if the message was
		 * too large to keep. */
		virtual void on_refused_event(std::string_view text) = 0;
		/* `more`: the hint of NIP-67 that the relay has more events. */
		virtual void on_end_of_stored(bool more) = 0;
		/* The relay closed the subscription, which was removed before this call. */
		virtual void on_closed(std::string_view reason) = 0;
		/* A NOTICE names no subscription, so every handler gets it. */
		virtual void on_notice(std::string_view text) = 0;
		/* Set reconciliation (NIP-77): the relay's message in bytes, or the reason why the relay
		 * ended the reconciliation, which was removed before this call. */
		virtual void on_neg_message(std::string_view) {}
		virtual void on_neg_error(std::string_view) {}
	};

	struct Closed
	{
		std::string id;
		nostr::Window window;
	};

	/* `id` must not be open. */
	void open(const std::string &id, const nostr::Window &window, Handler &handler)
	{
		open_[id] = {&handler, window};
		if (!number_of(id))
			named_.insert(id);
	}
	/* Whether this connection has ever had a subscription with this id. */
	bool was_open(std::string_view id) const
	{
		const auto number = number_of(id);
		return number ? *number <= last_id_ : named_.contains(std::string(id));
	}
	/* False: no subscription with this id is open. */
	bool close(const std::string &id)
	{
		auto found = open_.find(id);
		if (found == open_.end())
			return false;
		closed_[next_closed_++ % closed_.size()] = {id, found->second.window};
		open_.erase(found);
		return true;
	}
	/* Null if no subscription with this id is open. */
	Handler *find(const std::string &id) const
	{
		auto found = open_.find(id);
		return found == open_.end() ? nullptr : found->second.handler;
	}
	/* Null if no subscription with this id was closed lately. */
	const Closed *closed_lately(const std::string &id) const
	{
		for (const Closed &closed : closed_)
			if (!closed.id.empty() && closed.id == id)
				return &closed;
		return nullptr;
	}
	/* `call` may close subscriptions. */
	template <class F> void for_each(F call) const
	{
		std::vector<Handler *> handlers;
		for (const auto &[id, request] : open_)
			handlers.push_back(request.handler);
		for (Handler *handler : handlers)
			call(*handler);
	}
	/* Returns "p1", "p2", …; no id is returned twice. */
	std::string new_id(char kind) { return kind + std::to_string(++last_id_); }

  private:
	/* The number of an id that new_id() returned. */
	static std::optional<uint64_t> number_of(std::string_view id)
	{
		uint64_t number = 0;
		if (id.size() < 2)
			return std::nullopt;
		const auto [end, error] = std::from_chars(id.data() + 1, id.data() + id.size(), number);
		return error == std::errc() && end == id.data() + id.size() ? std::optional(number)
																	: std::nullopt;
	}

	struct Open
	{
		Handler *handler;
		nostr::Window window;
	};
	std::unordered_map<std::string, Open> open_;
	std::array<Closed, 32> closed_; // the end of a range alone takes some 20 questions
	size_t next_closed_ = 0;
	uint64_t last_id_ = 0;
	std::set<std::string> named_; // ids that new_id() did not return
};

} // namespace net
