#include "net/relay/relay_client.h"

namespace net {

/* Largest number of our messages that wait because the relay does not read. */
constexpr size_t kMaxUnsent = 64;
/* The longest pause that a relay may ask for. */
constexpr std::chrono::seconds kLongestRest{24 * 3600};
/* Pause before the next connection to an address whose places are all taken. */
constexpr std::chrono::seconds kAddressRest{60};

RelayClient::~RelayClient()
{
	end(false);
}

void
RelayClient::start(std::string_view url)
{
	dialer_.emplace(host_.transport, host_.config, *this);
	dialer_->start(url);
}

void
RelayClient::on_failed(const char *reason, std::string detail, const ConnectFacts &facts)
{
	/* With these statuses the refusal of the handshake is temporary. */
	constexpr int kTooManyRequests = 429, kUnavailable = 503;
	const AnswerHead &head = facts.head;
	if (head.status == kTooManyRequests || (head.status == kUnavailable && head.retry_after)) {
		retry_after_ = std::min(head.retry_after.value_or(retry_after_), kLongestRest);
		reason = "rate_limited";
	}
	if (std::string_view(reason) == kAddressFull)
		retry_after_ = kAddressRest;
	fail(reason, detail);
}

bool
RelayClient::may_connect(const std::string &place)
{
	return place_.take(place, host_.config.max_per_address);
}

Connection &
RelayClient::new_connection(Connection::Handler &dialer)
{
	socket_ = std::make_unique<WebSocket>(host_.transport, dialer, host_.config.max_message_bytes);
	return *socket_;
}

void
RelayClient::on_connected(const ConnectFacts &facts)
{
	if (facts.head.date)
		host_.clocks.note(place_.name(), host_.transport.clock, *facts.head.date);
	local_address_ = facts.local ? facts.address : "";
	dialer_.reset();
	socket_->handle_by(*this);
	state_ = State::Open;
	heartbeat_.alive(now());
	owner_.on_open();
}

void
RelayClient::on_life()
{
	heartbeat_.alive(now());
}

void
RelayClient::on_closed(const char *reason, std::string detail)
{
	fail(reason, detail);
}

void
RelayClient::tick()
{
	Clock::Time now = this->now();
	auto limit = host_.config.response_timeout;
	switch (state_) {
	case State::Connecting:
		dialer_->tick();
		break;
	case State::Open:
		/* The worker closes the connections of relays whose URLs are local. */
		if (!local_address_.empty() && !host_.config.allow_local)
			return fail(kLocalAddress, local_address_);
		if (Clock::Time since = socket_->incomplete_since();
			since != Clock::Time{} && now - since > limit)
			return fail("stalled", "a message without end");
		switch (heartbeat_.check(now, limit)) {
		case Heartbeat::Action::Ping:
			return socket_->ping();
		case Heartbeat::Action::GiveUp:
			return fail("connection_lost", "no answer to a ping");
		case Heartbeat::Action::None:
			break;
		}
		break;
	case State::Ended:
		break;
	}
}

void
RelayClient::ask(const std::string &id, std::span<const nostr::Window> windows,
				 Requests::Handler &handler)
{
	requests_.open(id, windows.front(), handler);
	socket_->send(nostr::req_message(id, windows));
}

void
RelayClient::authenticate(const nostr::Id &id, std::string_view event)
{
	authentications_.push_back(id);
	socket_->send("[\"AUTH\"," + std::string(event) + "]");
}

void
RelayClient::publish(std::string_view event)
{
	socket_->send("[\"EVENT\"," + std::string(event) + "]");
}

void
RelayClient::close(const std::string &id)
{
	if (requests_.close(id) && state_ == State::Open)
		socket_->send(nostr::close_message(id));
}

void
RelayClient::open_reconciliation(const std::string &id, const nostr::Window &window,
								 std::string_view message, Requests::Handler &handler)
{
	requests_.open(id, window, handler);
	socket_->send(nostr::neg_open_message(id, window, message));
}

void
RelayClient::go_on(const std::string &id, std::string_view message)
{
	socket_->send(nostr::neg_message(id, message));
}

void
RelayClient::close_reconciliation(const std::string &id)
{
	requests_.close(id);
	socket_->send(nostr::neg_close_message(id));
}

bool
RelayClient::blocked() const
{
	return socket_ && socket_->unsent() > kMaxUnsent;
}

void
RelayClient::end(bool politely)
{
	state_ = State::Ended;
	place_.leave();
	dialer_.reset();
	if (socket_)
		socket_->close(politely);
}

void
RelayClient::fail(const char *reason, std::string_view detail)
{
	if (state_ == State::Ended)
		return;
	std::string kept(detail); // `detail` may point into an object that end() destroys
	end(false);
	owner_.on_ended(reason, kept);
}

} // namespace net
