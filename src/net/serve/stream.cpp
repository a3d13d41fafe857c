#include "net/serve/stream.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "net/serve/live_feed.h"

namespace net {

Stream::Stream(Server &server, Out &out) : server_(server), out_(out), sent_(server.clock.now()) {}

/* The number in an id of this process; nothing if another process made the id. */
static std::optional<uint64_t>
number_of_id(std::string_view id, const std::string &epoch)
{
	if (!id.starts_with(epoch + "-"))
		return std::nullopt;
	id.remove_prefix(epoch.size() + 1);
	uint64_t number = 0;
	auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
	if (error != std::errc() || end != id.data() + id.size())
		return std::nullopt;
	return number;
}

void
Stream::begin(std::string_view last_id)
{
	place_ = newest_place();
	auto number = number_of_id(last_id, server_.epoch);
	if (number && *number >= oldest_place() && *number <= newest_place()) {
		place_ = *number;
		send("begin", "{\"continued\":true}");
	} else {
		send("begin", "{\"continued\":false}");
		if (!last_id.empty())
			miss();
	}
	go_on();
}

void
Stream::tick()
{
	go_on();
	/* Sends a comment, because proxies and clients close silent connections. */
	if (server_.clock.now() - sent_ >= kHeartbeat && !out_.is_slow()) {
		sent_ = server_.clock.now();
		out_.send_bytes(":\n\n");
	}
}

void
Stream::send(std::string_view name, std::string_view json)
{
	sent_ = server_.clock.now();
	std::string text = "id: " + server_.epoch + "-" + std::to_string(place_) + "\nevent: ";
	text.append(name).append("\ndata: ");
	/* JSON may contain line ends between tokens, which the format forbids. */
	for (char c : json)
		text += c == '\n' || c == '\r' ? ' ' : c;
	out_.send_bytes(text + "\n\n");
}

void
Stream::miss()
{
	place_ = newest_place();
	send("missed", "{\"detail\":\"Something was missed, and this server does not remember it. Ask "
				   "for it by the other paths.\"}");
}

namespace {

/*
 * Follows the events of the feed. A client that has come back, or that has not read for some time,
 * gets the events that it lacks by separate calls, and then follows the feed again.
 */
class EventStream final : public Stream, public Calls::Caller, public LiveReader
{
  public:
	EventStream(Server &server, Out &out, const Visitor &visitor, nostr::Filter filter)
		: Stream(server, out), feed_(*server.feed), visitor_(visitor), filter_(std::move(filter))
	{
		feed_.readers().add(*this, {filter_});
	}
	~EventStream() override
	{
		feed_.readers().remove(*this);
		if (call_ != 0)
			server_.calls.cancel(call_);
	}

	void on_event(const nostr::Event &, std::string_view json, uint64_t number) override
	{
		if (!follows_ || number <= place())
			return;
		/* All events before this one were given to the readers that they match. */
		set_place(number - 1);
		if (out_.is_slow()) {
			follows_ = false;
			return;
		}
		set_place(number);
		send("event", json);
	}

	void on_missed() override
	{
		if (follows_)
			miss();
	}

	void on_sent() override
	{
		for (; owed_ > 0; owed_--)
			server_.calls.taken(call_);
		go_on();
	}

  protected:
	uint64_t oldest_place() const override { return feed_.oldest() - 1; }
	uint64_t newest_place() const override { return feed_.newest(); }

	void go_on() override
	{
		if (call_ != 0 || out_.is_slow())
			return;
		if (place() >= feed_.told()) {
			follows_ = true;
			return;
		}
		if (follows_)
			return; // the feed delivers the events that follow
		if (place() < oldest_place())
			return miss();
		if (server_.admission.take_request(visitor_))
			return; // tick() tries again
		from_ = place() + 1;
		to_ = std::min(from_ + LiveFeed::kAtOnce - 1, feed_.told());
		call_ = feed_.ask(from_, to_, *this, &visitor_);
	}

  private:
	void on_rows(const wire::Rows &rows) override
	{
		for (const wire::Row &row : rows.rows) {
			nostr::Event event;
			set_place(LiveFeed::number_of(row, from_));
			if (parser_.parse(row.item, event) == nostr::Reject::None &&
				nostr::matches(filter_, event))
				send("event", row.item);
		}
		owed_++;
		if (!out_.is_slow())
			on_sent();
	}

	void on_end(const wire::CallEnd &end) override
	{
		call_ = 0;
		owed_ = 0;
		if (!end.sqlstate.empty())
			return miss();
		set_place(to_);
		go_on();
	}

	LiveFeed &feed_;
	const Visitor visitor_;
	const nostr::Filter filter_;
	bool follows_ = false;
	uint64_t call_ = 0, from_ = 0, to_ = 0; // the call for missing events, and their numbers
	int owed_ = 0;                          // pieces without taken() so far
	nostr::EventParser parser_;
};

class ChangeStream final : public Stream
{
  public:
	ChangeStream(Server &server, Out &out, Watch &watch) : Stream(server, out), watch_(watch) {}

  protected:
	uint64_t oldest_place() const override { return watch_.oldest() - 1; }
	uint64_t newest_place() const override { return watch_.newest(); }

	void go_on() override
	{
		watch_.tick();
		/* If the state is a single row, the client first gets the whole row. */
		if (const std::string *state = told_state_ ? nullptr : watch_.single()) {
			told_state_ = true;
			set_place(watch_.newest());
			send("change", *state);
		}
		if (place() < oldest_place())
			return miss();
		while (place() < watch_.newest() && !out_.is_slow()) {
			set_place(place() + 1);
			send("change", watch_.change(place()));
		}
	}

  private:
	Watch &watch_;
	bool told_state_ = false;
};

} // namespace

std::unique_ptr<Stream>
stream_of_events(Server &server, Stream::Out &out, const Visitor &visitor, nostr::Filter filter)
{
	return std::make_unique<EventStream>(server, out, visitor, std::move(filter));
}

std::unique_ptr<Stream>
stream_of_changes(Server &server, Stream::Out &out, Watch &watch)
{
	return std::make_unique<ChangeStream>(server, out, watch);
}

} // namespace net
